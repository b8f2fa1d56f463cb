"""Ratings: once a booking, after use, by those whom it served; answered by the lab; told without telling who came."""

import asyncio

import pytest

from marketplace.kernel import clock
from schemas.identity import Role
from tests.given.labs import an_instrument, day, wish

URL = "/api/v1/bookings"


async def used(who, instrument, at) -> str:
    """A booking that was booked, come to and left."""
    made = (await who.post(URL, wish(instrument, who, at))).json()
    with clock.ahead(at - clock.now()):
        for step in ("check-in", "check-out"):
            assert (await who.post(f"{URL}/{made['id']}/{step}")).status_code == 200
    return made["id"]


@pytest.fixture
async def instrument(manager, session):
    return await an_instrument(session, manager.organisation)


async def test_one_rates_what_one_has_used_once_and_the_lab_answers(instrument, manager, engineer, far_away, client):
    booking = await used(engineer, instrument, day(3, 9))
    made = await engineer.post(f"{URL}/{booking}/rating", {"stars": 4, "text": "很好用"})
    assert made.status_code == 201, made.text
    again = await engineer.post(f"{URL}/{booking}/rating", {"stars": 1})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/rated-already")
    answered = f"/api/v1/ratings/{made.json()['id']}/answer"
    assert (await engineer.post(answered, {"answer": "我自己"})).status_code == 403
    assert (await manager.post(answered, {"answer": "谢谢"})).json()["answer"] == "谢谢"
    second = await used(far_away, instrument, day(3, 11))
    await far_away.post(f"{URL}/{second}/rating", {"stars": 1})
    one = f"/api/v1/instruments/{instrument.id}"
    assert (await client.get(one)).json()["ratings"] == {"count": 2, "mean": 2.5}
    rows = (await client.get(f"{one}/ratings")).json()["items"]
    assert [(row["stars"], row["text"], row["answer"]) for row in rows] == [(1, None, None), (4, "很好用", "谢谢")]


async def test_who_used_it_is_told_to_the_lab_and_to_themselves_alone(instrument, manager, engineer, far_away):
    booking = await used(engineer, instrument, day(3, 9))
    await engineer.post(f"{URL}/{booking}/rating", {"stars": 4})
    url = f"/api/v1/instruments/{instrument.id}/ratings"
    known = str(engineer.organisation.id)
    told = [(await who.get(url)).json()["items"][0] for who in (manager, engineer, far_away)]
    assert [(row["organisation_id"], row["booking_id"]) for row in told] == [
        (known, booking), (known, booking), (None, None),
    ]  # fmt: skip


async def test_only_those_whom_it_served_and_only_when_it_is_done(instrument, manager, engineer, given):
    made = (await engineer.post(URL, wish(instrument, engineer, day(7, 9)))).json()
    early = await engineer.post(f"{URL}/{made['id']}/rating", {"stars": 5})
    assert early.json()["type"] == "/problems/not-used-yet"
    booking = await used(engineer, instrument, day(3, 9))
    assert (await manager.post(f"{URL}/{booking}/rating", {"stars": 5})).json()["type"] == "/problems/not-your-use"
    colleague = await given.person(Role.EDITOR, engineer.organisation)
    assert (await colleague.post(f"{URL}/{booking}/rating", {"stars": 5})).status_code == 201
    for stars in (0, 6, "5", 4.5):
        assert (await engineer.post(f"{URL}/{booking}/rating", {"stars": stars})).status_code == 422


async def test_what_a_suspended_person_wrote_is_neither_shown_nor_counted(instrument, engineer, given, client):
    booking = await used(engineer, instrument, day(3, 9))
    await engineer.post(f"{URL}/{booking}/rating", {"stars": 1, "text": "谩骂"})
    admin = await given.admin()
    one = f"/api/v1/instruments/{instrument.id}"
    for step, count in (("suspension", 0), ("reinstatement", 1)):
        done = await admin.post(f"/api/v1/people/{engineer.id}/{step}", {"reason": "核查"})
        assert done.status_code in {200, 204}, done.text
        assert (await client.get(one)).json()["ratings"]["count"] == count
        assert len((await client.get(f"{one}/ratings")).json()["items"]) == count


async def test_of_five_who_rate_one_booking_at_once_one_does(real):
    manager = await real.given.person(Role.LAB_MANAGER, await real.given.organisation())
    engineer = await real.given.enterprise()
    made = await an_instrument(real.given.session, manager.organisation)
    booking = await used(engineer, made, day(3, 9))
    answers = await asyncio.gather(*(engineer.post(f"{URL}/{booking}/rating", {"stars": n}) for n in range(1, 6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
