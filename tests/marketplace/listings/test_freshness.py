"""What time alone brings about: a reminder, once, in the reader's language; then retirement, in batches."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from marketplace.identity.models import Membership, Person
from marketplace.kernel import clock
from marketplace.kernel.facts import Recorded
from marketplace.kernel.jobs import Place
from marketplace.kernel.mail import Letter
from marketplace.listings import jobs, publication
from marketplace.listings.models import Listing
from schemas.identity import Role
from schemas.listings import ListingState
from tests.given.kinds import PROBLEM
from tests.given.listings import a_listing


@pytest.fixture
def place(database, settings) -> Place:
    return Place(database, settings)


async def runs_out(session, *records, on=None, at=None):
    """Let the confirmations of these records (or all) run out at this moment."""
    where = [Listing.id.in_([record["id"] for record in records])] if records else []
    await session.execute(update(Listing).where(*where).values(confirmed_until=at or clock.now() + on))
    await session.commit()


async def letters(session):
    return (await session.scalars(select(Letter).order_by(Letter.to, Letter.at))).all()


async def states(session) -> dict[str, str]:
    rows = await session.execute(select(Listing.title, Listing.state).execution_options(populate_existing=True))
    return {title: state.value for title, state in rows}


# --- retiring ----------------------------------------------------------------------------------------------------


async def test_what_was_not_confirmed_in_time_is_retired(kind, owner, client, session, place):
    stays, goes = await kind.published(owner, title="留"), await kind.published(owner, title="去")
    await runs_out(session, goes, on=timedelta(0))
    await runs_out(session, stays, on=timedelta(hours=1))
    await jobs.expire(place, {})
    assert await states(session) == {"留": "published", "去": "expired"}
    assert (await client.get(kind.at(goes))).status_code == 404
    mine = (await owner.get(kind.at(goes))).json()
    assert (mine["state"], mine["version"]) == ("expired", goes["version"] + 1)
    told = await session.execute(select(Recorded.subject, Recorded.by).where(Recorded.name == "ListingExpired"))
    assert [(str(subject), by) for subject, by in told] == [(goes["id"], None)]


async def test_only_what_is_open_is_retired(kind, owner, session, place):
    for state in kind.states:
        await kind.set_state(session, await kind.published(owner, title=state), state)
    await runs_out(session, on=-timedelta(days=1))
    await jobs.expire(place, {})
    expected = {state: "expired" if state in {"published", "in_talks"} else state for state in kind.states}
    assert await states(session) == expected


async def test_confirming_brings_it_back_for_another_term(kind, owner, client, session, place):
    made = await kind.published(owner)
    await runs_out(session, on=-timedelta(days=1))
    await jobs.expire(place, {})
    back = (await owner.post(kind.at(made, "confirmation"))).json()
    assert (back["state"], back["published_at"]) == ("published", made["published_at"])
    assert (await client.get(kind.at(made))).status_code == 200
    await jobs.expire(place, {})
    assert (await owner.get(kind.at(made))).json() == back


async def test_what_is_over_cannot_be_said_to_hold(owner, client):
    """Publishing asks for a deadline that lies ahead; so does another half a year in the ranking."""
    made = await PROBLEM.published(owner, deadline=str(clock.today() + timedelta(days=2)))
    assert (await owner.post(PROBLEM.at(made, "confirmation"))).status_code == 200
    with clock.ahead(timedelta(days=4)):
        refused = await owner.post(PROBLEM.at(made, "confirmation"))
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/incomplete")
        assert [one["pointer"] for one in refused.json()["errors"]] == ["/deadline"]
        version = (await owner.get(PROBLEM.at(made))).json()["version"]
        later = {"deadline": str(clock.today() + timedelta(days=60))}
        assert (await owner.patch(PROBLEM.at(made), later, version=version)).status_code == 200
        assert (await owner.post(PROBLEM.at(made, "confirmation"))).status_code == 200


async def test_retiring_takes_as_many_batches_as_it_needs(owner, session, place):
    past = clock.now() - timedelta(days=1)
    session.add_all(a_listing(PROBLEM.cls, owner.organisation, confirmed_until=past) for _ in range(7))
    await session.commit()
    assert await publication.expire(session, clock.now(), at_most=3) == 3
    await session.commit()
    await jobs.expire(place, {})
    assert await publication.expire(session, clock.now(), at_most=3) == 0
    assert await session.scalar(select(func.count()).where(Listing.state == ListingState.EXPIRED)) == 7
    assert await session.scalar(select(func.count()).where(Recorded.name == "ListingExpired")) == 7


async def test_a_record_that_is_being_changed_is_left_for_the_next_round(live, settings):
    owner = await live.given.university()
    first, second = await PROBLEM.published(owner, title="一"), await PROBLEM.published(owner, title="二")
    await runs_out(live.session, on=-timedelta(days=1))
    place = Place(live.database, settings)
    async with live.database.writing.begin() as busy:
        await busy.execute(select(Listing).where(Listing.id == first["id"]).with_for_update())
        await jobs.expire(place, {})
        assert await states(live.session) == {"一": "published", "二": "expired"}
        await live.session.rollback()
    await jobs.expire(place, {})
    assert await states(live.session) == {"一": "expired", "二": "expired"}
    assert (await owner.get(PROBLEM.at(second))).json()["version"] == second["version"] + 1


# --- reminding ---------------------------------------------------------------------------------------------------


async def test_a_reminder_names_what_runs_out_within_a_fortnight_and_where_to_confirm_it(
    kind, owner, session, place, settings
):
    soon, later = await kind.published(owner, title="将到期"), await kind.published(owner, title="还早")
    await runs_out(session, soon, on=timedelta(days=13))
    await runs_out(session, later, on=timedelta(days=15))
    await jobs.remind(place, {})
    [letter] = await letters(session)
    assert (letter.to, letter.subject) == (owner.email, "请确认仍然有效")
    assert f"- 将到期\n  {settings.public_url}/{kind.plural}/{soon['id']}" in letter.text
    assert "还早" not in letter.text
    assert "Sign in" not in letter.text


async def test_a_reminder_comes_once_until_the_record_is_confirmed(kind, owner, session, place):
    made = await kind.published(owner)
    await runs_out(session, on=timedelta(days=10))
    for _ in range(3):
        await jobs.remind(place, {})
    assert len(await letters(session)) == 1
    await owner.post(kind.at(made, "confirmation"))
    await jobs.remind(place, {})
    assert len(await letters(session)) == 1
    await runs_out(session, on=timedelta(days=10))
    await jobs.remind(place, {})
    assert len(await letters(session)) == 2


async def test_a_reminder_changes_no_version(kind, owner, session, place):
    made = await kind.published(owner)
    await runs_out(session, on=timedelta(days=10))
    before = (await owner.get(kind.at(made))).json()
    await jobs.remind(place, {})
    assert (await owner.get(kind.at(made))).json() == before


async def test_each_writer_is_written_to_in_their_language_and_nobody_else(kind, owner, given, session, place):
    administrator = await given.person(Role.ORGANISATION_ADMIN, owner.organisation)
    await session.execute(update(Person).where(Person.id == administrator.id).values(locale="en"))
    await given.person(Role.VIEWER, owner.organisation)
    await given.person(Role.LAB_MANAGER, owner.organisation)
    await given.person(Role.EDITOR, owner.organisation, suspended=True)
    left = await given.person(Role.EDITOR, owner.organisation)
    await session.execute(update(Membership).where(Membership.person_id == left.id).values(ended_at=clock.now()))
    await given.university()
    await kind.published(owner, title="甲 · 乙 {count} %s")
    await runs_out(session, on=timedelta(days=10))
    await jobs.remind(place, {})
    told = {letter.to: letter for letter in await letters(session)}
    assert set(told) == {owner.email, administrator.email}
    assert told[owner.email].subject == "请确认仍然有效"
    assert told[owner.email].text.startswith("以下记录即将到期")
    assert told[administrator.email].subject == "Please confirm that these still hold"
    assert told[administrator.email].text.startswith("These records are about to expire")
    # The sign that parts two languages may stand in a title.
    assert all("- 甲 · 乙 {count} %s\n" in letter.text for letter in told.values())


async def test_one_letter_names_fifty_records_and_counts_the_rest(owner, stranger, session, place):
    soon = clock.now() + timedelta(days=3)
    session.add_all(
        a_listing(PROBLEM.cls, owner.organisation, title=f"难题{n:03d}", confirmed_until=soon + timedelta(minutes=n))
        for n in range(250)
    )
    session.add(a_listing(PROBLEM.cls, stranger.organisation, title="别家", confirmed_until=soon))
    await session.commit()
    await jobs.remind(place, {})
    told = {letter.to: letter.text for letter in await letters(session)}
    assert set(told) == {owner.email, stranger.email}
    assert told[owner.email].count("\n- ") == jobs.MOST_NAMED
    assert "- 难题000\n" in told[owner.email]
    assert "- 难题050\n" not in told[owner.email]
    assert told[owner.email].endswith("……以及另外 200 条。")
    assert "别家" not in told[owner.email]
    assert await session.scalar(select(func.count()).where(Listing.reminded_at.is_(None))) == 0


async def test_only_what_is_open_and_has_not_run_out_is_reminded_of(kind, owner, session, place):
    for state in kind.states:
        await kind.set_state(session, await kind.published(owner, title=f"第 {state} 种"), state)
    await runs_out(session, on=timedelta(days=5))
    over = await kind.published(owner, title="已过")
    await runs_out(session, over, on=-timedelta(seconds=1))
    await jobs.remind(place, {})
    [letter] = await letters(session)
    for state in kind.states:
        assert (f"第 {state} 种" in letter.text) == (state in {"published", "in_talks"})
    assert "已过" not in letter.text


async def test_an_organisation_without_writers_stops_no_other(kind, owner, stranger, session, place):
    await kind.published(owner, title="无人")
    await kind.published(stranger, title="有人")
    await session.execute(update(Membership).where(Membership.person_id == owner.id).values(ended_at=clock.now()))
    await runs_out(session, on=timedelta(days=5))
    await jobs.remind(place, {})
    [letter] = await letters(session)
    assert letter.to == stranger.email


async def test_two_workers_at_once_write_one_letter(live, settings):
    import asyncio

    owner = await live.given.university()
    for _ in range(3):
        await PROBLEM.published(owner)
    await runs_out(live.session, on=timedelta(days=5))
    place = Place(live.database, settings)
    await asyncio.gather(*(jobs.remind(place, {}) for _ in range(4)))
    assert len(await letters(live.session)) == 1
