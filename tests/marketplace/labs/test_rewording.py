"""What a booking is for is changed without moving it: its history is kept, and who agreed to it is asked again."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.kernel import clock
from schemas.identity import Role
from tests.given.labs import an_instrument, day, slot, wish
from tests.given.letters import letters_to, run_what_waits
from tests.given.money import a_tariff, a_voucher, faults, publish

URL = "/api/v1/bookings"
FORM = ["样品数量？", "是否导电？"]


async def booked(who, instrument, at=None, hours: float = 1, **more):
    made = await who.post(URL, wish(instrument, who, at or day(7, 9), hours) | more)
    assert made.status_code == 201, made.text
    return made.json()


async def reworded(who, booking: dict, version: int | None = None, **fields):
    one = f"{URL}/{booking['id']}"
    return await who.patch(one, fields, version=booking["version"] if version is None else version)


@pytest.fixture
async def instrument(manager, session):
    """Everybody's bookings are confirmed at once."""
    return await an_instrument(session, manager.organisation, order_form=FORM)


@pytest.fixture
async def guarded(manager, session):
    """A keeper is asked about each."""
    return await an_instrument(session, manager.organisation, confirmed_at_once=[])


async def held(session) -> list[str]:
    rows = await session.scalars(text("select held_by from claim order by during"))
    return [str(one) for one in rows.all()]


async def test_its_user_says_something_else_and_what_it_said_is_kept(app, database, instrument, engineer, session):
    booking = await booked(engineer, instrument, purpose="拉伸", answers=["三件", "是"])
    before = await held(session)
    changed = await reworded(engineer, booking, purpose="三点弯曲", answers=["五件", "否"])
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    seen = changed.json()
    assert [seen[name] for name in ("id", "state", "purpose", "answers", "version")] == [
        booking["id"], "confirmed", "三点弯曲", ["五件", "否"], 2,
    ]  # fmt: skip
    assert (seen["starts_at"], await held(session)) == (booking["starts_at"], before)
    assert (await reworded(engineer, seen, purpose="四点弯曲")).json()["answers"] == ["五件", "否"]
    rows = (await engineer.get(f"{URL}/{booking['id']}/revisions")).json()["items"]
    assert [(row["version"], row["purpose"], row["answers"], row["by"]) for row in rows] == [
        (2, "三点弯曲", ["五件", "否"], str(engineer.id)), (1, "拉伸", ["三件", "是"], str(engineer.id)),
    ]  # fmt: skip
    # Whoever's calendar has it has it under its new name, in one letter of the latest.
    await run_what_waits("labs.invite", app, database, session)
    assert "四点弯曲" in (await letters_to(session, engineer.email))[-1].text


async def test_what_is_out_of_date_or_says_nothing_new_changes_nothing(instrument, engineer):
    booking = await booked(engineer, instrument, purpose="拉伸", answers=["三件", "是"])
    assert (await reworded(engineer, booking, purpose="拉伸")).json()["version"] == 1
    assert (await reworded(engineer, booking, purpose="弯曲")).status_code == 200
    assert (await reworded(engineer, booking, purpose="压缩")).status_code == 412
    short = await reworded(engineer, booking, 2, answers=["三件"])
    assert (short.status_code, [one["code"] for one in short.json()["errors"]]) == (409, ["answers_missing"])
    assert (await engineer.get(f"{URL}/{booking['id']}/revisions")).json()["items"][0]["version"] == 1


async def test_a_request_is_changed_in_place_and_its_approval_holds_for_what_was_looked_at(guarded, engineer, manager):
    booking = await booked(engineer, guarded)
    assert (await reworded(engineer, booking, purpose="弯曲")).json()["state"] == "requested"
    one = f"{URL}/{booking['id']}/approval"
    assert (await manager.post(one, {}, headers={"If-Match": '"1"'})).status_code == 412
    approved = await manager.post(one, {}, headers={"If-Match": '"2"'})
    assert (approved.status_code, approved.json()["purpose"]) == (200, "弯曲")


