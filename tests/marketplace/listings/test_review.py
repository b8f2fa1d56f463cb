"""Where the platform looks first: a record waits, is let through or given back, and only an administrator decides."""

import pytest
from sqlalchemy import update

from marketplace.identity.models import Organisation
from schemas.identity import Role, Verification
from tests.given.kinds import PROBLEM
from tests.given.people import Given


@pytest.fixture
def given(session, reviewing) -> Given:
    return Given(session, reviewing)


@pytest.fixture
def client(reviewing):
    return reviewing


async def submitted(kind, owner, **fields):
    made = await kind.draft(owner, **fields)
    out = await owner.post(kind.at(made, "publication"))
    assert (out.status_code, out.json()["state"]) == (200, "in_review")
    return out.json()


async def decided(who, kind, made, wish, read=None):
    """As they read it: by its ETag, else as it was handed in."""
    return await who.post(kind.at(made, "review"), wish, headers={"If-Match": read or f'"{made["version"]}"'})


async def test_publishing_hands_a_record_to_review_and_shows_it_to_nobody(kind, owner, client, given):
    made = await submitted(kind, owner)
    assert [made[name] for name in ("published_at", "confirmed_at", "confirmed_until")] == [None] * 3
    assert (await client.get(kind.at(made))).status_code == 404
    assert (await client.get(kind.url)).json()["items"] == []
    assert (await owner.post(kind.at(made, "publication"))).json() == made
    waiting = await (await given.admin()).get(kind.url, params={"state": "in_review"})
    assert [item["id"] for item in waiting.json()["items"]] == [made["id"]]


async def test_an_administrator_lets_it_through(kind, owner, client, given):
    made, admin = await submitted(kind, owner), await given.admin()
    out = await decided(admin, kind, made, {"approve": True})
    assert (out.status_code, out.json()["state"]) == (200, "published")
    assert (await client.get(kind.at(made))).status_code == 200
    again = await decided(admin, kind, made, {"approve": True})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/wrong-state")


async def test_a_record_is_given_back_with_a_note_until_it_is_handed_in_again(kind, owner, given):
    made, admin = await submitted(kind, owner), await given.admin()
    back = await decided(admin, kind, made, {"approve": False, "note": "请补充指标"})
    assert back.status_code == 200
    mine = (await owner.get(kind.at(made))).json()
    assert (mine["state"], mine["state_note"]) == ("draft", "请补充指标")
    again = (await owner.post(kind.at(made, "publication"))).json()
    assert (again["state"], again["state_note"]) == ("in_review", None)


@pytest.mark.parametrize("state", ["draft", "published", "in_talks", "solved", "closed", "expired"])
async def test_only_what_waits_is_reviewed(state, owner, given, session):
    made, admin = await submitted(PROBLEM, owner), await given.admin()
    await decided(admin, PROBLEM, made, {"approve": True})
    await PROBLEM.set_state(session, made, state)
    for approve in (True, False):
        refused = await decided(admin, PROBLEM, made, {"approve": approve})
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong-state")


async def test_nobody_else_reviews(kind, owner, client, given):
    made = await submitted(kind, owner)
    wish = {"approve": True}
    assert (await client.post(kind.at(made, "review"), json=wish)).status_code == 401
    for who, status in (
        (owner, 403),
        (await given.person(Role.ORGANISATION_ADMIN, owner.organisation), 403),
        (await given.person(Role.VIEWER, owner.organisation), 403),
        (await given.person(Role.AUDITOR), 403),
        (await given.editor(), 404),
    ):
        assert (await decided(who, kind, made, wish)).status_code == status
    assert (await owner.get(kind.at(made))).json()["state"] == "in_review"


async def test_an_organisation_suspended_meanwhile_is_not_published(kind, owner, given, session):
    made, admin = await submitted(kind, owner), await given.admin()
    await session.execute(update(Organisation).values(verification=Verification.SUSPENDED))
    await session.commit()
    refused = await decided(admin, kind, made, {"approve": True})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-verified")


async def test_what_was_changed_meanwhile_is_not_let_through_unseen(kind, owner, given):
    made, admin = await submitted(kind, owner), await given.admin()
    seen = (await admin.get(kind.at(made))).headers["ETag"]
    await owner.patch(kind.at(made), {"title": "加微信购买发票"}, version=made["version"])
    stale = await decided(admin, kind, made, {"approve": True}, seen)
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale-version")
    now = (await admin.get(kind.at(made))).headers["ETag"]
    out = await decided(admin, kind, made, {"approve": True}, now)
    assert (out.status_code, out.json()["state"]) == (200, "published")


async def test_what_waits_can_be_edited_and_keeps_what_publishing_asked_for(kind, owner):
    made = await submitted(kind, owner)
    changed = await owner.patch(kind.at(made), {"title": "改"}, version=made["version"])
    assert (changed.json()["state"], changed.json()["title"]) == ("in_review", "改")
    refused = await owner.patch(kind.at(made), {"description": None}, version=made["version"] + 1)
    assert refused.json()["type"] == "/problems/incomplete"


async def test_a_problem_comes_back_from_talks_without_a_second_review(owner, given):
    made, admin = await submitted(PROBLEM, owner), await given.admin()
    await decided(admin, PROBLEM, made, {"approve": True})
    await owner.post(PROBLEM.at(made, "talks"))
    assert (await owner.post(PROBLEM.at(made, "publication"))).json()["state"] == "published"
    await owner.post(PROBLEM.at(made, "withdrawal"))
    assert (await owner.post(PROBLEM.at(made, "publication"))).json()["state"] == "in_review"
