"""A call that somebody keeps an eye on: found again, and spoken of before its deadline, once for each deadline."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from marketplace.funding.models import FundingCall
from marketplace.identity.models import Person
from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.wiring import JOBS
from schemas.funding import FundingState
from tests.given.docking import written
from tests.given.funding import CALLS, a_call
from tests.given.labs import day
from tests.given.letters import letters_to


@pytest.fixture
def strike(database, settings):
    """The clock strikes twice."""

    async def struck():
        for _ in range(2):
            await JOBS["funding.remind"](Place(database, settings), {})

    return struck


async def kept(who, **wish):
    return [one["id"] for one in (await who.get(CALLS, params={"bookmarked": "true"} | wish)).json()["items"]]


async def test_what_one_keeps_is_one_s_own_and_can_be_dropped(session, desk, firm, university, client):
    call, other = [await a_call(session, desk.organisation) for _ in range(2)]
    at = f"{CALLS}/{call.id}/bookmark"
    for days in (7, 3):
        answer = await firm.put(at, {"days_before": days})
        assert (answer.status_code, answer.json()["days_before"]) == (200, days)
    assert await kept(firm) == [str(call.id)]
    assert await kept(university) == []
    assert (await client.get(CALLS, params={"bookmarked": "true"})).json()["items"] == []
    for _ in range(2):
        assert (await firm.delete(at)).status_code == 204
    assert await kept(firm) == []
    hidden = await a_call(session, desk.organisation, state=FundingState.DRAFT)
    assert (await firm.put(f"{CALLS}/{hidden.id}/bookmark", {})).status_code == 404
    assert (await firm.put(f"{CALLS}/{other.id}/bookmark", {"days_before": 0})).status_code == 422


async def test_a_letter_comes_before_the_deadline_and_again_before_another(session, desk, firm, strike):
    first, second = day(9, 12), day(20, 12)
    call = await a_call(session, desk.organisation, closes_at=first)
    assert (await firm.put(f"{CALLS}/{call.id}/bookmark", {"days_before": 3})).status_code == 200
    await strike()
    assert await letters_to(session, firm.email) == []
    with clock.ahead(timedelta(days=7)):
        await strike()
        (letter,) = await letters_to(session, firm.email)
        assert letter.subject == f"申报提醒：{call.title}"
        assert f"{first:%Y-%m-%d} 12:00" in letter.text
        assert f"/funding/{call.id}" in letter.text
        later = await desk.patch(f"{CALLS}/{call.id}", {"closes_at": written(second)}, version=call.version)
        assert later.status_code == 200, later.text
        await strike()
        assert len(await letters_to(session, firm.email)) == 1
    with clock.ahead(timedelta(days=18)):
        await strike()
        assert len(await letters_to(session, firm.email)) == 2, "of the new deadline, too"


async def test_no_letter_comes_of_what_is_over_hidden_or_already_near(session, desk, firm, university, strike):
    near = await a_call(session, desk.organisation, closes_at=day(2, 12))
    always = await a_call(session, desk.organisation, closes_at=None)
    closed = await a_call(session, desk.organisation, closes_at=day(9, 12))
    taken = await a_call(session, desk.organisation, closes_at=day(9, 12))
    alive = await a_call(session, desk.organisation, closes_at=day(9, 12))
    for call in (near, always, closed, taken):
        assert (await firm.put(f"{CALLS}/{call.id}/bookmark", {})).status_code == 200
    assert (await university.put(f"{CALLS}/{alive.id}/bookmark", {})).status_code == 200
    await strike()
    assert await letters_to(session, firm.email) == [], "whoever keeps it within those days knows the deadline"
    await desk.post(f"{CALLS}/{closed.id}/closing")
    await session.execute(update(FundingCall).where(FundingCall.id == taken.id).values(state=FundingState.WITHDRAWN))
    await session.execute(update(Person).where(Person.id == university.id).values(suspended_at=clock.now()))
    await session.commit()
    with clock.ahead(timedelta(days=5)):
        await strike()
    assert await letters_to(session, firm.email) == []
    assert await letters_to(session, university.email) == []


async def test_a_letter_is_in_the_language_of_its_reader(session, desk, firm, strike):
    call = await a_call(session, desk.organisation, closes_at=day(9), title_en="Longer life for dies")
    await session.execute(update(Person).where(Person.id == firm.id).values(locale="en"))
    await session.commit()
    await firm.put(f"{CALLS}/{call.id}/bookmark", {"days_before": 30})
    await firm.put(f"{CALLS}/{call.id}/bookmark", {"days_before": 2})
    with clock.ahead(timedelta(days=8)):
        await strike()
    (letter,) = await letters_to(session, firm.email)
    assert letter.subject == "Apply soon: Longer life for dies"
    assert "24:00 (Beijing time)" in letter.text
