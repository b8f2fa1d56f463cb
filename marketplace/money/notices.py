"""What is owed back of a voucher is told by mail to those who have to pay it back, or that nothing is any more."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Membership, Person
from marketplace.identity.policy import PERMISSIONS
from marketplace.kernel import mail
from marketplace.kernel.clock import BEIJING
from marketplace.kernel.language import Language, told
from marketplace.labs.models import Instrument
from marketplace.money import claimed
from marketplace.money.models import Charge, ClaimCorrection, Redemption, Voucher
from schemas.charges import ClaimCorrectionKind, Settlement
from schemas.identity import Permission

# Beside whoever asked for it: those who answer for the firm, or for the lab.
_ANSWERS: Final = {
    Settlement.FIRM_REDEEMS: Permission.EDIT_ORGANISATION,
    Settlement.LAB_REDEEMS: Permission.MANAGE_LABS,
}
_SUBJECTS: Final = {
    "owed": "创新券须退回 {owed} 元：{instrument} · {owed} yuan of a voucher are owed back: {instrument}",
    "settled": "创新券无须再退回：{instrument} · Nothing of a voucher is owed back any more: {instrument}",
    "returned": "创新券退款已收到：{instrument} · What was owed back of a voucher has come: {instrument}",
}
_WHY: Final = {
    "owed": "这笔费用在创新券兑付之后更正过。已兑付的金额中，创新券不再抵扣的部分须退回发放单位。"
    " · That charge was corrected after its voucher was paid out. What was paid and the voucher bears no more is to be"
    " returned to the programme.",
    "settled": "这笔费用又更正过，创新券现在抵扣已兑付的全部金额。"
    " · That charge was corrected again: the voucher bears all that was paid for it.",
    "returned": "平台已确认收到退款，创新券恢复相应额度。"
    " · The programme has confirmed that it came; the voucher has it again.",
}
_OF: Final = "券 {number}，{day} 使用 {instrument} · voucher {number}, use of {instrument} on {day}"
_SUMS: Final = (
    "已兑付 {paid} 元，现抵扣 {borne} 元，须退回 {owed} 元 · paid {paid} yuan, borne now {borne}, owed back {owed}"
)
_NEXT: Final = (
    "退回后由平台确认到账。费用有误时，请在费用页面提出异议。"
    " · Once returned, the programme confirms it. If the charge is wrong, dispute it on its page."
)


async def tell_owed(session: AsyncSession, redemption_id: UUID, public_url: str) -> bool:
    """Write of what is owed back of a claim by now. Each correction is told once; answers whether it was told now.

    Of several in a row the latest state is told. What came to nothing before anybody was told of it is not told.
    """
    claim = await session.scalar(
        select(Redemption)
        .where(Redemption.id == redemption_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if claim is None:
        return False
    latest = await session.scalar(
        select(ClaimCorrection)
        .where(ClaimCorrection.redemption_id == claim.id)
        .order_by(ClaimCorrection.at.desc(), ClaimCorrection.id.desc())
        .limit(1)
    )
    count = await session.scalar(
        select(func.count()).select_from(ClaimCorrection).where(ClaimCorrection.redemption_id == claim.id)
    )
    if latest is None or not count or count <= claim.corrections_told:
        return False
    row = await _about(session, claim.id)
    if not (row.owed or claim.corrections_told):
        return False
    claim.corrections_told = count
    await session.flush()
    back = latest.kind is ClaimCorrectionKind.RETURNED
    state = "owed" if row.owed else "returned" if back else "settled"
    for email, locale in await _readers(session, claim, row.settlement):
        language: Language = "en" if locale == "en" else "zh"
        subject, text = _letter(row, state, language)
        await mail.post(session, to=email, subject=subject, text=f"{text}\n\n{public_url}/charges/{claim.charge_id}")
    return True


async def _about(session: AsyncSession, redemption_id: UUID) -> Any:
    return (
        await session.execute(
            select(
                Redemption.paid_amount.label("paid"), *claimed.BESIDE, Voucher.number, Voucher.settlement,
                Instrument.name.label("instrument"), Charge.used_at,
            )
            .join(Voucher, Voucher.id == Redemption.voucher_id)
            .join(Charge, Charge.id == Redemption.charge_id)
            .join(Instrument, Instrument.id == Charge.instrument_id)
            .where(Redemption.id == redemption_id)
        )
    ).one()  # fmt: skip


async def _readers(session: AsyncSession, claim: Redemption, settlement: Settlement) -> Sequence[Any]:
    """Whoever asked for the money, while they belong to the organisation, and those who answer for it; each once."""
    roles = [role for role, carried in PERMISSIONS.items() if _ANSWERS[settlement] in carried]
    found = await session.execute(
        select(Person.email, Person.locale)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organisation_id == claim.claimant_id,
            Membership.ended_at.is_(None),
            Person.suspended_at.is_(None),
            or_(Membership.role.in_(roles), Person.id == claim.asked_by),
        )
        .order_by(Person.email)
    )
    return found.all()


def _letter(row: Any, state: str, language: Language) -> tuple[str, str]:
    # What is filled in comes after the language was chosen: a name may hold the sign that parts the two.
    named = {
        "instrument": row.instrument, "number": row.number, "day": f"{row.used_at.astimezone(BEIJING):%Y-%m-%d}",
        "paid": f"{row.paid:.2f}", "borne": f"{row.borne:.2f}", "owed": f"{row.owed:.2f}",
    }  # fmt: skip
    parts = (_WHY[state], _OF, _SUMS, *([_NEXT] if state == "owed" else []))
    return told(_SUBJECTS[state], language).format(**named), "\n".join(
        told(part, language).format(**named) for part in parts
    )
