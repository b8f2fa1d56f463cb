"""What the two sides of a pairing say of it: given, replaced, withdrawn, listed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, not_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from uuid_utils.compat import uuid7

from marketplace.identity.models import Organisation, Person
from marketplace.kernel import clock, etag
from marketplace.kernel.actor import Actor
from marketplace.kernel.facts import record
from marketplace.kernel.paging import BY_TIME_AND_ID, Paging, page
from marketplace.kernel.refusals import Invalid, NotFound
from marketplace.listings import records
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_open
from marketplace.pairings import pairings, reading
from marketplace.pairings.engine import Engine
from marketplace.verdicts import facts
from marketplace.verdicts.models import Verdict, VerdictRevision
from marketplace.verdicts.policy import verdict_visible_to
from matching import Query
from matching import Reasons as Why
from matching.segments.index import SharedSnapshot
from matching.tuning import kinds_of
from schemas.base import FieldError
from schemas.identity import Permission
from schemas.listings import ListingKind
from schemas.verdicts import (
    Said,
    SaidSignal,
    SaidTerm,
    Standing,
    VerdictBody,
    VerdictFilter,
    VerdictListed,
    VerdictView,
)

# So many ranks are looked through for the place of what is judged.
RANKED: Final = 100


class NotAShownTerm(Invalid):
    """只能指出匹配理由中列出的词。 · Only terms that the reasons of this pairing list can be called misleading."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A pairing that is being judged. ``terms``: what can be called misleading in it."""

    listing: Listing
    other: Listing
    said: Said
    terms: frozenset[str]


async def own(session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, *, write: bool) -> Listing:
    """A record on whose side the actor speaks, or reads what was said."""
    listing = await records.read(session, actor, cls, listing_id)
    takes = Permission.WRITE_RECORDS if write else Permission.READ_OWN
    reads = not write and Permission.READ_ALL in actor.platform
    if not reads and listing.organisation_id not in actor.organisations_where(takes):
        raise records.NotYourRecord
    return listing


async def judged(session: AsyncSession, engine: Engine, actor: Actor, listing: Listing, other_id: UUID) -> Judged:
    """What the matcher says now of a pairing. ``NotFound`` when the other is not ranked."""
    kind = pairings.OTHER[listing.kind]
    snapshot = pairings.ready(engine, kind)
    other = await records.read(session, actor, reading.MODEL[kind], other_id)
    if str(other_id) not in snapshot:
        raise NotFound
    query, now = reading.query(listing, engine.synonyms), clock.now().timestamp()
    why, rank = await engine.off_the_loop(partial(_said, snapshot, query, other, now))
    said = Said(
        title=listing.title,
        other_title=other.title,
        score=why.score,
        text=why.text,
        rank=rank,
        model=why.version,
        signals=[SaidSignal(name=one.name, value=one.value, weight=one.weight) for one in why.signals],
        terms=[SaidTerm(term=one.label, contribution=one.contribution) for one in why.terms if one.can_mislead],
    )
    return Judged(listing, other, said, frozenset(one.term for one in said.terms))


def _said(snapshot: SharedSnapshot, query: Query, other: Listing, now: float) -> tuple[Why, int | None]:
    key = str(other.id)
    why = snapshot.explain(query, key, reading.document(other), now=now)
    found = snapshot.rank(query, k=RANKED, now=now).items
    return why, next((place for place, one in enumerate(found, 1) if one.key == key), None)


async def say(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    cls: type[Listing],
    listing_id: UUID,
    other_id: UUID,
    version: int,
    body: VerdictBody,
) -> Verdict:
    """Say what one's side thinks of a pairing, or say it anew (version 0: there is none yet). The other side is not told."""
    listing = await own(session, actor, cls, listing_id, write=True)
    pairing = await judged(session, engine, actor, listing, other_id)
    before = await _of(session, listing_id, other_id, lock=True)
    _require_shown(body, pairing.terms | (_shown_before(before) if before else set()))
    now = clock.now()
    problem = listing if listing.kind is ListingKind.PROBLEM else pairing.other
    values: dict[str, Any] = {
        "grade": body.grade,
        "misleading": list(dict.fromkeys(body.misleading)),
        "note": body.note,
        "industries": sorted(kinds_of(problem.industries)),
        "said": pairing.said.model_dump(),
        "by": actor.person,
        "updated_at": now,
    }
    if before is None:
        # Whoever says it first makes the row; of two at once the second finds it and is told that it is out of date.
        await session.execute(
            insert(Verdict)
            .values(
                id=uuid7(), kind=listing.kind, listing_id=listing_id, other_id=other_id, version=0, created_at=now,
                organisation_id=listing.organisation_id, **values,
            )
            .on_conflict_do_nothing(constraint="verdict_once_key")
        )  # fmt: skip
        before = await _of(session, listing_id, other_id, lock=True)
        assert before is not None
    etag.check(version, 0 if before.withdrawn_at else before.version)
    if before.version:
        session.add(_kept(before))
    else:
        before.created_at = now
    for name, value in values.items():
        setattr(before, name, value)
    before.withdrawn_at = None
    before.version += 1
    await session.flush()
    given = facts.VerdictGiven(before.id, listing_id, other_id, before.version, before.grade, before.misleading)
    await record(session, given, subject=before.id, by=actor.person)
    return before