async def test_a_keeper_who_agreed_is_asked_again_and_the_booking_holds_until_then(guarded, engineer, manager, session):
    booking = await booked(engineer, guarded, purpose="拉伸")
    booking = (await manager.post(f"{URL}/{booking['id']}/approval", {})).json()
    before = await held(session)
    asked = (await reworded(engineer, booking, purpose="弯曲")).json()
    assert (asked["state"], asked["moved_from_id"], asked["purpose"]) == ("requested", booking["id"], "弯曲")
    assert (asked["starts_at"], asked["ends_at"]) == (booking["starts_at"], booking["ends_at"])
    now = (await engineer.get(f"{URL}/{booking['id']}")).json()
    assert (now["state"], now["purpose"], await held(session)) == ("confirmed", "拉伸", before)
    twice = await reworded(engineer, booking, purpose="压缩")
    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/already-moving")
    # The request itself may be changed, and nobody else gets the time meanwhile.
    assert (await reworded(engineer, asked, purpose="压缩")).status_code == 200
    assert (await manager.post(f"{URL}/{asked['id']}/approval", {})).json()["state"] == "confirmed"
    assert (await engineer.get(f"{URL}/{booking['id']}")).json()["state"] == "moved"
    assert await held(session) == [asked["id"]]


async def test_what_is_refused_or_called_off_leaves_the_booking_or_nothing(guarded, engineer, manager, session):
    booking = await booked(engineer, guarded, purpose="拉伸")
    booking = (await manager.post(f"{URL}/{booking['id']}/approval", {})).json()
    first = (await reworded(engineer, booking, purpose="弯曲")).json()
    await manager.post(f"{URL}/{first['id']}/refusal", {"note": "超出范围"})
    now = (await engineer.get(f"{URL}/{booking['id']}")).json()
    assert (now["state"], now["purpose"], await held(session)) == ("confirmed", "拉伸", [booking["id"]])
    second = (await reworded(engineer, booking, purpose="压缩")).json()
    assert second["state"] == "requested"
    assert (await engineer.post(f"{URL}/{booking['id']}/cancellation", {})).status_code == 200
    assert (await engineer.get(f"{URL}/{second['id']}")).json()["state"] == "cancelled"
    assert await held(session) == []


async def test_the_notice_that_a_time_needs_is_not_asked_for_again(manager, engineer, session):
    made = await an_instrument(session, manager.organisation, confirmed_at_once=[], notice_minutes=24 * 60)
    nine, ten = day(3, 9), day(3, 10)
    booking = await booked(engineer, made, nine)
    booking = (await manager.post(f"{URL}/{booking['id']}/approval", {})).json()
    with clock.ahead(nine - timedelta(hours=2) - clock.now()):
        asked = (await reworded(engineer, booking, purpose="弯曲")).json()
        assert asked["state"] == "requested"
        moved = await engineer.post(f"{URL}/{asked['id']}/move", slot(ten))
        assert [one["code"] for one in moved.json()["errors"]] == ["too_soon"]
        assert (await manager.post(f"{URL}/{asked['id']}/approval", {})).json()["state"] == "confirmed"


async def test_only_its_user_and_the_keepers_change_it_and_only_while_it_is_to_come(
    instrument, guarded, engineer, manager, given
):
    booking = await booked(engineer, instrument, answers=["三件", "是"])
    colleague = await given.person(Role.EDITOR, engineer.organisation)
    assert (await reworded(colleague, booking, purpose="弯曲")).status_code == 403
    assert (await reworded(await given.enterprise(), booking, purpose="弯曲")).status_code == 404
    # A keeper's own change needs nobody's word.
    other = await booked(engineer, guarded)
    other = (await manager.post(f"{URL}/{other['id']}/approval", {})).json()
    assert (await reworded(manager, other, purpose="弯曲")).json()["state"] == "confirmed"
    with clock.ahead(day(8) - clock.now()):
        assert (await reworded(engineer, booking, purpose="弯曲")).json()["type"] == "/problems/booking-over"
    await engineer.post(f"{URL}/{booking['id']}/cancellation", {})
    assert (await reworded(engineer, booking, 2, purpose="弯曲")).json()["type"] == "/problems/booking-over"


async def test_the_money_that_was_held_is_held_once_whatever_is_said(guarded, engineer, manager, given, session):
    programme = await given.admin()
    await publish(manager, guarded, a_tariff())
    voucher = await a_voucher(programme, engineer, "150.00")

    async def held_of_it() -> str:
        return (await programme.get(f"/api/v1/vouchers/{voucher['id']}")).json()["held"]

    booking = await booked(engineer, guarded, hours=2)
    booking = (await manager.post(f"{URL}/{booking['id']}/approval", {})).json()
    assert await held_of_it() == "100.00"
    asked = (await reworded(engineer, booking, purpose="弯曲")).json()
    assert await held_of_it() == "100.00"
    assert (await manager.post(f"{URL}/{asked['id']}/approval", {})).status_code == 200
    assert (await held_of_it(), await faults(session)) == ("100.00", [])
    assert (await engineer.post(f"{URL}/{asked['id']}/cancellation", {})).status_code == 200
    assert (await held_of_it(), await faults(session)) == ("0.00", [])
