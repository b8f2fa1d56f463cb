"""`/instruments`: what labs share, one instrument with its week, and the form that books it."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import people
from marketplace.kernel import clock, validation
from marketplace.kernel.db import Reading, Writing
from marketplace.kernel.language import told
from marketplace.kernel.paging import Paging
from marketplace.kernel.refusals import Invalid, Refusal
from marketplace.labs import (
    availability,
    bookings,
    care,
    first_free,
    hours,
    instruments,
    ratings,
    series,
    shapes,
    waiting,
)
from marketplace.labs.hours import Span
from marketplace.labs.models import Instrument
from marketplace.money import offers, quotas, quotes, slot_prices, tariffs, vouchers
from marketplace.portal import forms, say, trying
from marketplace.portal.frame import Visit, Visited
from marketplace.portal.narrowing import Asked
from marketplace.portal.routes import PageRoute
from marketplace.portal.sent import Sent, Typed
from schemas.base import FieldError
from schemas.bookings import BookingNew, Gap, SeriesNew, WaitingNew
from schemas.identity import Permission
from schemas.labs import (
    DAY_MINUTES,
    Availability,
    CustomerClass,
    InstrumentFilter,
    InstrumentKind,
    InstrumentState,
    InstrumentView,
)
from schemas.ratings import RatingAnswer
from schemas.tariffs import Quote, QuoteAsk

router = APIRouter(prefix="/instruments", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
DAYS: Final = 7
RATINGS: Final = 20
_CODED: Final = {"region": "regions", "class_code": "instrument_classes"}
WAIT: Final = "wait"


def local_moment(day: str, time: str) -> str | None:
    """A day and a time of day, as forms send them, as a moment in China; None when it is none."""
    ends_day = time == "24:00"
    try:
        moment = datetime.fromisoformat(f"{day}T{'00:00' if ends_day else time}:00+08:00")
        return (moment + timedelta(days=ends_day)).isoformat()
    except (ValueError, OverflowError):
        return None


def _asked(request: Request) -> Asked:
    """The filter of an address: codes read from what was typed, a day and two times as a period."""
    asked = Asked(request)
    for name, table in _CODED.items():
        asked.coded(name, table)
    asked.plain("q", "organisation")
    asked.chosen("kind", InstrumentKind)
    asked.ticked("publicly_funded")
    asked.ticked("mine")
    if day := asked.said("day"):
        begins, ends = (local_moment(day, asked.said(name)) for name in ("from", "to"))
        if begins is None or ends is None:
            asked.wrong["day"] = [
                say.t(
                    "请填写日期和起止时间，例如 2027-03-02、09:00、12:00。 · Give a day and two times, such as 2027-03-02, 09:00, 12:00."
                )
            ]
        else:
            asked.wish |= {"free_from": begins, "free_until": ends}
    return asked


async def _use(visit: Visit, session: AsyncSession, shown: list[Instrument], wish: InstrumentFilter) -> dict[str, Any]:
    """For each of a page the time that was searched for, or else its first free one, and what that costs the visitor."""
    offered = [one for one in shown if one.state is InstrumentState.PUBLISHED]
    if wish.free_from is not None and wish.free_until is not None:
        spans = {one.id: Span(wish.free_from, wish.free_until) for one in offered}
    else:
        spans = await first_free.first_free(session, offered, clock.now())
    payer = await slot_prices.payer(session, visit.actor, None)
    prices = await slot_prices.prices(session, payer, offered, spans)
    return {"offers": offers.offers(offered, payer, spans, prices), "payer": payer}


@router.get("", response_class=Response)
async def catalogue(visit: Visited, session: Reading) -> Response:
    request = visit.request
    asked = _asked(request)
    rows: list[Any] = []
    marker = None
    use: dict[str, Any] = {"offers": {}, "payer": None}
    if (narrowed := asked.read(InstrumentFilter)) is not None:
        try:
            paging = Paging(request, asked.typed.get("cursor"), PAGE)
            rows, marker = await instruments.listed(session, visit.actor, narrowed, paging, clock.now())
            use = await _use(visit, session, [row[0] for row in rows], narrowed)
        except Invalid as refusal:
            asked.wrong["day"] = [told(one.detail) for one in refusal.errors]
    return visit.page(
        "instruments.html",
        422 if asked.wrong else 200,
        rows=await shapes.cards(session, rows),
        marker=marker,
        **use,
        wish=asked.wish,
        wrong=asked.wrong,
        typed=asked.typed,
        narrowed=bool(asked.wish or asked.wrong),
        kinds=list(InstrumentKind),
        later="cursor" in asked.typed,
        manages=visit.may(Permission.MANAGE_LABS),
    )


def _minutes(moment: datetime, begins: datetime) -> int:
    return max(0, min(DAY_MINUTES, int((moment - begins).total_seconds() // 60)))


def week(seen: Availability, first: date, earliest: datetime) -> list[dict[str, Any]]:
    """Seven days, each with its stretches in minutes of that day, and in words what can still be booked of it."""
    made = []
    for day in (first + timedelta(days=ahead) for ahead in range(DAYS)):
        begins = hours.midnight(day)
        ends = begins + timedelta(days=1)
        bars = [
            (kind, _minutes(one.starts_at, begins), _minutes(one.ends_at, begins))
            for kind, stretches in (("open", seen.open), ("busy", seen.busy))
            for one in stretches
            if one.starts_at < ends and one.ends_at > begins
        ]
        free = [
            f"{say.clock_time(since)}–{say.clock_time(until, ends_day=True)}"
            for one in seen.free
            if (since := max(one.starts_at, begins, earliest)) < (until := min(one.ends_at, ends))
        ]
        made.append({"day": day, "weekday": day.isoweekday(), "bars": bars, "free": free})
    return made


def _first_day(visit: Visit) -> date:
    try:
        wanted = date.fromisoformat(visit.request.query_params.get("week", ""))
    except ValueError:
        wanted = clock.today()
    return wanted if abs((wanted - clock.today()).days) < 3650 else clock.today()


async def _page(
    visit: Visit,
    session: AsyncSession,
    instrument_id: UUID,
    *,
    typed: Typed | None = None,
    reasons: tuple[FieldError, ...] = (),
    wrong: list[str] | None = None,
    quote: Quote | None = None,
    gaps: Sequence[Gap] = (),
    status: int = 200,
) -> Response:
    """An instrument with its week and what it costs; after a refused booking, the form as it was sent and every reason."""
    instrument = await instruments.read(session, visit.actor, instrument_id)
    view: InstrumentView = await shapes.view(session, visit.actor, instrument)
    first = _first_day(visit)
    since = hours.midnight(first)
    seen = await availability.availability(session, visit.actor, instrument_id, since, since + timedelta(days=DAYS))
    said, _ = await ratings.listed(session, visit.actor, instrument_id, Paging(visit.request, None, RATINGS))
    outages, _ = await care.outages(session, visit.actor, instrument_id, Paging(visit.request, None, 5))
    memberships = (await people.read_me(session, visit.actor))[1] if visit.signed_in else []
    return visit.page(
        "instrument.html",
        status,
        one=view,
        week=week(seen, first, clock.now() + timedelta(minutes=instrument.notice_minutes)),
        first=first,
        before=first - timedelta(days=DAYS),
        after=first + timedelta(days=DAYS),
        said_of_it=[shapes.rating(row[0], row[0].booking, known=row.known) for row in said],
        outages=[one for one in outages if one.ends_at is None or one.ends_at > clock.now()],
        places=[organisation for _, organisation in memberships if organisation is not None],
        typed={name: values[0] for name, values in (typed or {}).items()},
        answers=(typed or {}).get("answers", []),
        reasons=[(f"{_week(reason)}{told(reason.detail)}", bool(reason.waivable)) for reason in reasons],
        gaps=[(gap.starts_at, "；".join(told(reason.detail) for reason in gap.because)) for gap in gaps],
        taken=[reason.code for reason in reasons] == ["slot_taken"],
        wrong=wrong or [],
        here=f"/instruments/{instrument_id}",
        quote=quote,
        borne=[
            ((await vouchers.read(session, visit.actor, cover.voucher_id)).number, cover.amount)
            for cover in (quote.covers if quote else [])
        ],
        **await _prices(visit, session, instrument_id),
    )


async def _prices(visit: Visit, session: AsyncSession, instrument_id: UUID) -> dict[str, Any]:
    """The tariff that holds, those that are to come, and what is given free this year."""
    today = clock.today()
    holds = await tariffs.valid(session, instrument_id, today)
    published, _ = await tariffs.listed(session, visit.actor, instrument_id, Paging(visit.request, None, PAGE))
    declared, _ = await quotas.listed(session, visit.actor, instrument_id, Paging(visit.request, None, PAGE))
    this_year = [one for one in declared if one.year == today.year][:1]
    tariff = tariffs.view(holds) if holds else None
    coming = [tariffs.view(one) for one in reversed(published) if one.effective_from > today]
    shown = coming if tariff is None else [tariff, *coming]
    return {
        "tariff": tariff,
        "coming": coming,
        "by_sample": any(one.prices.of(customer).per_sample for one in shown for customer in CustomerClass),
        "free": next(iter(await quotas.views(session, this_year)), None),
    }


@router.get("/{instrument_id}", response_class=Response)
async def instrument(instrument_id: UUID, visit: Visited, session: Reading) -> Response:
    return await _page(visit, session, instrument_id)


def _week(reason: FieldError) -> str:
    """Of which week of a series it is the reason."""
    found = re.match(r"/weeks/([0-9]+)", reason.pointer)
    return say.t("第 {n} 周： · Week {n}: ", n=int(found[1]) + 1) if found else ""


def _told(error: ValidationError) -> list[str]:
    return [
        f"{say.t(_FIELDS.get(one.pointer, '预约 · booking'))}：{told(one.detail)}"
        for one in validation.as_refusal(error).errors
    ]


@router.post("/{instrument_id}/quotes", response_class=Response)
async def price(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """What the time in the form would cost, line by line. Nothing is held by asking."""
    actor = visit.require()

    def sent(name: str) -> str:
        return forms.first(typed, name).strip()

    samples = sent("samples")[:20]
    wish: dict[str, Any] = {
        "organisation_id": sent("organisation_id"),
        "starts_at": local_moment(sent("day"), sent("from")),
        "ends_at": local_moment(sent("last_day") or sent("day"), sent("to")),
        "assisted": sent("assisted") == "1",
        "samples": int(samples) if samples.isascii() and samples.isdigit() else samples or 0,
    }
    try:
        quote = await quotes.quote(session, actor, instrument_id, QuoteAsk.model_validate(wish))
    except ValidationError as error:
        return await _page(visit, session, instrument_id, typed=typed, wrong=_told(error), status=422)
    except bookings.NotOfYours as refusal:
        wrong = [told(refusal.title())]
        return await _page(visit, session, instrument_id, typed=typed, wrong=wrong, status=refusal.status)
    return await _page(visit, session, instrument_id, typed=typed, quote=quote)


@router.post("/{instrument_id}/bookings", response_class=Response)
async def book(instrument_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """Book, or (with the other button) get in line; a refusal shows every reason beside the form."""
    actor = visit.require()

    def sent(name: str) -> str:
        return typed.get(name, [""])[0].strip()

    wish: dict[str, Any] = {
        "instrument_id": str(instrument_id),
        "organisation_id": sent("organisation_id"),
        "starts_at": local_moment(sent("day"), sent("from")),
        "ends_at": local_moment(sent("last_day") or sent("day"), sent("to")),
        "purpose": sent("purpose"),
        "assisted": sent("assisted") == "1",
        "answers": [one for one in typed.get("answers", []) if one.strip()],
    }
    gaps: Sequence[Gap] = ()
    try:
        async with session.begin_nested():
            if sent("do") == WAIT:
                await waiting.join(session, actor, WaitingNew.model_validate(wish))
            elif sent("weeks") not in {"", "1"}:
                every = {"weeks": trying.number(typed, "weeks"), "skip_what_fails": sent("skip_what_fails") == "1"}
                _, _, gaps = await series.request(session, actor, SeriesNew.model_validate(wish | every))
            else:
                await bookings.request(session, actor, BookingNew.model_validate(wish))
    except ValidationError as error:
        return await _page(visit, session, instrument_id, typed=typed, wrong=_told(error), status=422)
    except Refusal as refusal:
        if refusal.status not in {403, 409}:
            raise
        wrong = [] if refusal.errors else [told(refusal.detail or refusal.title())]
        return await _page(
            visit, session, instrument_id, typed=typed, reasons=refusal.errors, wrong=wrong, status=refusal.status
        )
    if gaps:
        return await _page(visit, session, instrument_id, gaps=gaps)
    return visit.go("/bookings", "waiting" if sent("do") == WAIT else "booked")


@router.post("/{instrument_id}/ratings/{rating_id}/answer", response_class=Response)
async def answer(instrument_id: UUID, rating_id: UUID, visit: Visited, session: Writing, typed: Sent) -> Response:
    """The lab's word to a rating."""
    actor = visit.require()
    try:
        wish = RatingAnswer.model_validate({"answer": typed.get("text", [""])[0]})
    except ValidationError as error:
        wrong = [told(one.detail) for one in validation.as_refusal(error).errors]
        return await _page(visit, session, instrument_id, wrong=wrong, status=422)
    await ratings.answer(session, actor, rating_id, wish)
    return visit.go(f"/instruments/{instrument_id}", "done")


_FIELDS: Final = {
    "/organisation_id": "单位 · organisation",
    "/starts_at": "开始时间 · beginning",
    "/ends_at": "结束时间 · end",
    "/samples": "样品数 · samples",
    "/purpose": "用途 · purpose",
    "/weeks": "重复几周 · weeks",
    "": "时间 · time",
}
