"""What labs do by the clock, done as a worker does it: by the name of the job, until nothing is left."""

from datetime import timedelta

from sqlalchemy import func, select

from marketplace.kernel import clock
from marketplace.kernel.jobs import Place
from marketplace.kernel.mail import Letter
from marketplace.labs import waiting
from marketplace.wiring import JOBS
from tests.given.labs import an_instrument, day, wish

URL, LINE = "/api/v1/bookings", "/api/v1/waiting-list"


async def test_the_clock_warns_offers_takes_back_and_releases(
    manager, engineer, far_away, given, session, database, settings
):
    place = Place(database, settings)
    made = await an_instrument(session, manager.organisation, no_show_minutes=30)
    mine = (await engineer.post(URL, wish(made, engineer, day(7, 9)))).json()["id"]
    theirs = (await far_away.post(URL, wish(made, far_away, day(7, 10)))).json()["id"]
    third = await given.university()
    line = (await third.post(LINE, wish(made, third, day(7, 10)))).json()["id"]

    async def state(who, booking) -> str:
        return (await who.get(f"{URL}/{booking}")).json()["state"]

    with clock.ahead(day(7, 9) - clock.now()):
        assert (await engineer.post(f"{URL}/{mine}/check-in", {})).status_code == 200
    with clock.ahead(day(7, 10) - clock.now()):
        for _ in range(2):
            await JOBS["labs.warn_next"](place, {})
        warned = select(func.count()).where(Letter.to == far_away.email)
        assert await session.scalar(warned) == 1, "once, however often the clock strikes"
    with clock.ahead(day(7, 10.75) - clock.now()):
        await JOBS["labs.release_no_shows"](place, {})
        assert [await state(engineer, mine), await state(far_away, theirs)] == ["in_use", "released"]

    # A time in the future comes free: it is offered, and taken back when nobody takes it.
    again = (await far_away.post(URL, wish(made, far_away, day(8, 9)))).json()["id"]
    assert (await third.delete(f"{LINE}/{line}")).status_code == 204
    line = (await third.post(LINE, wish(made, third, day(8, 9)))).json()["id"]
    assert (await far_away.post(f"{URL}/{again}/cancellation", {})).status_code == 200
    waits = lambda items: next(one["state"] for one in items.json()["items"] if one["id"] == line)  # noqa: E731
    await JOBS["labs.promote"](place, {"instrument_id": str(made.id)})
    assert waits(await third.get(LINE)) == "offered"
    with clock.ahead(waiting.OFFER_LASTS + timedelta(minutes=1)):
        await JOBS["labs.expire_offers"](place, {})
    assert waits(await third.get(LINE)) == "expired"