def _shown_before(before: Verdict) -> set[str]:
    """What the reasons listed when it was said: whoever changes a verdict may have that before them."""
    return {*before.misleading, *(one["term"] for one in before.said["terms"])}


def _require_shown(body: VerdictBody, shown: Collection[str]) -> None:
    errors = [
        FieldError(
            pointer=f"/misleading/{place}",
            code="not_a_shown_term",
            detail="请从该匹配 reasons.terms 列出的词中选择。 · Choose among the terms that `reasons.terms` of this pairing lists.",
        )
        for place, term in enumerate(body.misleading)
        if term not in shown
    ]
    if errors:
        raise NotAShownTerm(errors=errors)


async def withdraw(
    session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, other_id: UUID, version: int
) -> None:
    """Take it back: as if nothing had been said. What was said stays in its history."""
    await own(session, actor, cls, listing_id, write=True)
    row = await _of(session, listing_id, other_id, lock=True)
    if row is None or row.withdrawn_at is not None:
        raise NotFound
    etag.check(version, row.version)
    session.add(_kept(row))
    row.withdrawn_at = row.updated_at = clock.now()
    row.version += 1
    await session.flush()
    gone = facts.VerdictWithdrawn(row.id, listing_id, other_id, row.version)
    await record(session, gone, subject=row.id, by=actor.person)


def _kept(row: Verdict) -> VerdictRevision:
    """What is about to be replaced."""
    body = {name: getattr(row, name) for name in ("grade", "misleading", "note", "industries", "said")}
    body["withdrawn"] = row.withdrawn_at is not None
    return VerdictRevision(verdict_id=row.id, version=row.version, body=body, by=row.by, at=row.updated_at)


async def _of(session: AsyncSession, listing_id: UUID, other_id: UUID, *, lock: bool) -> Verdict | None:
    statement = (
        select(Verdict)
        .where(Verdict.listing_id == listing_id, Verdict.other_id == other_id)
        .execution_options(populate_existing=True)
    )
    found: Verdict | None = await session.scalar(statement.with_for_update() if lock else statement)
    return found


async def read(session: AsyncSession, actor: Actor, cls: type[Listing], listing_id: UUID, other_id: UUID) -> Verdict:
    """What one's own side says."""
    await own(session, actor, cls, listing_id, write=False)
    row = await _of(session, listing_id, other_id, lock=False)
    if row is None or row.withdrawn_at is not None:
        raise NotFound
    return row


async def of_listing(
    session: AsyncSession, actor: Actor, listing_id: UUID, others: Collection[UUID]
) -> Mapping[UUID, Verdict]:
    """What the side of a record says of some others, where the actor may see it."""
    if not others:
        return {}
    rows = await session.scalars(
        select(Verdict)
        .where(Verdict.listing_id == listing_id, Verdict.other_id.in_(others), verdict_visible_to(actor))
        .execution_options(populate_existing=True)
    )
    return {row.other_id: row for row in rows}


def narrowed(actor: Actor, wish: VerdictFilter) -> Select[Verdict]:
    statement = select(Verdict).where(verdict_visible_to(actor)).execution_options(populate_existing=True)
    equal: dict[Any, Any] = {
        Verdict.kind: wish.kind,
        Verdict.grade: wish.grade,
        Verdict.organisation_id: wish.organisation,
        Verdict.listing_id: wish.listing,
    }
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    if wish.mine is not None:
        statement = statement.where((Verdict.by == actor.person) if wish.mine else (Verdict.by != actor.person))
    return statement if wish.term is None else statement.where(Verdict.misleading.contains([wish.term]))


_OURS, _THEIRS = aliased(Listing, flat=True), aliased(Listing, flat=True)
_OUR_HOUSE, _THEIR_HOUSE = aliased(Organisation), aliased(Organisation)


def _open(listing: Any, organisation: Any) -> ColumnElement[bool]:
    return and_(listing_open(listing, organisation), listing.confirmed_until > clock.now())


def _standing() -> ColumnElement[str]:
    """What is ranked no more weighs more than what asks no more: a draft asks, too."""
    return case(
        (not_(_open(_THEIRS, _THEIR_HOUSE)), Standing.THEIRS_CLOSED),
        (not_(_open(_OURS, _OUR_HOUSE)), Standing.OURS_CLOSED),
        else_=Standing.OPEN,
    )


async def listed(
    session: AsyncSession, actor: Actor, wish: VerdictFilter, paging: Paging, *, industry: str = ""
) -> tuple[list[VerdictListed], str | None]:
    """One's own organisations' verdicts, and all of them for the platform's desk and auditors, latest first."""
    statement = (
        narrowed(actor, wish)
        .add_columns(Person.name, _standing())
        .join(Person, Person.id == Verdict.by)
        .join(_OURS, _OURS.id == Verdict.listing_id)
        .join(_OUR_HOUSE, _OUR_HOUSE.id == _OURS.organisation_id)
        .join(_THEIRS, _THEIRS.id == Verdict.other_id)
        .join(_THEIR_HOUSE, _THEIR_HOUSE.id == _THEIRS.organisation_id)
    )
    if industry:
        statement = statement.where(Verdict.industries.contains([industry]))
    by = tuple(zip((Verdict.created_at, Verdict.id), BY_TIME_AND_ID, strict=True))
    rows, marker = await page(session, statement, by, paging)
    return [
        VerdictListed(**dict(VerdictView.model_validate(row[0])), by_name=row[1], standing=row[2]) for row in rows
    ], marker
