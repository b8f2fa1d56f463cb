"""What whoever registered is told by mail: what became of it, and what to do next."""

from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from marketplace.docking import meeting_notices
from marketplace.docking.registration_models import Registration
from marketplace.identity.models import Person
from marketplace.kernel import mail
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.language import Language, told
from marketplace.settings import Settings
from schemas.registrations import RegistrationState

_TOLD: Final = {
    RegistrationState.REQUESTED: "已收到报名，待审核 · Your registration waits for approval",
    RegistrationState.WAITING: "名额已满，您在候补名单中 · It is full: you are in the line",
    RegistrationState.OFFERED: "有名额了，请在 {until}（北京时间）前确认 · A place is held for you until {until} (China time)",
    RegistrationState.CONFIRMED: "报名已确认 · Your registration is confirmed",
    RegistrationState.REFUSED: "报名未通过 · Your registration was not accepted",
    RegistrationState.EXPIRED: "未及时确认，名额已让给下一位 · The place was not taken in time and goes to the next",
    RegistrationState.CANCELLED: "报名已取消 · Your registration was cancelled",
    RegistrationState.DECLINED: "您已放弃名额 · You gave the place away",
}


async def tell(session: AsyncSession, registration_id: UUID, settings: Settings) -> bool:
    """Write to whoever registered what became of it. Each version is told once; answers whether it was told now.

    Of several changes in a row the latest is told.
    """
    registration = await session.scalar(
        select(Registration)
        .where(Registration.id == registration_id)
        .options(joinedload(Registration.event, innerjoin=True))
        .with_for_update(of=Registration, key_share=True)
        .execution_options(populate_existing=True)
    )
    if registration is None or (registration.mailed_version or 0) >= registration.version:
        return False
    registration.mailed_version = registration.version
    await session.flush()
    maker = await session.get_one(Person, registration.made_by)
    if maker.suspended_at is not None:
        return False
    language: Language = "en" if maker.locale == "en" else "zh"
    expires = registration.offer_expires_at
    until = f"{expires.astimezone(BEIJING):%Y-%m-%d %H:%M}" if expires is not None else ""
    said = told(_TOLD[registration.state], language).format(until=until)
    event = registration.event
    title = (event.title_en if language == "en" else None) or event.title
    lines = [said, title, registration.note or "", f"{settings.public_url}/registrations/{registration.id}"]
    await mail.post(
        session,
        to=maker.email,
        subject=meeting_notices.headed(title, said, language),
        text="\n".join(filter(None, lines)),
    )
    return True
