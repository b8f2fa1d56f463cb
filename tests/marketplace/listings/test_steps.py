"""Every step from every state, by everybody: what is allowed, what is refused, and with which words."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.kernel.facts import Recorded
from marketplace.listings.models import Listing
from schemas.identity import Role, Scope, Verification
from tests.given.kinds import ACHIEVEMENT, KINDS, PROBLEM

# Where a step leads from the states that allow it. A state that is not named here refuses the step.
ALLOWED = {
    ("achievement", "publication"): {
        "draft": "published",
        "in_review": "in_review",
        "published": "published",
        "withdrawn": "published",
        "expired": "published",
    },
    ("achievement", "withdrawal"): {
        "in_review": "draft",
        "published": "withdrawn",
        "withdrawn": "withdrawn",
        "expired": "withdrawn",
    },
    ("achievement", "confirmation"): {"published": "published", "expired": "published"},
    ("problem", "publication"): {
        "draft": "published",
        "in_review": "in_review",
        "published": "published",
        "in_talks": "published",
        "closed": "published",
        "expired": "published",
    },
    ("problem", "withdrawal"): {
        "in_review": "draft",
        "published": "closed",
        "in_talks": "closed",
        "closed": "closed",
        "expired": "closed",
    },
    ("problem", "confirmation"): {"published": "published", "in_talks": "in_talks", "expired": "published"},
    ("problem", "talks"): {"published": "in_talks", "in_talks": "in_talks"},
    ("problem", "solution"): {"published": "solved", "in_talks": "solved", "solved": "solved"},
}
CASES = [
    pytest.param(kind, step, state, goes.get(state), id=f"{step} of {state} {name}")
    for kind in KINDS
    for (name, step), goes in ALLOWED.items()
    if name == kind.name
    for state in kind.states
]
OPEN = {"published", "in_talks"}
# Repeats that answer the same and change nothing.
STAYS = {
    ("publication", "published"),
    ("publication", "in_review"),
    ("withdrawal", "withdrawn"),
    ("withdrawal", "closed"),
    ("talks", "in_talks"),
    ("solution", "solved"),
}


@pytest.mark.parametrize(("kind", "step", "state", "leads_to"), CASES)
async def test_a_step_is_taken_from_the_states_that_allow_it(kind, step, state, leads_to, given, session, client):
    owner = await given.university()
    made = await kind.published(owner)
    await kind.set_state(session, made, state)
    before = (await owner.get(kind.at(made))).json()
    taken = await owner.post(kind.at(made, step))
    after = (await owner.get(kind.at(made))).json()
    if leads_to is None:
        assert (taken.status_code, taken.json()["type"]) == (409, "/problems/wrong-state")
        assert after == before
        return
    assert (taken.status_code, taken.json()) == (200, after)
    assert after["state"] == leads_to
    assert taken.headers["ETag"] == f'"{after["version"]}"'
    assert after["version"] == before["version"] + ((step, state) not in STAYS)
    assert (await client.get(kind.at(made))).status_code == (200 if leads_to in OPEN else 404)


@pytest.mark.parametrize(("kind", "step", "state", "leads_to"), CASES)
async def test_nobody_but_the_owners_editors_takes_a_step(kind, step, state, leads_to, given, session, client):
    owner = await given.university()
    made = await kind.published(owner)
    await kind.set_state(session, made, state)
    url = kind.at(made, step)
    assert (await client.post(url)).status_code == 401
    everywhere = 403 if state in OPEN else 404
    for who, status in (
        (await given.person(Role.VIEWER, owner.organisation), 403),
        (await given.person(Role.LAB_MANAGER, owner.organisation), 403),
        (await given.editor(), everywhere),
        (await given.person(), everywhere),
        (await given.admin(), 403),
        (await given.person(Role.AUDITOR), 403),
    ):
        refused = await who.post(url)
        assert refused.status_code == status
        assert refused.json()["type"] == ("/problems/not-your-record" if status == 403 else "/problems/not-found")
    suspended = await given.person(Role.EDITOR, owner.organisation, suspended=True)
    assert (await suspended.post(url)).json()["type"] == "/problems/account-suspended"
    reading = await given.person(Role.EDITOR, owner.organisation, scope=Scope.READ)
    assert (await reading.post(url)).json()["type"] == "/problems/read-only-token"
    assert (await owner.get(kind.at(made))).json()["state"] == state
    assert (await (await given.person(Role.ORGANISATION_ADMIN, owner.organisation)).post(url)).status_code == (
        200 if leads_to else 409
    )


@pytest.mark.parametrize("step", ["talks", "solution"])
async def test_an_achievement_knows_no_talks_and_no_solution(step, given):
    owner = await given.university()
    made = await ACHIEVEMENT.published(owner)
    assert (await owner.post(ACHIEVEMENT.at(made, step))).status_code == 404


@pytest.mark.parametrize("verification", [v for v in Verification if v is not Verification.VERIFIED])
async def test_an_organisation_that_is_not_verified_drafts_and_does_not_publish(kind, verification, given):
    owner = await given.editor(verification=verification)
    made = await kind.draft(owner)
    refused = await owner.post(kind.at(made, "publication"))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-verified")
    assert (await owner.get(kind.at(made))).json()["state"] == "draft"


async def test_publishing_says_what_is_missing(kind, owner):
    made = (await kind.post(owner, title="只有标题")).json()
    refused = await owner.post(kind.at(made, "publication"))
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/incomplete")
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("/description", "missing")]


async def test_completeness_advises_field_by_field_until_nothing_is_missing(kind, owner):
    made = (await kind.post(owner, title="只有标题")).json()
    url = kind.at(made, "completeness")
    empty = (await owner.get(url)).json()
    assert empty["score"] == 0
    assert [item["field"] for item in empty["missing"] if item["required"]] == ["description"]
    assert {item["field"] for item in empty["missing"]} <= set(kind.every_field)
    assert all(item["advice"].isascii() for item in empty["missing"] if "–" not in item["advice"])
    chinese = (await owner.get(url, headers={"Accept-Language": "zh"})).json()
    assert all(" · " not in item["advice"] and not item["advice"].isascii() for item in chinese["missing"])
    await owner.patch(kind.at(made), kind.every_field, version=1)
    assert (await owner.get(url)).json() == {"score": 100, "missing": []}


async def test_a_deadline_that_has_passed_is_missing_even_where_all_is_written(given):
    owner = await given.enterprise()
    made = await PROBLEM.draft(owner, **(PROBLEM.every_field | {"deadline": "2001-01-01"}))
    found = (await owner.get(PROBLEM.at(made, "completeness"))).json()
    assert [(item["field"], item["required"]) for item in found["missing"]] == [("deadline", True)]
    assert 0 < found["score"] < 100


async def test_a_published_record_cannot_lose_what_publishing_asked_for(kind, owner):
    made = await kind.published(owner)
    refused = await owner.patch(kind.at(made), {"description": None}, version=made["version"])
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/incomplete")
    assert (await owner.get(kind.at(made))).json() == made
    await owner.post(kind.at(made, "withdrawal"))
    assert (await owner.patch(kind.at(made), {"description": None}, version=made["version"] + 1)).status_code == 200


async def test_what_was_missing_before_does_not_stop_another_edit(given):
    """The deadline passed by itself; a title may still be put right."""
    owner = await given.enterprise()
    made = await PROBLEM.published(owner, deadline=(clock.today() + timedelta(days=1)).isoformat())
    with clock.ahead(timedelta(days=3)):
        changed = await owner.patch(PROBLEM.at(made), {"title": "改正的题目"}, version=made["version"])
        assert changed.status_code == 200
        worse = await owner.patch(PROBLEM.at(made), {"description": None}, version=made["version"] + 1)
        assert [e["pointer"] for e in worse.json()["errors"]] == ["/description"]


async def test_an_expired_record_that_could_not_be_published_is_not_confirmed(kind, owner, session):
    made = await kind.published(owner)
    await kind.set_state(session, made, "expired")
    assert (await owner.patch(kind.at(made), {"description": None}, version=made["version"])).status_code == 200
    assert (await owner.post(kind.at(made, "confirmation"))).json()["type"] == "/problems/incomplete"
    await session.execute(update(Organisation).values(verification=Verification.SUSPENDED))
    await session.commit()
    assert (await owner.post(kind.at(made, "confirmation"))).json()["type"] == "/problems/not-verified"


async def test_publishing_lists_it_now_and_confirms_it_for_half_a_year(kind, owner):
    with clock.ahead(timedelta(days=3)):
        made = await kind.published(owner)
    assert made["published_at"] == made["confirmed_at"] > made["created_at"]
    kept = clock.now() + timedelta(days=183)
    assert abs(_moment(made["confirmed_until"]) - kept) < timedelta(minutes=5)


async def test_publishing_again_keeps_the_day_it_was_first_published(kind, owner, given, session):
    made = await kind.published(owner)
    listed = await session.scalar(select(Listing.listed_at).where(Listing.id == made["id"]))
    with clock.ahead(timedelta(days=30)):
        colleague = await given.editor(owner.organisation)
        await colleague.post(kind.at(made, "withdrawal"))
        again = (await colleague.post(kind.at(made, "publication"))).json()
    assert again["published_at"] == made["published_at"]
    assert again["confirmed_at"] > made["confirmed_at"]
    assert await session.scalar(select(Listing.listed_at).where(Listing.id == made["id"])) == listed


async def test_confirming_extends_the_term_and_a_reminder_may_come_again(kind, owner, given, session):
    made = await kind.published(owner)
    await session.execute(update(Listing).values(reminded_at=clock.now()))
    await session.commit()
    with clock.ahead(timedelta(days=170)):
        colleague = await given.editor(owner.organisation)
        confirmed = (await colleague.post(kind.at(made, "confirmation"))).json()
    assert _moment(confirmed["confirmed_until"]) - _moment(made["confirmed_until"]) > timedelta(days=169)
    assert confirmed["published_at"] == made["published_at"]
    assert await session.scalar(select(Listing.reminded_at).where(Listing.id == made["id"])) is None


async def test_every_step_is_written_down_with_who_took_it(given, session):
    owner = await given.enterprise()
    made = await PROBLEM.published(owner)
    for step in ("talks", "publication", "confirmation", "withdrawal", "publication", "solution", "solution"):
        assert (await owner.post(PROBLEM.at(made, step))).status_code == 200
    rows = await session.execute(
        select(Recorded.name, Recorded.by, Recorded.body).where(Recorded.subject == made["id"]).order_by(Recorded.id)
    )
    told = rows.all()
    assert [row.name for row in told] == [
        "ListingDrafted",
        "ListingPublished",
        "TalksBegun",
        "ListingPublished",
        "ListingConfirmed",
        "ListingWithdrawn",
        "ListingPublished",
        "ProblemSolved",
    ]
    assert {row.by for row in told} == {owner.id}
    assert all(row.body == {"listing_id": made["id"], "kind": "problem"} for row in told)


def _moment(text: str):
    from datetime import datetime

    return datetime.fromisoformat(text)
