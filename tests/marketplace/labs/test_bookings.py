"""Bookings: asked for, approved, moved, given back, used; and what others are told."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace.kernel import clock
from marketplace.kernel.facts import Recorded
from marketplace.labs import bookings
from schemas.identity import Role
from tests.given.labs import an_instrument, day, slot, wish

URL, SERIES = "/api/v1/bookings", "/api/v1/booking-series"


async def booked(who, instrument, at, hours=1.0, **more) -> dict:
    made = await who.post(URL, wish(instrument, who, at, hours, **more))
    assert made.status_code == 201, made.text
    return made.json()


async def state(who, booking) -> str:
    return (await who.get(f"{URL}/{booking['id']}")).json()["state"]


@pytest.fixture
async def at_once(manager, session):
    """An instrument whose bookings wait for nobody."""
    return await an_instrument(session, manager.organisation)


@pytest.fixture
async def on_request(manager, session):
    """An instrument whose keeper approves everybody but the lab's own people."""
    return await an_instrument(session, manager.organisation, confirmed_at_once=["internal"])


async def test_a_firm_books_an_hour_and_nobody_else_gets_it(at_once, engineer, far_away):
    made = await booked(engineer, at_once, day(7, 9))
    assert (made["state"], made["customer_class"]) == ("confirmed", "province_firm")
    refused = await far_away.post(URL, wish(at_once, far_away, day(7, 9.5)))
    assert [error["code"] for error in refused.json()["errors"]] == ["slot_taken"]
    assert (await booked(far_away, at_once, day(7, 10)))["customer_class"] == "other"


async def test_a_booking_is_six_statements(at_once, engineer, statements):
    """Each more is a way to the database and back while others wait for the instrument's calendar."""
    first, second = (wish(at_once, engineer, day(7, hour)) for hour in (9, 10))
    await engineer.post(URL, first, headers={"Idempotency-Key": "one"})
    with statements() as seen:
        made = await engineer.post(URL, second, headers={"Idempotency-Key": "two"})
    assert made.status_code == 201
    assert len(seen) == 6, seen


async def test_the_buffer_is_kept_free_after_each(manager, engineer, session):
    made = await an_instrument(session, manager.organisation, buffer_minutes=30)
    await booked(engineer, made, day(7, 9))
    assert (await engineer.post(URL, wish(made, engineer, day(7, 10)))).status_code == 409
    # Before it as well: the earlier one's buffer would reach into it.
    assert (await engineer.post(URL, wish(made, engineer, day(7, 8)))).status_code == 409
    await booked(engineer, made, day(7, 10.5))


async def test_of_two_requests_for_one_time_the_approved_one_refuses_the_other_with_a_reason(
    on_request, manager, engineer, far_away
):
    one = await booked(engineer, on_request, day(7, 9), 2)
    other = await booked(far_away, on_request, day(7, 10), 2)
    apart = await booked(far_away, on_request, day(7, 13))
    assert {one["state"], other["state"]} == {"requested"}
    assert (await manager.post(f"{URL}/{one['id']}/approval", {})).json()["state"] == "confirmed"
    told = (await far_away.get(f"{URL}/{other['id']}")).json()
    assert told["state"] == "refused"
    assert told["note"]
    assert await state(far_away, apart) == "requested"
    assert (await manager.post(f"{URL}/{other['id']}/approval", {})).status_code == 409


async def test_a_booking_at_once_refuses_the_requests_it_collides_with(on_request, manager, engineer):
    asked = await booked(engineer, on_request, day(7, 9))
    await booked(manager, on_request, day(7, 9))
    assert await state(engineer, asked) == "refused"


async def test_a_moved_booking_is_a_new_one_that_points_at_the_old(at_once, engineer):
    old = await booked(engineer, at_once, day(7, 9))
    moved = await engineer.post(f"{URL}/{old['id']}/move", slot(day(7, 9.5)))
    assert (moved.status_code, moved.json()["moved_from_id"]) == (201, old["id"])
    assert await state(engineer, old) == "moved"
    await booked(engineer, at_once, day(7, 8.5))
    assert (await engineer.post(f"{URL}/{old['id']}/move", slot(day(8, 9)))).status_code == 409


