"""Every rule on every way in: asked, moved, approved, in a series, offered from the waiting list.

The world is in order when the way is begun; then one thing changes, and the same rule has to refuse on each of them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from marketplace.labs import rules, waiting
from marketplace.labs.booking_models import Booking
from marketplace.labs.models import Instrument, OpeningHours, Outage
from marketplace.reservations import claims
from schemas.bookings import BookingState, Rule
from schemas.identity import Role, Verification
from schemas.labs import CustomerClass, InstrumentState
from tests.given.labs import an_instrument, day, slot, wish
from tests.given.people import Given, Somebody

URL = "/api/v1/bookings"
AT, UNTIL = day(3, 9), day(3, 11)


@dataclass
class Scene:
    """A lab, its manager, and one of its own people who wants two hours on an instrument."""

    session: AsyncSession
    manager: Somebody
    user: Somebody
    instrument: Instrument

    async def set(self, **values: Any) -> None:
        """Change the instrument's terms behind everybody's back."""
        await self.session.execute(update(Instrument).where(Instrument.id == self.instrument.id).values(**values))
        await self.session.commit()

    async def put(self, *rows: Any) -> None:
        self.session.add_all(rows)
        await self.session.commit()


@pytest.fixture
async def scene(given: Given, session: AsyncSession) -> Scene:
    lab = await given.organisation()
    manager = await given.person(Role.LAB_MANAGER, lab)
    user = await given.person(Role.VIEWER, lab)
    instrument = await an_instrument(session, lab, confirmed_at_once=["internal"], max_minutes=600)
    return Scene(session, manager, user, instrument)


async def _unverified(scene: Scene) -> None:
    await scene.session.execute(
        update(Organisation)
        .where(Organisation.id == scene.manager.organisation.id)
        .values(verification=Verification.SUSPENDED)
    )
    await scene.session.commit()


async def _closed(scene: Scene) -> None:
    await scene.session.execute(delete(OpeningHours).where(OpeningHours.instrument_id == scene.instrument.id))
    await scene.session.commit()


async def _broken(scene: Scene) -> None:
    await scene.put(Outage(instrument_id=scene.instrument.id, starts_at=AT, reason="x", reported_at=clock.now()))


async def _two_more(scene: Scene) -> None:
    """Two more bookings of this person; with the one that is on its way, that is one too many."""
    await scene.set(person_upcoming=2)
    common = {
        "instrument_id": scene.instrument.id, "organisation_id": scene.user.organisation.id,
        "person_id": scene.user.id, "made_by": scene.user.id, "customer_class": CustomerClass.INTERNAL,
        "state": BookingState.REQUESTED, "purpose": "x", "assisted": False, "answers": [], "waived": [], "version": 1,
    }  # fmt: skip
    await scene.put(*(Booking(**common, starts_at=day(n, 1), ends_at=day(n, 2)) for n in (40, 41)))


async def _taken(scene: Scene) -> None:
    await claims.claim(
        scene.session, uuid7(), claims.period(AT + timedelta(hours=1), day(3, 12)), [scene.instrument.id]
    )
    await scene.session.commit()


CHANGES: dict[Rule, Callable[[Scene], Awaitable[None]]] = {
    Rule.NOT_OFFERED: lambda scene: scene.set(state=InstrumentState.RETIRED),
    Rule.ORGANISATION_NOT_VERIFIED: _unverified,
    Rule.CUSTOMER_NOT_SERVED: lambda scene: scene.set(customers=["academic"]),
    Rule.OFF_GRID: lambda scene: scene.set(slot_minutes=50),
    Rule.TOO_SHORT: lambda scene: scene.set(min_minutes=180),
    Rule.TOO_LONG: lambda scene: scene.set(max_minutes=60),
    Rule.TOO_SOON: lambda scene: scene.set(notice_minutes=30 * 24 * 60),
    Rule.TOO_FAR: lambda scene: scene.set(horizon_days=1),
    Rule.OUTSIDE_HOURS: _closed,
    Rule.OUT_OF_ORDER: _broken,
    Rule.OPERATION_NOT_OFFERED: lambda scene: scene.set(operation="assisted"),
    Rule.QUALIFICATION_MISSING: lambda scene: scene.set(needs_qualification=True),
    Rule.ANSWERS_MISSING: lambda scene: scene.set(order_form=["样品数量？"]),
    Rule.PERSON_QUOTA: lambda scene: scene.set(person_week_minutes=60),
    Rule.ORGANISATION_QUOTA: lambda scene: scene.set(organisation_week_minutes=60),
    Rule.TOO_MANY_UPCOMING: _two_more,
    Rule.SLOT_TAKEN: _taken,
}
Begun = tuple[Callable[[], Awaitable[httpx.Response]], Callable[[list[str]], Awaitable[httpx.Response]] | None]


async def _asked(scene: Scene) -> Begun:
    body = wish(scene.instrument, scene.user, AT, 2)
    return (
        lambda: scene.user.post(URL, body),
        lambda waive: scene.manager.post(URL, body | {"waive": waive}),
    )


async def _moved(scene: Scene) -> Begun:
    made = (await scene.user.post(URL, wish(scene.instrument, scene.user, day(5, 9), 1))).json()
    body = slot(AT, 2)
    return (
        lambda: scene.user.post(f"{URL}/{made['id']}/move", body),
        lambda waive: scene.manager.post(f"{URL}/{made['id']}/move", body | {"waive": waive}),
    )


async def _approved(scene: Scene) -> Begun:
    await scene.set(confirmed_at_once=[])
    made = (await scene.user.post(URL, wish(scene.instrument, scene.user, AT, 2))).json()
    assert made["state"] == "requested"
    return (
        lambda: scene.manager.post(f"{URL}/{made['id']}/approval", {}),
        lambda waive: scene.manager.post(f"{URL}/{made['id']}/approval", {"waive": waive}),
    )


async def _in_a_series(scene: Scene) -> Begun:
    body = wish(scene.instrument, scene.user, AT, 2, weeks=2)
    return (
        lambda: scene.user.post("/api/v1/booking-series", body),
        lambda waive: scene.manager.post("/api/v1/booking-series", body | {"waive": waive}),
    )


async def _offered(scene: Scene) -> Begun:
    """Waiting for a time that somebody holds, who gives it back; the offer is taken up after the change."""
    holder = uuid7()
    await claims.claim(scene.session, holder, claims.period(AT, UNTIL), [scene.instrument.id])
    await scene.session.commit()
    joined = await scene.user.post("/api/v1/waiting-list", wish(scene.instrument, scene.user, AT, 2))
    assert joined.status_code == 201, joined.text
    await claims.release(scene.session, holder)
    assert await waiting.promote(scene.session, scene.instrument.id, "http://test") == 1
    await scene.session.commit()
    return (lambda: scene.user.post(f"/api/v1/waiting-list/{joined.json()['id']}/acceptance"), None)


WAYS = {
    "asked": _asked, "moved": _moved, "approved": _approved, "in a series": _in_a_series, "offered": _offered,
}  # fmt: skip


def told(answer: httpx.Response) -> dict[str, bool]:
    """The rules that a refusal names, and whether each may be waived."""
    return {error["code"]: error["waivable"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("way", list(WAYS))
async def test_every_rule_refuses_on_every_way_in(way, scene, connection, session):
    """One rule after the other, each undone by a savepoint: the world is made once for a way."""
    ask, with_waiver = await WAYS[way](scene)
    wrong = []
    for rule, change in CHANGES.items():
        if (way, rule) == ("offered", Rule.SLOT_TAKEN):
            continue  # it is held by the offer itself: nobody can take it
        point = await connection.begin_nested()
        await change(scene)
        answer = await ask()
        found = told(answer) if answer.status_code == 409 else answer.text
        if found != {rule.value: rules.RULES[rule].waivable}:
            wrong.append((rule, answer.status_code, found))
        if with_waiver is not None:
            waived = await with_waiver([rule.value])
            passes = rules.RULES[rule].waivable
            # A manager of a lab that is not verified any more, or of another class, is refused like everybody.
            if (waived.status_code in {200, 201}) != passes:
                wrong.append((rule, "waived", waived.status_code, waived.text[:300]))
        await point.rollback()
        session.expunge_all()
    assert wrong == []


@pytest.mark.parametrize("way", list(WAYS))
async def test_what_has_passed_is_not_booked_on_any_way(way, scene):
    ask, with_waiver = await WAYS[way](scene)
    with clock.ahead(timedelta(days=4)):
        answer = await ask()
        if way == "offered":
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-offer")
            return
        assert Rule.IN_THE_PAST in told(answer)
        assert with_waiver is not None
        assert (await with_waiver(list(Rule))).status_code == 409


@pytest.mark.parametrize("way", list(WAYS))
async def test_without_a_change_every_way_goes_through(way, scene):
    ask, _ = await WAYS[way](scene)
    assert (await ask()).status_code in {200, 201}


def test_no_rule_is_left_out():
    assert {*CHANGES, Rule.IN_THE_PAST} == set(rules.RULES) == set(Rule)


async def test_a_refusal_gives_every_reason_at_once(scene):
    await scene.set(min_minutes=180, notice_minutes=30 * 24 * 60, needs_qualification=True, customers=["academic"])
    await _broken(scene)
    answer = await scene.user.post(URL, wish(scene.instrument, scene.user, AT, 2))
    assert told(answer) == {
        "customer_not_served": False, "too_short": True, "too_soon": True, "out_of_order": False,
        "qualification_missing": False,
    }  # fmt: skip
    assert all(error["pointer"].startswith("/") and error["detail"] for error in answer.json()["errors"])


async def test_only_a_keeper_waives(scene):
    await scene.set(min_minutes=180)
    body = wish(scene.instrument, scene.user, AT, 2, waive=["too_short"])
    assert (await scene.user.post(URL, body)).status_code == 403
    made = (await scene.manager.post(URL, body)).json()
    assert (made["state"], made["waived"]) == ("confirmed", ["too_short"])


@pytest.mark.parametrize(
    ("kinds", "region", "expected"),
    [
        (["university"], "440100", CustomerClass.ACADEMIC),
        (["institute", "enterprise"], "220100", CustomerClass.ACADEMIC),
        (["enterprise"], "220200", CustomerClass.PROVINCE_FIRM),
        (["enterprise"], "440100", CustomerClass.OTHER),
        (["broker"], "220100", CustomerClass.OTHER),
    ],
)
def test_whose_class_a_customer_is(kinds, region, expected):
    instrument = SimpleNamespace(organisation_id=uuid7(), region="220104")
    assert rules.class_of(instrument, uuid7(), kinds, region) is expected
    assert rules.class_of(instrument, instrument.organisation_id, kinds, region) is CustomerClass.INTERNAL
