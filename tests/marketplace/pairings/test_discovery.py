"""New terms are found in what is public and open, proposed, decided by people, and never proposed again when rejected."""

from typing import Any

import pytest
from sqlalchemy import func, select

from marketplace.kernel.jobs import Place
from marketplace.lexicon.models import TermProposal
from marketplace.pairings import discovery
from schemas.identity import Role
from tests.matching.test_compounds import corpus

PROPOSALS, TERMS = "/api/v1/term-proposals", "/api/v1/terms"
FOUND = {"磷酸铁锂", "sic陶瓷"}


@pytest.fixture
def place(standing, settings) -> Place:
    return Place(standing.database, settings)


@pytest.fixture(autouse=True)
def _in_few_records(monkeypatch):
    """Few records have no room for rare terms, so the wall stands lower."""
    from matching import compounds

    monkeypatch.setattr(compounds.discovered, "__kwdefaults__", {
        **compounds.discovered.__kwdefaults__, "demands": compounds.Demands(cohesion=1.5),
    })  # fmt: skip


async def discovered(admin, place: Place) -> dict[str, Any]:
    started = await admin.post(PROPOSALS)
    assert started.status_code == 202, started.text
    for _ in range(2):
        await discovery.run(place, {"operation_id": started.json()["id"]})  # delivered twice, done once
    operation = (await admin.get(started.headers["Location"])).json()
    assert (operation["state"], operation["done"]) == ("done", operation["total"])
    return operation["result"]


async def listed(who, **wish) -> list[dict[str, Any]]:
    answer = await who.get(PROPOSALS, params={"limit": 100, **wish})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def market(given_there):
    university = await given_there.university()
    texts = corpus(many=60)
    made = []
    for start in range(0, len(texts), 6):
        body = "\n".join(texts[start : start + 6])
        made.append(await given_there.achievement(university, title=f"第{start}项成果", description=body))
    return university, made


async def test_terms_are_found_shown_with_examples_and_decided(standing, given_there, place):
    university, made = await market(given_there)
    admin, auditor = await given_there.admin(), await given_there.person(Role.AUDITOR)
    assert (await university.get(PROPOSALS)).status_code == 403
    assert (await discovered(admin, place))["proposed"] == len(FOUND)
    proposed = await listed(auditor, state="proposed")
    assert {one["text"] for one in proposed} == FOUND
    ids = {one["id"] for one in made}
    for one in proposed:
        assert one["frequency"] >= one["records"] > 0
        assert 0 < len(one["examples"]) <= 3
        assert {example["id"] for example in one["examples"]} <= ids
    by_text = {one["text"]: one["id"] for one in proposed}

    wish = {"accept": [by_text["磷酸铁锂"]], "reject": [by_text["sic陶瓷"]]}
    assert (await auditor.post(f"{PROPOSALS}/decisions", wish)).status_code == 403
    done = (await admin.post(f"{PROPOSALS}/decisions", wish)).json()
    assert done == {"accepted": 1, "rejected": 1, "reopened": 0}
    again = (await admin.post(f"{PROPOSALS}/decisions", wish)).json()
    assert again == {"accepted": 0, "rejected": 0, "reopened": 0}, "asked twice, done once"
    (term,) = (await admin.get(TERMS)).json()["items"]
    assert (term["text"], term["origin"]) == ("磷酸铁锂", "discovered")
    assert (await discovered(admin, place))["proposed"] == 0, "what was decided is not proposed again"
    assert {one["state"] for one in await listed(admin)} == {"accepted", "rejected"}

    undone = (await admin.post(f"{PROPOSALS}/decisions", {"reopen": list(by_text.values())})).json()
    assert undone == {"accepted": 0, "rejected": 0, "reopened": 2}
    assert (await admin.get(TERMS)).json()["items"] == []
    assert len(await listed(admin, state="proposed")) == 2


async def test_what_is_confidential_or_not_open_is_never_read(standing, given_there, place):
    university, made = await market(given_there)
    secret = "保密氧化锆珠" * 12 + "。"
    for one in made[:6]:
        url = f"/api/v1/achievements/{one['id']}/confidential"
        hidden = {"text": "".join(f"甲{n}保密氧化锆珠乙{n}。" for n in range(20)), "nda": None}
        answer = await university.put(url, hidden, headers={"If-Match": '"0"'})
        assert answer.status_code in {200, 201, 204}, answer.text
    await given_there.achievement(university, published=False, description=secret * 9)
    admin = await given_there.admin()
    await discovered(admin, place)
    assert {one["text"] for one in await listed(admin)} == FOUND
    (gone, *_) = next(one for one in await listed(admin) if one["text"] == "磷酸铁锂")["examples"]
    await university.post(f"/api/v1/achievements/{gone['id']}/withdrawal", {"reason": "不再提供"})
    shown = [example["id"] for one in await listed(admin) for example in one["examples"]]
    assert gone["id"] not in shown


async def test_a_discovery_that_is_cancelled_writes_nothing(standing, given_there, place):
    await market(given_there)
    admin = await given_there.admin()
    started = (await admin.post(PROPOSALS)).json()
    assert (await admin.post(f"/api/v1/operations/{started['id']}/cancellation")).status_code == 200
    await discovery.run(place, {"operation_id": started["id"]})
    assert (await admin.get(f"/api/v1/operations/{started['id']}")).json()["state"] == "cancelled"
    async with standing.session() as session:
        assert await session.scalar(select(func.count()).select_from(TermProposal)) == 0