async def test_a_move_that_needs_approval_keeps_the_old_time_until_then(on_request, manager, engineer):
    old = await booked(engineer, on_request, day(7, 9))
    await manager.post(f"{URL}/{old['id']}/approval", {})
    new = (await engineer.post(f"{URL}/{old['id']}/move", slot(day(7, 9.5)))).json()
    assert (new["state"], await state(engineer, old)) == ("requested", "confirmed")
    assert (await engineer.post(f"{URL}/{old['id']}/move", slot(day(8, 9)))).json()[
        "type"
    ] == "/problems/already-moving"
    assert (await manager.post(f"{URL}/{new['id']}/approval", {})).json()["state"] == "confirmed"
    assert await state(engineer, old) == "moved"


async def test_a_request_to_move_that_is_moved_itself_still_gives_up_the_old_time(on_request, manager, engineer):
    old = await booked(engineer, on_request, day(7, 9))
    await manager.post(f"{URL}/{old['id']}/approval", {})
    first = (await engineer.post(f"{URL}/{old['id']}/move", slot(day(8, 9)))).json()
    second = (await engineer.post(f"{URL}/{first['id']}/move", slot(day(7, 9.5)))).json()
    assert (second["moved_from_id"], await state(engineer, first)) == (old["id"], "moved")
    assert (await manager.post(f"{URL}/{second['id']}/approval", {})).json()["state"] == "confirmed"
    assert await state(engineer, old) == "moved"


async def test_who_came_to_the_old_time_has_nothing_left_to_move(on_request, manager, engineer):
    old = await booked(engineer, on_request, day(3, 9))
    await manager.post(f"{URL}/{old['id']}/approval", {})
    new = (await engineer.post(f"{URL}/{old['id']}/move", slot(day(4, 9)))).json()
    with clock.ahead(day(3, 9) - clock.now()):
        assert (await engineer.post(f"{URL}/{old['id']}/check-in")).status_code == 200
        assert (await manager.post(f"{URL}/{new['id']}/approval", {})).json()["type"] == "/problems/booking-over"


async def test_a_cancelled_booking_gives_its_time_back_and_says_whether_it_was_late(manager, engineer, session):
    made = await an_instrument(session, manager.organisation, late_cancel_minutes=60)
    early, late = await booked(engineer, made, day(3, 9)), await booked(engineer, made, day(3, 11))
    answer = await engineer.post(f"{URL}/{early['id']}/cancellation", {"note": "样品未到"})
    assert (answer.json()["state"], answer.json()["cancelled_late"], answer.json()["note"]) == (
        "cancelled",
        False,
        "样品未到",
    )
    await booked(engineer, made, day(3, 9))
    with clock.ahead(day(3, 10.5) - clock.now()):
        assert (await engineer.post(f"{URL}/{late['id']}/cancellation", {})).json()["cancelled_late"]


async def test_a_series_is_all_or_nothing_or_reports_its_gaps(at_once, manager, engineer):
    await booked(manager, at_once, day(14, 9))
    body = wish(at_once, engineer, day(7, 9), weeks=3)
    refused = await engineer.post(SERIES, body)
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/weeks/1/starts_at"]
    assert (await engineer.get(URL)).json()["items"] == []
    made = (await engineer.post(SERIES, body | {"skip_what_fails": True})).json()
    assert [one["starts_at"] for one in made["bookings"]] == [
        slot(day(n, 9))["starts_at"].replace("+00:00", "Z") for n in (7, 21)
    ]
    assert {one["series_id"] for one in made["bookings"]} == {made["series_id"]}
    [gap] = made["gaps"]
    assert [reason["code"] for reason in gap["because"]] == ["slot_taken"]


