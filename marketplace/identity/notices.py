"""What an organisation's administrators are told by mail: what the platform decided on its verification, and why."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity import members
from marketplace.identity.models import Organisation
from marketplace.kernel import mail
from marketplace.kernel.language import spoken, told
from schemas.identity import Permission, VerificationWish

_DECIDED: Final = {
    VerificationWish.VERIFY: (
        "单位已通过认证 · Your organisation is verified",
        "现在可以发布成果、难题、仪器和活动。 · It can now publish achievements, problems, instruments and events.",
    ),
    VerificationWish.REFUSE: (
        "认证申请被退回 · Your request to be verified was given back",
        "请按上面的理由补充材料，再次申请认证。 · Complete the evidence as the reason asks for, then ask again.",
    ),
    VerificationWish.SUSPEND: (
        "单位的认证已暂停 · The verification of your organisation is suspended",
        "在恢复之前，本单位的记录不再公开，也不能发布。 · Until it is reinstated its records are not shown.",
    ),
    VerificationWish.REINSTATE: (
        "单位的认证已恢复 · The suspension of your organisation has ended",
        "请在单位页面查看现在的认证状态。 · The page of your organisation says how its verification stands now.",
    ),
}
_REASON: Final = "理由：{reason} · Reason: {reason}"


async def tell_verification(
    session: AsyncSession,
    public_url: str,
    *,
    organisation_id: str,
    decision: str,
    reason: str,
    version: int | None = None,
    **_: object,
) -> int:
    """Write to each administrator what was decided. Each decision is told once; answers how many letters were written.

    A decision that was recorded before decisions had versions is not told.
    """
    if version is None:
        return 0
    organisation = await session.get_one(Organisation, UUID(organisation_id))
    subject, next_step = _DECIDED[VerificationWish(decision)]
    written = 0
    for email, locale in await members.reached(session, organisation.id, Permission.EDIT_ORGANISATION):
        language = spoken(locale)
        name = (organisation.name_en if language == "en" else None) or organisation.name
        lines = [
            name,
            told(subject, language),
            told(_REASON, language).format(reason=reason),
            told(next_step, language),
            f"{public_url}/organisations/{organisation.id}",
        ]
        written += await mail.post(
            session,
            to=email,
            subject=f"{told(subject, language)}：{name}",
            text="\n".join(lines),
            once=f"verification:{organisation.id}:{version}:{email}",
        )
    return written
