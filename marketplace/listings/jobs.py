"""What listings do by the clock: remind, then retire."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from marketplace.identity.models import Membership, Organisation, Person
from marketplace.kernel import clock, mail
from marketplace.kernel.jobs import Place
from marketplace.kernel.language import told
from marketplace.listings import records
from marketplace.listings.models import OPEN_STATES, Listing
from schemas.identity import Role

REMIND_BEFORE: Final = timedelta(days=14)
AT_MOST: Final = 200


async def expire(place: Place, args: dict[str, Any]) -> None:
    """Retire what was not confirmed in time, a batch a transaction."""
    while True:
        async with place.database.writing.begin() as session:
            if await records.expire(session, clock.now()) == 0:
                return


async def remind(place: Place, args: dict[str, Any]) -> None:
    """Write once to the owners of records whose confirmation runs out within a fortnight."""
    while True:
        async with place.database.writing.begin() as session:
            now = clock.now()
            due = (
                await session.scalars(
                    select(Listing)
                    .join(Organisation)
                    .options(contains_eager(Listing.organisation))
                    .where(
                        Listing.state.in_(OPEN_STATES),
                        Listing.confirmed_until > now,
                        Listing.confirmed_until <= now + REMIND_BEFORE,
                        Listing.reminded_at.is_(None),
                    )
                    .order_by(Listing.confirmed_until)
                    .limit(AT_MOST)
                    .with_for_update(of=Listing, skip_locked=True)
                )
            ).all()
            if not due:
                return
            by_owner: dict[Any, list[Listing]] = {}
            for listing in due:
                listing.reminded_at = now
                by_owner.setdefault(listing.organisation_id, []).append(listing)
            writers = await session.execute(
                select(Membership.organisation_id, Person.email, Person.locale)
                .join(Person)
                .where(
                    Membership.organisation_id.in_(by_owner),
                    Membership.role.in_((Role.EDITOR, Role.ORGANISATION_ADMIN)),
                    Membership.ended_at.is_(None),
                    Person.suspended_at.is_(None),
                )
                .order_by(Person.email)
            )
            for organisation_id, email, locale in writers.all():
                language = "en" if locale == "en" else "zh"
                lines = "\n".join(
                    f"- {listing.title}\n  {place.settings.public_url}/{listing.kind}s/{listing.id}"
                    for listing in by_owner[organisation_id]
                )
                await mail.post(
                    session,
                    to=email,
                    subject=told("请确认仍然有效 · Please confirm that these still hold", language),
                    text=told(
                        f"以下记录即将到期，到期后不再参与匹配。请登录并一键确认：\n\n{lines}"
                        " · These records are about to expire and will then leave the ranking."
                        f" Sign in and confirm them with one click:\n\n{lines}",
                        language,
                    ),
                )