async def test_a_series_counts_its_own_weeks_for_the_quota(manager, engineer, session):
    made = await an_instrument(session, manager.organisation, person_upcoming=2)
    answer = await engineer.post(SERIES, wish(made, engineer, day(7, 9), weeks=3, skip_what_fails=True))
    assert [len(answer.json()[name]) for name in ("bookings", "gaps")] == [2, 1]


async def test_who_sees_and_changes_a_booking(at_once, manager, engineer, far_away, given):
    made = await booked(engineer, at_once, day(7, 9))
    colleague = await given.person(Role.EDITOR, engineer.organisation)
    seen = [(await who.get(f"{URL}/{made['id']}")).status_code for who in (colleague, manager, far_away)]
    assert seen == [200, 200, 404]
    assert (await colleague.post(f"{URL}/{made['id']}/cancellation", {})).status_code == 403
    assert (await far_away.get(URL, params={"instrument": str(at_once.id)})).json()["items"] == []
    assert len((await manager.get(URL, params={"kept": "true"})).json()["items"]) == 1
    calendar = {"since": day(7).isoformat(), "until": day(8).isoformat()}
    busy = (await far_away.get(f"/api/v1/instruments/{at_once.id}/availability", params=calendar)).json()["busy"]
    assert [set(one) for one in busy] == [{"kind", "starts_at", "ends_at"}], "who booked is nobody's business"


async def test_one_books_only_in_the_name_of_ones_own(at_once, engineer, far_away):
    body = wish(at_once, far_away, day(7, 9))
    assert (await engineer.post(URL, body)).json()["type"] == "/problems/not-of-yours"


async def test_a_keeper_books_in_the_name_of_somebody_who_is_told_and_whose_class_and_quota_count(
    manager, engineer, far_away, session
):
    made = await an_instrument(session, manager.organisation, confirmed_at_once=[], person_upcoming=1)
    body = wish(made, engineer, day(7, 9), for_email=engineer.email)
    assert (await far_away.post(URL, body | {"for_email": engineer.email})).status_code == 403
    booking = await manager.post(URL, body)
    assert booking.status_code == 201, booking.text
    told = booking.json()
    assert (told["person_id"], told["made_by"]) == (str(engineer.id), str(manager.id))
    assert (told["customer_class"], told["state"]) == ("province_firm", "confirmed")
    assert [one["id"] for one in (await engineer.get(URL)).json()["items"]] == [told["id"]]
    second = await manager.post(URL, wish(made, engineer, day(8, 9), for_email=engineer.email))
    assert [error["code"] for error in second.json()["errors"]] == ["too_many_upcoming"]
    for nobody in ("nobody@test.example", far_away.email):
        answer = await manager.post(URL, body | {"for_email": nobody})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/for_email")
    series = wish(made, engineer, day(8, 9), for_email=engineer.email, weeks=2, waive=["too_many_upcoming"])
    assert (await manager.post(SERIES, series)).json()["bookings"][1]["person_id"] == str(engineer.id)


async def test_one_checks_in_at_the_time_and_what_was_used_is_written_down(manager, engineer, session):
    made = await an_instrument(session, manager.organisation)
    booking = await booked(engineer, made, day(3, 9))
    url = f"{URL}/{booking['id']}"
    assert (await engineer.post(f"{url}/check-in")).json()["type"] == "/problems/not-its-time"
    with clock.ahead(day(3, 9) - clock.now()):
        assert (await engineer.post(f"{url}/check-in")).json()["state"] == "in_use"
        assert (await engineer.post(f"{url}/cancellation", {})).status_code == 409
    with clock.ahead(day(3, 9.5) - clock.now() + timedelta(seconds=30)):
        assert (await engineer.post(f"{url}/check-out")).json()["state"] == "done"
    [used] = (await manager.get("/api/v1/usages", params={"kept": "true"})).json()["items"]
    assert (used["booking_id"], used["source"]) == (booking["id"], "kiosk")
    assert 30 <= used["effective_minutes"] <= 32


