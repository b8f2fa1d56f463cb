"""The waiting list: in order, held until the offer runs out, by the same rules."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from marketplace.kernel import clock
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.mail import Letter
from marketplace.labs import waiting
from marketplace.labs.models import Instrument
from tests.given.labs import an_instrument, day, wish

URL, LINE = "/api/v1/bookings", "/api/v1/waiting-list"


@pytest.fixture
async def full(manager, engineer, session):
    """An instrument, and a booking of the engineer's on it."""
    made = await an_instrument(session, manager.organisation)
    booking = (await engineer.post(URL, wish(made, engineer, day(7, 9)))).json()
    return made, booking


async def joined(who, instrument, at=None, hours=1.0) -> dict:
    answer = await who.post(LINE, wish(instrument, who, at or day(7, 9), hours))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def free(engineer, booking) -> None:
    assert (await engineer.post(f"{URL}/{booking['id']}/cancellation", {})).status_code == 200


async def states(*pairs) -> list[str]:
    found = []
    for who, one in pairs:
        items = (await who.get(LINE)).json()["items"]
        found.append(next(item["state"] for item in items if item["id"] == one["id"]))
    return found


async def test_what_comes_free_is_held_for_whoever_waited_longest(full, engineer, far_away, given, session):
    instrument, booking = full
    third = await given.university()
    first, second = await joined(far_away, instrument), await joined(third, instrument)
    await free(engineer, booking)
    queued = await session.scalars(
        text("select convert_from(payload, 'utf8') from pgqueuer where entrypoint = 'labs.promote'")
    )
    assert str(instrument.id) in queued.one()
    assert await waiting.promote(session, instrument.id, "http://test") == 1
    await session.commit()
    assert await states((far_away, first), (third, second)) == ["offered", "waiting"]
    letter = (await session.scalars(select(Letter).where(Letter.to == far_away.email))).one()
    # It says which time, until when, and leads to where it is taken.
    offered = (await far_away.get(LINE)).json()["items"][0]
    until = datetime.fromisoformat(offered["offer_expires_at"]).astimezone(BEIJING)
    assert f"{day(7, 9):%Y-%m-%d %H:%M} 至" in letter.text
    assert f"{until:%Y-%m-%d %H:%M} 前" in letter.text
    assert letter.text.endswith("http://test/bookings")
    # Held: neither the next in line nor anybody else gets it.
    assert (await third.post(f"{LINE}/{second['id']}/acceptance")).json()["type"] == "/problems/no-offer"
    assert (await engineer.post(URL, wish(instrument, engineer, day(7, 9)))).status_code == 409
    taken = await far_away.post(f"{LINE}/{first['id']}/acceptance")
    assert (taken.status_code, taken.json()["state"]) == (201, "confirmed")
    assert (await far_away.post(f"{LINE}/{first['id']}/acceptance")).status_code == 409
    assert await states((far_away, first)) == ["taken"]


async def test_an_offer_that_is_declined_or_runs_out_goes_to_the_next(full, engineer, far_away, given, session):
    instrument, booking = full
    second, third = await given.university(), await given.university()
    line = [(who, await joined(who, instrument)) for who in (far_away, second, third)]
    await free(engineer, booking)
    await waiting.promote(session, instrument.id, "http://test")
    await session.commit()
    assert (await far_away.delete(f"{LINE}/{line[0][1]['id']}")).status_code == 204
    await waiting.promote(session, instrument.id, "http://test")
    await session.commit()
    assert await states(*line) == ["declined", "offered", "waiting"]
    late = clock.now() + waiting.OFFER_LASTS + timedelta(minutes=1)
    assert await waiting.expire_offers(session, clock.now()) == 0
    assert await waiting.expire_offers(session, late) == 1
    await waiting.promote(session, instrument.id, "http://test")
    await session.commit()
    assert await states(*line) == ["declined", "expired", "offered"]


async def test_only_a_time_that_is_taken_is_waited_for_and_only_once(full, far_away):
    instrument, _ = full
    assert (await far_away.post(LINE, wish(instrument, far_away, day(8, 9)))).json()["type"] == "/problems/not-taken"
    await joined(far_away, instrument)
    again = await far_away.post(LINE, wish(instrument, far_away, day(7, 9)))
    assert again.json()["type"] == "/problems/waiting-already"
    off_grid = await far_away.post(LINE, wish(instrument, far_away, day(7, 9.2)))
    assert [error["code"] for error in off_grid.json()["errors"]] == ["off_grid"]


async def test_who_cannot_be_served_is_passed_over_and_goes_on_waiting(full, engineer, far_away, given, session):
    instrument, booking = full
    second = await given.university()
    line = [(far_away, await joined(far_away, instrument, hours=2)), (second, await joined(second, instrument))]
    other = (await engineer.post(URL, wish(instrument, engineer, day(7, 10)))).json()
    await free(engineer, booking)
    await waiting.promote(session, instrument.id, "http://test")
    await session.commit()
    assert await states(*line) == ["waiting", "offered"], "two hours are not free: half past ten is taken"
    await free(engineer, other)


async def test_ones_place_in_line_is_ones_own(full, far_away, engineer, manager):
    instrument, _ = full
    mine = await joined(far_away, instrument)
    assert (await engineer.delete(f"{LINE}/{mine['id']}")).status_code == 404
    assert (await manager.delete(f"{LINE}/{mine['id']}")).status_code == 403
    assert len((await manager.get(LINE, params={"instrument": str(instrument.id)})).json()["items"]) == 1
    assert (await far_away.delete(f"{LINE}/{mine['id']}")).status_code == 204
    assert await states((far_away, mine)) == ["left"]


@pytest.mark.parametrize("decision", ["approval", "refusal", "cancellation"])
async def test_an_accepted_offer_that_needs_approval_keeps_its_time_until_decided(
    full, engineer, far_away, manager, session, decision
):
    instrument, booking = full
    mine = await joined(far_away, instrument)
    await free(engineer, booking)
    await session.execute(update(Instrument).where(Instrument.id == instrument.id).values(confirmed_at_once=[]))
    await session.commit()
    await waiting.promote(session, instrument.id, "http://test")
    await session.commit()
    taken = (await far_away.post(f"{LINE}/{mine['id']}/acceptance")).json()
    assert taken["state"] == "requested"
    held = await engineer.post(URL, wish(instrument, engineer, day(7, 9)))
    assert [error["code"] for error in held.json()["errors"]] == ["slot_taken"]
    who = far_away if decision == "cancellation" else manager
    decided = await who.post(f"{URL}/{taken['id']}/{decision}", {"note": "检修"})
    assert decided.status_code == 200, decided.text
    after = await engineer.post(URL, wish(instrument, engineer, day(7, 9)))
    assert after.status_code == (409 if decision == "approval" else 201)
