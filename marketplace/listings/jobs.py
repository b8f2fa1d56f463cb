"""What listings do by the clock: remind, then retire."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import members
from marketplace.kernel import clock, mail
from marketplace.kernel.jobs import Place
from marketplace.kernel.language import Language, spoken, told
from marketplace.listings import notices, publication
from marketplace.listings.models import OPEN_STATES, Listing
from schemas.identity import Permission

REMIND_BEFORE: Final = timedelta(days=14)
MOST_NAMED: Final = 50

SUBJECT: Final = "请确认仍然有效 · Please confirm that these still hold"
OPENING: Final = (
    "以下记录即将到期，到期后不再参与匹配。请登录并一键确认："
    " · These records are about to expire and will then leave the ranking. Sign in and confirm them with one click:"
)
MORE: Final = "……以及另外 {count} 条。 · … and {count} more."


async def expire(place: Place, args: dict[str, Any]) -> None:
    """Retire what was not confirmed in time, a batch a transaction."""
    while True:
        async with place.database.writing.begin() as session:
            if await publication.expire(session, clock.now()) == 0:
                return


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Records that are to be confirmed: their table, which of them are open, and how a letter names them."""

    table: type[Any]
    open: ColumnElement[bool]
    kind: ColumnElement[Any]
    title: ColumnElement[Any]


LISTINGS: Final = Confirmed(Listing, Listing.state.in_(OPEN_STATES), Listing.kind.expression, Listing.title.expression)


async def remind(place: Place, args: dict[str, Any]) -> None:
    """Write once to the owners of records whose confirmation runs out within a fortnight: one letter a person."""
    await remind_of(place, LISTINGS)


async def remind_of(place: Place, records: Confirmed) -> None:
    """The same for records of any table."""
    while True:
        async with place.database.writing.begin() as session:
            if not await _remind_one(session, place.settings.public_url, records):
                return


async def tell_review(place: Place, args: dict[str, Any]) -> None:
    """The platform decided on a record: its owners are told."""
    async with place.database.writing.begin() as session:
        of = UUID(args["listing_id"])
        public_url = place.settings.public_url
        await notices.tell_review(
            session, of, approved=args["approved"], version=args["version"], public_url=public_url
        )


async def tell_admission(place: Place, args: dict[str, Any]) -> None:
    """Somebody asks for a confidential part, or was answered: whoever is concerned is told."""
    async with place.database.writing.begin() as session:
        await notices.tell_admission(session, UUID(args["admission_id"]), place.settings.public_url)


async def _remind_one(session: AsyncSession, public_url: str, records: Confirmed) -> bool:
    """Remind the organisation whose record runs out next. Answers whether there was one."""
    now, of = clock.now(), records.table
    due = (
        records.open,
        of.confirmed_until > now,
        of.confirmed_until <= now + REMIND_BEFORE,
        of.reminded_at.is_(None),
    )
    organisation_id = await session.scalar(
        select(of.organisation_id).where(*due).order_by(of.confirmed_until, of.id).limit(1)
    )
    if organisation_id is None:
        return False
    rows = await session.execute(
        update(of)
        .where(*due, of.organisation_id == organisation_id)
        .values(reminded_at=now)
        .returning(of.id, records.kind.label("kind"), records.title.label("title"), of.confirmed_until)
        .execution_options(synchronize_session=False)
    )
    # Another worker may have been quicker: then there is nothing to write.
    if listings := sorted(rows.all(), key=lambda row: (row.confirmed_until, row.id)):
        for email, locale in await members.reached(session, organisation_id, Permission.WRITE_RECORDS):
            language = spoken(locale)
            await mail.post(
                session, to=email, subject=told(SUBJECT, language), text=_letter(listings, public_url, language)
            )
    return True


def _letter(listings: Sequence[Any], public_url: str, language: Language) -> str:
    # Titles are put in after the language was chosen: one may hold the sign that parts the two.
    named = [f"- {row.title}\n  {public_url}/{row.kind}s/{row.id}" for row in listings[:MOST_NAMED]]
    beyond = len(listings) - MOST_NAMED
    more = ["", told(MORE, language).format(count=beyond)] if beyond > 0 else []
    return "\n".join([told(OPENING, language), "", *named, *more])