async def test_who_does_not_come_gives_the_time_back(manager, engineer, session):
    strict = await an_instrument(session, manager.organisation, no_show_minutes=15)
    lenient = await an_instrument(session, manager.organisation)
    missed, came, other = (
        await booked(engineer, strict, day(3, 9)),
        await booked(engineer, strict, day(3, 10)),
        await booked(engineer, lenient, day(3, 9)),
    )
    with clock.ahead(day(3, 9.9) - clock.now()):
        await engineer.post(f"{URL}/{came['id']}/check-in")
    assert await bookings.release_no_shows(session, day(3, 9.25)) == 0
    assert await bookings.release_no_shows(session, day(3, 11)) == 1
    await session.commit()
    assert [await state(engineer, one) for one in (missed, came, other)] == ["released", "in_use", "confirmed"]
    with clock.ahead(day(2) - clock.now()):
        await booked(engineer, strict, day(3, 9))


async def test_every_step_is_a_fact(at_once, engineer, session):
    made = await booked(engineer, at_once, day(7, 9))
    moved = (await engineer.post(f"{URL}/{made['id']}/move", slot(day(8, 9)))).json()
    await engineer.post(f"{URL}/{moved['id']}/cancellation", {})
    names = await session.scalars(
        select(Recorded.name).where(Recorded.subject.in_([made["id"], moved["id"]])).order_by(Recorded.id)
    )
    assert names.all() == ["BookingConfirmed", "BookingMoved", "BookingConfirmed", "BookingCancelled"]


BAD_TIMES = {
    "no zone": {"starts_at": "2027-03-01T09:00:00", "ends_at": "2027-03-01T10:00:00+08:00"},
    "end before start": {"starts_at": "2027-03-01T10:00:00+08:00", "ends_at": "2027-03-01T09:00:00+08:00"},
    "end before start, across zones": {"starts_at": "2027-03-01T09:00:00+08:00", "ends_at": "2027-03-01T02:00:00+01:00"},
    "empty": {"starts_at": "2027-03-01T09:00:00+08:00", "ends_at": "2027-03-01T01:00:00Z"},
    "year 9999": {"starts_at": "9999-12-31T09:00:00+08:00", "ends_at": "9999-12-31T10:00:00+08:00"},
    "a year long": {"starts_at": "2027-03-01T09:00:00+08:00", "ends_at": "2028-03-01T09:00:00+08:00"},
    "24 o'clock": {"starts_at": "2027-03-01T24:00:00+08:00", "ends_at": "2027-03-02T10:00:00+08:00"},
}  # fmt: skip


@pytest.mark.parametrize("what", list(BAD_TIMES))
async def test_a_time_that_is_none_is_refused_by_name(what, at_once, engineer):
    refused = await engineer.post(URL, wish(at_once, engineer, day(7, 9)) | BAD_TIMES[what])
    assert refused.status_code == 422
    assert refused.json()["errors"]


async def test_far_off_and_huge_wishes_are_refused_clearly(at_once, engineer):
    far = await engineer.post(URL, wish(at_once, engineer, day(7, 9) + timedelta(days=365 * 150)))
    assert "too_far" in [error["code"] for error in far.json()["errors"]]
    assert (await engineer.post(SERIES, wish(at_once, engineer, day(7), weeks=10**6))).status_code == 422
    absent = "00000000-0000-4000-8000-000000000000"
    assert (await engineer.post(URL, wish(absent, engineer, day(7, 9)))).status_code == 404


async def test_a_booking_with_the_same_key_is_made_once(at_once, engineer):
    key = {"Idempotency-Key": "book-once"}
    first, again = [await engineer.post(URL, wish(at_once, engineer, day(7, 9)), headers=key) for _ in range(2)]
    assert (first.json()["id"], again.headers["Idempotency-Replayed"]) == (again.json()["id"], "true")
