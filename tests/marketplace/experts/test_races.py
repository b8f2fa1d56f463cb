"""Many hands on one profile at once, in transactions that really commit."""

import asyncio

from tests.given.experts import EVIDENCE, URL, published

ROUNDS = 12


async def test_whoever_takes_consent_back_wins_over_whoever_publishes(real):
    """Confirmed, published and edited while consent is taken back: afterwards nobody is shown without it."""
    owner = await real.given.university()
    taken = 0
    for number in range(ROUNDS):
        made = await published(owner, name=f"虚构{number}")
        at = f"{URL}/{made['id']}"
        answers = await asyncio.gather(
            owner.post(f"{at}/confirmation"),
            owner.post(f"{at}/withdrawal"),
            owner.post(f"{at}/publication"),
            owner.delete(f"{at}/consent"),
            owner.patch(at, {"focus": f"另一方向{number}"}, version=made["version"]),
            owner.post(f"{at}/publication"),
        )
        assert {one.status_code for one in answers} <= {200, 409, 412}
        assert answers[3].status_code == 200
        left = (await owner.get(at)).json()
        assert (left["state"], left["consent"]) == ("withdrawn", None)
        assert (await real.client.get(at)).status_code == 404
        taken += any(one.status_code == 409 for one in answers)
    assert taken, "somebody came too late at least once, or nothing ran side by side"


async def test_an_erasure_wins_over_everything(real):
    owner = await real.given.university()
    for number in range(ROUNDS):
        made = await published(owner, name=f"虚构抹{number}")
        at = f"{URL}/{made['id']}"
        answers = await asyncio.gather(
            owner.post(f"{at}/consent", {"evidence": f"{EVIDENCE}，又一份"}),
            owner.post(f"{at}/confirmation"),
            owner.delete(at),
            owner.patch(at, {"focus": "另一方向"}, version=made["version"]),
        )
        assert {one.status_code for one in answers} <= {200, 204, 404, 412}
        assert answers[2].status_code == 204
        assert (await owner.get(at)).status_code == 404
