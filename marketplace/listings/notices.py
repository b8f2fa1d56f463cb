"""What owners and readers of records are told by mail: what a review decided, who asks to be admitted, who was.

A letter names a record by its public title and never holds what was asked, answered or written in confidence.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import allowances, members
from marketplace.identity.models import Organisation, Person
from marketplace.kernel import mail
from marketplace.kernel.language import Language, spoken, told
from marketplace.listings.models import Admission, Listing
from marketplace.listings.policy import listing_open
from schemas.identity import Permission
from schemas.listings import AdmissionState, ListingState

# Answers that one address is written of within a quarter of an hour: an owner may name any address there is.
ANSWERS: Final = 10
# Requests of one person that owners are written of within a quarter of an hour; all of them await the owner at the desk.
REQUESTS: Final = 30

_APPROVED: Final = "审核通过，已发布 · Your record passed review and is published"
_RETURNED: Final = "审核退回 · Your record was given back by the review"
_NOTE: Final = "意见：{note} · Note: {note}"
_REVISE: Final = "请修改后再次提交。 · Change it, then hand it in again."
_ASKED: Final = "有人申请查看保密内容 · Somebody asks to read a confidential part"
_ASKED_BY: Final = (
    "{email} 申请查看这条记录的保密内容，请在“可查看的人”中答复："
    " · {email} asks to read the confidential part of this record. Answer under its readers:"
)
_ANSWERED: Final = {
    AdmissionState.ADMITTED: "您已获准查看保密内容 · You were admitted to a confidential part",
    AdmissionState.REFUSED: "查看保密内容的申请未获准 · Your request to read a confidential part was refused",
}
_HOW: Final = (
    "请用此邮箱登录后查看；还没有账号的，先用此邮箱注册。"
    " · Sign in with this address to read it; without an account, register with this address first."
)
_NOT_SHOWN: Final = (
    "这条记录目前没有公开，公开后可以查看。 · The record is not shown at present; you can read it once it is."
)


async def tell_review(session: AsyncSession, listing_id: UUID, *, approved: bool, version: int, public_url: str) -> int:
    """Write to those who may edit the record what became of it. Each decision is told once; answers how many letters."""
    listing = await session.get_one(Listing, listing_id)
    # The note stands with the record until it is handed in again.
    note = listing.state_note if not approved and listing.state is ListingState.DRAFT else None
    subject = _APPROVED if approved else _RETURNED
    written = 0
    for email, locale in await members.reached(session, listing.organisation_id, Permission.WRITE_RECORDS):
        language = spoken(locale)
        lines = [
            told(subject, language),
            listing.title,
            told(_NOTE, language).format(note=note) if note else "",
            "" if approved else told(_REVISE, language),
            _page(listing, public_url),
        ]
        written += await mail.post(
            session,
            to=email,
            subject=f"{told(subject, language)}：{listing.title}",
            text="\n".join(filter(None, lines)),
            once=f"review:{listing.id}:{version}:{email}",
        )
    return written


async def tell_admission(session: AsyncSession, admission_id: UUID, public_url: str) -> int:
    """Write to whoever has to answer a request, or to whoever was answered. Each is told once; answers how many letters."""
    admission = await session.get_one(Admission, admission_id)
    listing = await session.get_one(Listing, admission.listing_id)
    if admission.state is AdmissionState.REQUESTED:
        return await _asked(session, admission, listing, public_url)
    if admission.state in _ANSWERED:
        return await _answered(session, admission, listing, public_url)
    return 0


async def _asked(session: AsyncSession, admission: Admission, listing: Listing, public_url: str) -> int:
    if await allowances.spend(session, {f"q:{admission.email}": REQUESTS}) is not None:
        return 0
    written = 0
    for email, locale in await members.reached(session, listing.organisation_id, Permission.READ_CONFIDENTIAL):
        language = spoken(locale)
        asked = told(_ASKED_BY, language).format(email=admission.email)
        written += await mail.post(
            session,
            to=email,
            subject=f"{told(_ASKED, language)}：{listing.title}",
            text="\n".join([asked, listing.title, f"{public_url}/desk/{listing.kind}s/{listing.id}/readers"]),
            once=f"asked:{admission.id}:{email}",
        )
    return written


async def _answered(session: AsyncSession, admission: Admission, listing: Listing, public_url: str) -> int:
    person = await session.scalar(select(Person).where(Person.email == admission.email))
    if person is not None and person.suspended_at is not None:
        return 0
    if await allowances.spend(session, {f"n:{admission.email}": ANSWERS}) is not None:
        return 0
    shown = await session.scalar(
        select(Listing.id)
        .join(Organisation, Organisation.id == Listing.organisation_id)
        .where(Listing.id == listing.id, listing_open())
    )
    admitted = admission.state is AdmissionState.ADMITTED

    def letter(language: Language) -> tuple[str, list[str]]:
        subject = told(_ANSWERED[admission.state], language)
        # What is not public is not named to whoever may not see it yet.
        about = [listing.title] if shown else [told(_NOT_SHOWN, language)] if admitted else []
        how = [told(_HOW, language)] if admitted else []
        return subject, [subject, *about, *how, _page(listing, public_url)]

    # Whoever has no account has not said which language they read.
    subjects, texts = zip(*map(letter, [spoken(person.locale)] if person else ("zh", "en")), strict=True)
    return await mail.post(
        session,
        to=admission.email,
        subject=" · ".join(subjects),
        text="\n\n".join("\n".join(lines) for lines in texts),
        once=f"{admission.state}:{admission.id}",
    )


def _page(listing: Listing, public_url: str) -> str:
    return f"{public_url}/{listing.kind}s/{listing.id}"
