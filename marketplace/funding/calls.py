"""Funding calls found, listed, written, changed, published, closed and withdrawn."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager
from uuid_utils.compat import uuid7

from marketplace.funding import facts
from marketplace.funding.models import FundingCall
from marketplace.funding.names import FUNDING_KINDS
from marketplace.funding.policy import (
    call_bookmarked_by,
    call_kept_by,
    call_open,
    call_owned_by,
    call_public,
    call_visible_to,
)
from marketplace.identity.models import Organisation
from marketplace.identity.names import ORGANISATION_KINDS
from marketplace.kernel import clock, etag, searching, validation
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import Recorded, record
from marketplace.kernel.language import told
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Conflict, NotFound
from marketplace.listings import derived, records
from marketplace.listings.publication import NotVerified
from schemas import codes
from schemas.funding import (
    GIVERS,
    Eligibility,
    FundingBody,
    FundingFilter,
    FundingKind,
    FundingNew,
    FundingPatch,
    FundingState,
    FundingTerms,
)
from schemas.identity import OrganisationKind, Permission, Verification
from schemas.listings import CompletenessItem


class NotItsKindOfFunding(Conflict):
    """这类资金不能由您这类单位发布。 · Organisations of your kind do not offer this kind of funding."""

    def __init__(self, kind: FundingKind) -> None:
        givers = [one for one in OrganisationKind if one in GIVERS[kind]]
        zh, en = ([told(ORGANISATION_KINDS[one], language) for one in givers] for language in ("zh", "en"))
        what = FUNDING_KINDS[kind]
        super().__init__(
            f"“{told(what, 'zh')}”由{'、'.join(zh)}发布；请改选类型，或由相应单位发布。"
            f" · “{told(what, 'en')}” is offered by: {', '.join(en)}. Choose another kind, or let such an organisation publish it."
        )


class DeadlineOver(Conflict):
    """截止时间已过，请先改为将来的时间。 · The deadline is over; set a later one first."""


class NotPublished(Conflict):
    """只有已发布的可以截止。 · Only what is published can be closed."""


FOLDED_FOR: Final = timedelta(minutes=15)
"""How long what changed of a call waits for more, before those who keep an eye on it are told of all of it at once."""
_APART: Final = frozenset({"organisation_id", "eligibility"})
_SEARCHED: Final = ("title", "title_en", "summary", "description")
_PRIVATE: Final = frozenset({"contact"})


def chosen() -> Select[FundingCall]:
    """Calls beside their organisation, which every rule looks at."""
    return (
        select(FundingCall)
        .join(Organisation, Organisation.id == FundingCall.organisation_id)
        .options(contains_eager(FundingCall.organisation))
    )


async def read(session: AsyncSession, actor: Actor, call_id: UUID, *, lock: bool = False) -> FundingCall:
    """One call that the actor may see; to everybody else it does not exist."""
    statement = chosen().where(FundingCall.id == call_id, call_visible_to(actor))
    if lock:
        statement = statement.with_for_update(of=FundingCall).execution_options(populate_existing=True)
    found = await session.scalar(statement)
    if found is None:
        raise NotFound
    return found


async def shown(session: AsyncSession, actor: Actor, call_id: UUID) -> bool:
    """Whether the actor may see it."""
    statement = chosen().where(FundingCall.id == call_id, call_visible_to(actor))
    return await session.scalar(statement.with_only_columns(FundingCall.id)) is not None


async def own(session: AsyncSession, actor: Actor, call_id: UUID) -> FundingCall:
    """One call that the actor may change, locked."""
    call = await read(session, actor, call_id, lock=True)
    if not await session.scalar(select(FundingCall.id).where(FundingCall.id == call_id, call_kept_by(actor))):
        raise records.NotYourRecord
    return call


async def listed(
    session: AsyncSession, actor: Actor, wish: FundingFilter, paging: Paging
) -> tuple[list[FundingCall], str | None]:
    """A page of calls, those published last first."""
    by = tuple(zip((FundingCall.listed_at, FundingCall.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, narrowed(actor, wish, clock.now()), by, paging)
    return [row[0] for row in rows], marker


def narrowed(actor: Actor, wish: FundingFilter, now: datetime) -> Select[FundingCall]:
    """The calls that a filter leaves of those that the actor may see."""
    statement = chosen()
    if wish.mine:
        statement = statement.where(call_owned_by(actor))
    elif wish.state in {FundingState.DRAFT, FundingState.WITHDRAWN}:
        statement = statement.where(call_visible_to(actor))
    else:
        statement = statement.where(call_public())
    if wish.bookmarked:
        statement = statement.where(call_bookmarked_by(actor))
    if wish.open is True:
        statement = statement.where(call_open(now))
    elif wish.open is False:
        over = and_(FundingCall.state == FundingState.PUBLISHED, FundingCall.closes_at <= now)
        statement = statement.where(or_(FundingCall.state == FundingState.CLOSED, over))
    equal: dict[Any, Any] = {
        FundingCall.state: wish.state,
        FundingCall.kind: wish.kind,
        FundingCall.organisation_id: wish.organisation,
    }
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    for table, code in (("regions", wish.region), ("industries", wish.industry)):
        if code is not None:
            statement = statement.where(FundingCall.facets.overlap(_open_to(table, code)))
    return statement.where(*searching.holds_all(FundingCall.words, derived.asked(wish.q)))


# What a call is for, as marks: `r` for a place with all above it, `R` for the place alone, `r:*` for any place.
_LETTERS: Final = {"regions": "r", "industries": "i"}


def _marks(table: str, named: Iterable[str]) -> set[str]:
    letter, found = _LETTERS[table], set()
    for code in named:
        above = {step.code for step in codes.TABLES[table].ancestors(code)} | {code}
        found |= {f"{letter}:{one}" for one in above} | {f"{letter.upper()}:{code}"}
    return found or {f"{letter}:*"}


def _open_to(table: str, code: str) -> list[str]:
    """The marks of calls that are for this code: for what is below it, for what it stands below, or for any."""
    letter = _LETTERS[table]
    above = (*(step.code for step in codes.TABLES[table].ancestors(code)), code)
    return [f"{letter}:*", f"{letter}:{code}", *(f"{letter.upper()}:{one}" for one in above)]


def rules_of(call: FundingCall) -> Eligibility:
    return Eligibility.model_validate(call.eligibility)


def columns(body: FundingBody, *, only_given: bool = False) -> dict[str, Any]:
    """The body as columns; of the rules, those that are asked for."""
    given = body.model_fields_set if only_given else type(body).model_fields.keys()
    values = body.model_dump(include=set(given) - _APART)
    if "eligibility" in given:
        values["eligibility"] = body.eligibility.model_dump(mode="json", exclude_defaults=True)
    return values


def _derive(call: FundingCall) -> None:
    """Bring the marks and the searched text up to what the call says now."""
    rules = rules_of(call)
    call.facets = sorted(
        _marks("regions", rules.applicant_regions) | _marks("industries", [*call.industries, *rules.industries])
    )
    said = [getattr(call, name) for name in _SEARCHED] + list(call.keywords)
    call.words = derived.folded("\n".join(part for part in said if part))


def _touch(call: FundingCall, now: datetime) -> None:
    call.version += 1
    call.updated_at = now


def _news(call: FundingCall, now: datetime, *, opens_at: datetime | None, after: timedelta = FOLDED_FOR) -> None:
    """Have those who keep an eye on it told after a while. `opens_at` is what it said before: of that they would have been
    told; what waits by now for something else takes this along."""
    waits = call.tell_at is not None and call.tell_at > now and call.tell_at != opens_at
    if not waits:
        call.tell_at = now + after


async def put(
    session: AsyncSession, organisation_id: UUID, body: FundingBody, *, by: UUID | None, **more: Any
) -> FundingCall:
    """A row whose right to be there was looked at; a draft, unless `more` says otherwise."""
    now = clock.now()
    call = FundingCall(
        id=uuid7(), organisation_id=organisation_id, created_by=by, created_at=now, updated_at=now, listed_at=now,
        version=1, **({"state": FundingState.DRAFT} | columns(body) | more),
    )  # fmt: skip
    _derive(call)
    if call.published_at is not None:
        call.tell_at = now
    session.add(call)
    await session.flush()
    return call


async def create(session: AsyncSession, actor: Actor, wish: FundingNew) -> FundingCall:
    """A draft in the name of an organisation that the actor edits for."""
    if wish.organisation_id not in actor.organisations_where(Permission.WRITE_RECORDS):
        raise records.NotYourOrganisation
    made = await put(session, wish.organisation_id, wish, by=actor.person)
    await record(session, facts.FundingCallDrafted(made.id), subject=made.id, by=actor.person)
    return await read(session, actor, made.id)


async def edit(session: AsyncSession, actor: Actor, call_id: UUID, version: int, patch: FundingPatch) -> FundingCall:
    """Change what it says. Of a call that was published, what it said before is kept and told."""
    call = await own(session, actor, call_id)
    etag.check(version, call.version)
    values = columns(patch, only_given=True)
    before = {name: getattr(call, name) for name, value in values.items() if getattr(call, name) != value}
    if not before:
        return call
    changed, now, opens_at = sorted(before), clock.now(), call.opens_at
    for name in changed:
        setattr(call, name, values[name])
    _require_possible(call)
    if call.state is FundingState.PUBLISHED:
        _require_ready(call, now)
    _derive(call)
    _touch(call, now)
    fact: facts.OfFundingCall = facts.FundingDraftEdited(call.id, changed)
    if call.published_at is not None:
        call.changed_at = now
        _news(call, now, opens_at=opens_at)
        told_before = {name: value for name, value in before.items() if name not in _PRIVATE}
        fact = facts.FundingCallEdited(call.id, changed, to_jsonable_python(told_before))
    await session.flush()
    await record(session, fact, subject=call.id, by=actor.person)
    return call


def _require_possible(call: FundingCall) -> None:
    try:
        FundingTerms.model_validate(call)
    except ValidationError as wrong:
        raise validation.as_refusal(wrong) from None


_ADVICE: Final = {
    "summary": "请写简介：支持什么。 · Write a summary: what is supported.",
    "how_to_apply": "请写怎样申报，或给出申报网址。 · Say how to apply, or give the address where.",
}


def lacking(call: Any) -> Iterable[CompletenessItem]:
    """What an applicant would miss."""
    if not call.summary:
        yield CompletenessItem(field="summary", required=True, advice=_ADVICE["summary"])
    if not (call.how_to_apply or call.apply_url):
        yield CompletenessItem(field="how_to_apply", required=True, advice=_ADVICE["how_to_apply"])


def _require_ready(call: FundingCall, now: datetime) -> None:
    if call.organisation.verification is not Verification.VERIFIED:
        raise NotVerified
    if not GIVERS[call.kind] & set(call.organisation.kinds):
        raise NotItsKindOfFunding(call.kind)
    records.require(lacking(call))
    if call.closes_at is not None and call.closes_at <= now:
        raise DeadlineOver


async def _enter(
    session: AsyncSession,
    call: FundingCall,
    to: FundingState,
    fact: type[facts.OfFundingCall],
    *,
    by: UUID | None,
    told_after: timedelta = FOLDED_FOR,
) -> None:
    now = clock.now()
    call.state = to
    _touch(call, now)
    _news(call, now, opens_at=call.opens_at, after=told_after)
    await session.flush()
    await record(session, fact(call.id), subject=call.id, by=by)


async def publish(session: AsyncSession, actor: Actor, call_id: UUID) -> FundingCall:
    """Show it to everybody and let it be ranked; one that was closed or withdrawn comes back."""
    call = await own(session, actor, call_id)
    if call.state is FundingState.PUBLISHED:
        return call
    _require_ready(call, clock.now())
    await open_up(session, call, by=actor.person)
    return call


async def open_up(session: AsyncSession, call: FundingCall, *, by: UUID | None) -> None:
    """Publish a row whose right to it was looked at."""
    if call.published_at is None:
        call.published_at = call.listed_at = clock.now()
    await _enter(session, call, FundingState.PUBLISHED, facts.FundingCallPublished, by=by)


async def close(session: AsyncSession, actor: Actor, call_id: UUID) -> FundingCall:
    """No more applications, before the deadline or without one. It stays to be read."""
    call = await own(session, actor, call_id)
    if call.state is FundingState.CLOSED:
        return call
    if call.state is not FundingState.PUBLISHED:
        raise NotPublished
    await _enter(session, call, FundingState.CLOSED, facts.FundingCallClosed, by=actor.person)
    return call


async def withdraw(session: AsyncSession, actor: Actor, call_id: UUID) -> FundingCall:
    """Take it back: out of lists and rankings, kept for its owners."""
    call = await own(session, actor, call_id)
    if call.state is not FundingState.WITHDRAWN:
        await _enter(session, call, FundingState.WITHDRAWN, facts.FundingCallWithdrawn, by=actor.person)
    return call


async def keep_time(session: AsyncSession, now: datetime, *, at_most: int = 500) -> int:
    """Close what is past its deadline. Answers how many; call until it answers 0."""
    due = await session.scalars(
        select(FundingCall)
        .where(FundingCall.state == FundingState.PUBLISHED, FundingCall.closes_at <= now)
        .order_by(FundingCall.closes_at, FundingCall.id)
        .limit(at_most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    rows = due.all()
    for call in rows:
        # Everybody knew that it would: nobody is written to, but that it is over is known from now on.
        await _enter(session, call, FundingState.CLOSED, facts.FundingCallClosed, by=None, told_after=timedelta(0))
    return len(rows)


async def organisation_changed(session: AsyncSession, organisation_id: UUID, now: datetime) -> None:
    """Whether its calls are shown goes by the organisation: see whether those who keep an eye on them have to be told."""
    rows = await session.scalars(
        select(FundingCall)
        .where(FundingCall.organisation_id == organisation_id, FundingCall.published_at.is_not(None))
        .order_by(FundingCall.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    for call in rows.all():
        _news(call, now, opens_at=call.opens_at)
    await session.flush()


async def changes(
    session: AsyncSession, actor: Actor, call_id: UUID, paging: Paging
) -> tuple[list[Recorded], str | None]:
    """What was changed after it was published, latest first; for whoever sees the call."""
    await read(session, actor, call_id)
    statement = select(Recorded).where(Recorded.subject == call_id, Recorded.name == facts.FundingCallEdited.__name__)
    rows, marker = await page(session, statement, ((Recorded.id, int),), paging)
    return [row[0] for row in rows], marker
