"""Mails about bookings: each change is told once, in a way that calendars act on; who comes next is warned once."""

import asyncio
from datetime import timedelta
from email import message_from_bytes, policy

from sqlalchemy import select

from marketplace.kernel import clock, mail
from marketplace.labs import notices
from marketplace.wiring import LISTENERS
from schemas.identity import Role
from tests.given.calendars import calendar_entries
from tests.given.labs import an_instrument, day, slot, wish
from tests.given.letters import letters_to, run_what_waits

URL = "/api/v1/bookings"


async def booked(who, instrument, at, hours: float = 1):
    made = await who.post(URL, wish(instrument, who, at, hours))
    assert made.status_code == 201, made.text
    return made.json()["id"]


def told(letters) -> list[tuple[str, str, str]]:
    """Method, UID and SEQUENCE of each invitation."""
    found = []
    for letter in letters:
        if letter.calendar is not None:
            [event] = calendar_entries(letter.calendar)
            method = next(line for line in letter.calendar.split("\r\n") if line.startswith("METHOD:"))
            found.append((method.removeprefix("METHOD:"), event["UID"].removesuffix("@duijie"), event["SEQUENCE"]))
    return found


async def test_confirmed_moved_and_cancelled_bookings_are_told_once_each(app, database, manager, engineer, session):
    made = await an_instrument(session, manager.organisation, name="万能试验机")
    first = await booked(engineer, made, day(7, 9))
    await run_what_waits("labs.invite", app, database, session)
    second = (await engineer.post(f"{URL}/{first}/move", slot(day(8, 9)))).json()["id"]
    await run_what_waits("labs.invite", app, database, session)
    await engineer.post(f"{URL}/{second}/cancellation", {})
    await run_what_waits("labs.invite", app, database, session)
    letters = await letters_to(session, engineer.email)
    assert told(letters) == [
        ("REQUEST", first, "0"), ("CANCEL", first, "1"), ("REQUEST", second, "0"), ("CANCEL", second, "1"),
    ]  # fmt: skip
    [event] = calendar_entries(letters[0].calendar)
    assert event["ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE"] == f"mailto:{engineer.email}"
    assert "万能试验机" in letters[0].subject


async def test_what_was_never_confirmed_is_never_called_off(app, database, manager, engineer, session):
    made = await an_instrument(session, manager.organisation, confirmed_at_once=[])
    asked, other = await booked(engineer, made, day(7, 9)), await booked(engineer, made, day(7, 11))
    await engineer.post(f"{URL}/{asked}/cancellation", {})
    await manager.post(f"{URL}/{other}/approval", {})
    # Called off before anything was mailed: nothing has to be taken back.
    await engineer.post(f"{URL}/{other}/cancellation", {})
    await run_what_waits("labs.invite", app, database, session)
    assert told(await letters_to(session, engineer.email)) == []


async def test_the_letter_carries_the_invitation_as_a_part_that_calendars_read(
    app, settings, engineer, session, tmp_path
):
    calendar = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:试验\r\nEND:VCALENDAR\r\n"
    await mail.post(session, to="a@test.example", subject="预约", text="正文", calendar=calendar)
    await session.commit()
    [letter] = await letters_to(session, "a@test.example")
    await mail._send(letter, settings)
    message = message_from_bytes((settings.home / "mail" / f"{letter.id}.eml").read_bytes(), policy=policy.default)
    assert message.get_body(("plain",)).get_content().strip() == "正文"
    [part] = [one for one in message.walk() if one.get_content_type() == "text/calendar"]
    assert part.get_param("method") == "REQUEST"
    assert "SUMMARY:试验" in part.get_content()


async def test_whoever_comes_next_is_warned_once_of_somebody_who_is_still_there(manager, engineer, far_away, session):
    made = await an_instrument(session, manager.organisation)
    running, following = await booked(engineer, made, day(3, 9)), await booked(far_away, made, day(3, 10.5))
    await booked(far_away, made, day(3, 12))
    with clock.ahead(day(3, 9) - clock.now()):
        await engineer.post(f"{URL}/{running}/check-in")
    assert await notices.warn_next(session, day(3, 9.5), "http://test") == 0, "half an hour is left"
    near = day(3, 10) - timedelta(minutes=9)
    assert [await notices.warn_next(session, near, "http://test") for _ in range(3)] == [1, 0, 0]
    await session.commit()
    [letter] = await letters_to(session, far_away.email)
    assert "可能超时" in letter.subject
    seen = (await far_away.get(f"{URL}/{following}")).json()
    assert seen["version"] == 1, "a warning changes nothing of the booking"
    # The next one steps back: whoever comes now is warned of the same.
    await far_away.post(f"{URL}/{following}/cancellation", {})
    await booked(manager, made, day(3, 10.5))
    assert await notices.warn_next(session, day(3, 10.25), "http://test") == 1
    with clock.ahead(day(3, 10.25) - clock.now()):
        await engineer.post(f"{URL}/{running}/check-out")
    assert await notices.warn_next(session, day(3, 11), "http://test") == 0


async def test_two_workers_warn_each_once(real):
    manager = await real.given.person(Role.LAB_MANAGER, await real.given.organisation())
    engineer, following = await real.given.enterprise(), await real.given.enterprise()
    made = await an_instrument(real.given.session, manager.organisation)
    running = await booked(engineer, made, day(3, 9))
    await booked(following, made, day(3, 10))
    with clock.ahead(day(3, 9) - clock.now()):
        await engineer.post(f"{URL}/{running}/check-in")

    async def work() -> int:
        async with real.database.writing.begin() as session:
            return await notices.warn_next(session, day(3, 10), "http://test")

    assert sorted(await asyncio.gather(*(work() for _ in range(2)))) == [0, 1]
    found = await real.given.session.scalars(select(mail.Letter.id).where(mail.Letter.to == following.email))
    assert len(found.all()) == 1


def test_what_changes_a_booking_wakes_the_mail():
    assert {fact.__name__ for fact, jobs in LISTENERS.items() if "labs.invite" in jobs} == {
        "BookingConfirmed", "BookingMoved", "BookingCancelled", "BookingReleased", "BookingEdited",
    }  # fmt: skip
