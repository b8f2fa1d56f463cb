"""The labs of the world: an instrument of each target, with everything that hangs on it."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from uuid_utils.compat import uuid4

from marketplace.identity import tokens
from marketplace.identity.models import Membership, Organisation
from marketplace.kernel import clock
from marketplace.labs import counting, instrument_files
from marketplace.labs.booking_models import Adjustment, Booking, CalendarLink, Usage, Waiting
from marketplace.labs.device_models import Device
from marketplace.labs.models import Holiday, Instrument, Keeper, Outage, Qualification
from marketplace.labs.output_models import Output
from marketplace.labs.rating_models import Rating
from marketplace.lexicon.models import Synonym, Term
from marketplace.reservations import claims
from schemas.bookings import BookingState, CalendarKind, UsageSource, WaitingState
from schemas.devices import DeviceKind
from schemas.identity import Role
from schemas.instrument_files import FilePurpose
from schemas.labs import CustomerClass, InstrumentState
from schemas.lexicon import TermOrigin
from schemas.outputs import OutputKind
from tests.given.files import a_photo
from tests.given.labs import an_instrument, day, slot
from tests.given.people import Given

if TYPE_CHECKING:
    from tests.access.world import World

NAMES = (
    "instrument_id",
    "outage_id",
    "qualification_id",
    "booking_id",
    "waiting_id",
    "usage_id",
    "adjustment_id",
    "rating_id",
    "file_id",
    "device_id",
    "output_id",
)
FORM = ["样品数量？"]
_BOOKINGS = "POST /api/v1/bookings/{booking_id}"


async def build(given: Given, world: "World", home: Organisation, other: Organisation) -> None:
    """An instrument of the callers' own, another's that is open, another's draft, and ids that are nobody's."""
    session = given.session
    states = {
        "own": (home, InstrumentState.PUBLISHED),
        "public": (other, InstrumentState.PUBLISHED),
        "hidden": (other, InstrumentState.DRAFT),
    }
    for target, names in world.targets.items():
        if target not in states:
            names.update({name: str(uuid4()) for name in (*NAMES, "calendar_id")})
            names["secret"] = "djc_" + "x" * 30
            continue
        at, state = states[target]
        instrument = await an_instrument(session, at, state=state, order_form=FORM)
        names.update(await _parts(given, instrument, at, UUID(names["person_id"])))
        names["calendar_id"], names["secret"] = await _calendar(given, UUID(names["person_id"]))
        if target == "own":
            await _own(given, world, instrument, at, UUID(names["person_id"]))
    for number, name in enumerate(("soon", "busy", "later")):
        told = slot(day(7 + number, 9))
        world.targets["own"] |= {name: told["starts_at"], f"{name}_until": told["ends_at"]}
    ran = clock.now() - timedelta(hours=3)
    world.targets["own"] |= {"ran": ran.isoformat(), "ran_until": (ran + timedelta(hours=1)).isoformat()}
    session.add(Holiday(day=date(2027, 10, 1), name="国庆节"))
    world.targets["own"]["purpose"] = FilePurpose.PHOTO.value
    world.targets["own"]["day"] = "2027-10-01"
    alike = await _put(given, Synonym(spellings=["辊道炉", "辊底窑"], key=["辊底窑", "辊道炉"]))
    world.targets["own"]["synonym_id"] = str(alike.id)
    world.targets["absent"]["synonym_id"] = str(uuid4())
    term = await _put(given, Term(text="辊道炉窑", key="辊道炉窑", origin=TermOrigin.USER))
    world.targets["own"] |= {"lexicon_term_id": str(term.id), "lexicon_number": "0"}
    world.targets["absent"] |= {"lexicon_term_id": str(uuid4()), "lexicon_number": "9999"}
    keeper = await given.person()
    session.add(Membership(person_id=keeper.id, organisation_id=home.id, role=Role.VIEWER))
    world.targets["own"]["keeper_email"] = keeper.email


async def _put(given: Given, row: Any) -> Any:
    given.session.add(row)
    await given.session.flush()
    return row


def _wish(instrument: Instrument, organisation: Organisation, person_id: UUID, starts_at: datetime) -> dict[str, Any]:
    return {
        "instrument_id": instrument.id, "organisation_id": organisation.id, "person_id": person_id,
        "starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1), "purpose": "试验", "assisted": False,
        "answers": ["三件"],
    }  # fmt: skip


async def _booking(given: Given, wish: dict[str, Any], state: BookingState, **fields: Any) -> Booking:
    made: Booking = await _put(
        given,
        Booking(
            **wish, made_by=wish["person_id"], customer_class=CustomerClass.INTERNAL, state=state, waived=[], version=1,
            **fields,
        ),
    )  # fmt: skip
    if state is not BookingState.REQUESTED:
        during = claims.period(wish["starts_at"], wish["ends_at"])
        await claims.claim(given.session, made.id, during, [wish["instrument_id"]])
    return made


async def _parts(given: Given, instrument: Instrument, at: Organisation, member: UUID) -> dict[str, str]:
    now = clock.now()
    outage = Outage(instrument_id=instrument.id, starts_at=now - timedelta(days=9), ends_at=now + timedelta(days=1),
                    reason="维修", reported_at=now)  # fmt: skip
    qualification = Qualification(
        instrument_id=instrument.id, email="qualified@test.example", granted_by=member, granted_at=now
    )
    await _put(given, outage)
    await _put(given, qualification)
    await _put(given, Keeper(instrument_id=instrument.id, person_id=member))
    booking = await _booking(given, _wish(instrument, at, member, day(10, 9)), BookingState.REQUESTED)
    waiting = await _put(given, Waiting(**_wish(instrument, at, member, day(11, 9)), version=1))
    usage = await _put(
        given,
        Usage(
            instrument_id=instrument.id, organisation_id=at.id, customer_class=CustomerClass.INTERNAL,
            source=UsageSource.KEEPER, starts_at=now - timedelta(days=1), ends_at=now, preparation_minutes=1,
            run_minutes=1, processing_minutes=1, assisted=False, version=1,
        ),
    )  # fmt: skip
    numbers = {"preparation_minutes": 1, "run_minutes": 1, "processing_minutes": 1, "samples": None}
    adjustment = await _put(
        given,
        Adjustment(usage_id=usage.id, reason="更正", wished=numbers, before=numbers, asked_by=member, asked_at=now),
    )
    done = await _done(given, instrument, at, member)
    rating = await _put(
        given,
        Rating(booking_id=done.id, instrument_id=instrument.id, by=member, stars=4, text="好", created_at=now),
    )
    photo = await instrument_files.put(
        given.session, instrument, FilePurpose.PHOTO, name="正面.png", content=a_photo(color="red"), alt="正面",
        most_bytes=10_000, by=member,
    )  # fmt: skip
    device = await _put(
        given, Device(instrument_id=instrument.id, kind=DeviceKind.METER, name="电流计", made_by=member)
    )
    output = await _put(
        given,
        Output(
            instrument_id=instrument.id, usage_id=usage.id, kind=OutputKind.PAPER, title="论文", number="10.1000/1",
            year=2026, by_keeper=True, added_by=member,
        ),
    )  # fmt: skip
    rows = (instrument, outage, qualification, booking, waiting, usage, adjustment, rating, photo, device, output)
    return {name: str(row.id) for name, row in zip(NAMES, rows, strict=True)}


async def _done(given: Given, instrument: Instrument, at: Organisation, member: UUID) -> Booking:
    now = clock.now()
    wish = _wish(instrument, at, member, now - timedelta(days=3))
    return await _booking(given, wish, BookingState.DONE, checked_in_at=now, checked_out_at=now)


async def _own(given: Given, world: "World", instrument: Instrument, at: Organisation, member: UUID) -> None:
    """Bookings in the states that some steps need, a time that is taken, and an offer to each caller."""
    await _booking(given, _wish(instrument, at, member, day(8, 9)), BookingState.CONFIRMED)
    now = clock.now()
    other = await an_instrument(given.session, at)
    due = await _booking(given, _wish(other, at, member, now - timedelta(minutes=10)), BookingState.CONFIRMED)
    used = await _booking(
        given, _wish(other, at, member, now - timedelta(hours=2)), BookingState.IN_USE, checked_in_at=now
    )
    unrated = await _done(given, other, at, member)
    fresh = await an_instrument(given.session, at)
    whole = await _parts(given, fresh, at, member)
    world.instead |= {
        (f"{_BOOKINGS}/check-in", "own"): {"booking_id": str(due.id)},
        (f"{_BOOKINGS}/check-out", "own"): {"booking_id": str(used.id)},
        (f"{_BOOKINGS}/rating", "own"): {"booking_id": str(unrated.id)},
        ("POST /api/v1/instruments/{instrument_id}/retirement", "own"): {"instrument_id": str(fresh.id)},
        # Nothing is asked about this one yet.
        ("POST /api/v1/usages/{usage_id}/adjustments", "own"): {"usage_id": await _plain_usage(given, whole)},
        ("POST /api/v1/usages/{usage_id}/withdrawal", "own"): {"usage_id": await _entered_usage(given, whole)},
    }
    for number, (caller, somebody) in enumerate(world.callers.items()):
        if somebody is None:
            continue
        starts_at = day(20 + number, 9)
        offer = await _put(
            given,
            Waiting(
                **_wish(instrument, at, somebody.id, starts_at), state=WaitingState.OFFERED, version=1,
                offered_at=now, offer_expires_at=now + timedelta(hours=4),
            ),
        )  # fmt: skip
        during = claims.period(starts_at, starts_at + timedelta(hours=1))
        await claims.claim(given.session, offer.id, during, [instrument.id])
        world.personal[caller]["waiting_id"] = str(offer.id)
        world.personal[caller]["calendar_id"] = (await _calendar(given, somebody.id))[0]


async def _calendar(given: Given, person_id: UUID) -> tuple[str, str]:
    secret, hashed = tokens.new_secret("djc_")
    link = await _put(given, CalendarLink(hash=hashed, person_id=person_id, kind=CalendarKind.PERSON))
    return str(link.id), secret


async def _entered_usage(given: Given, names: dict[str, str]) -> str:
    """One that a keeper wrote down."""
    usage = await given.session.get_one(Usage, UUID(names["usage_id"]))
    await _put(given, counting.told_of(usage))
    return names["usage_id"]


async def _plain_usage(given: Given, names: dict[str, str]) -> str:
    adjustment = await given.session.get_one(Adjustment, UUID(names["adjustment_id"]))
    await given.session.delete(adjustment)
    await given.session.flush()
    return names["usage_id"]
