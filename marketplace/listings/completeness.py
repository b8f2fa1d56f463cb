"""What a reader will miss in a record, said before it is published. No database is needed for it."""

from typing import Any, Final

from marketplace.kernel import clock
from schemas.listings import Completeness, CompletenessItem, ListingKind

# Column, whether publishing needs it, and the advice.
_Advice = tuple[str, bool, str]

_ADVICE: Final[dict[ListingKind, tuple[_Advice, ...]]] = {
    ListingKind.ACHIEVEMENT: (
        (
            "description",
            True,
            "写明技术路线、关键指标和验证情况，读者据此判断。 · Say how it works, its key figures and how it was tested.",
        ),
        ("summary", False, "用两三句话说清能解决什么问题。 · Say in two or three sentences what it solves."),
        (
            "industries",
            False,
            "选择适用行业，企业才能筛选到。 · Choose the industries it serves, so that firms can filter for it.",
        ),
        ("disciplines", False, "选择学科。 · Choose its discipline."),
        (
            "trl",
            False,
            "填写技术就绪度（1–9），企业最先看它。 · Give the technology readiness level (1–9); firms look at it first.",
        ),
        ("stage", False, "填写所处阶段（初期、中期、成熟应用）。 · Give its stage (early, pilot, mature)."),
        ("cooperation_modes", False, "选择合作方式。 · Choose how you would work together."),
        ("price_kind", False, "给出价格或写明面议。 · Give a price, or say that it is negotiable."),
        ("intellectual_property", False, "列出知识产权及其状态。 · List its intellectual property and status."),
        ("contact", False, "填写联系人。 · Name whom to ask."),
        ("region", False, "填写所在地区。 · Give its region."),
    ),
    ListingKind.PROBLEM: (
        ("description", True, "写明要解决的技术问题。 · Say which technical problem has to be solved."),
        (
            "indicators",
            False,
            "列出必须达到的指标（名称、数值、单位），解题方据此判断能否做到。 · List the figures that must be met (name, value, unit).",
        ),
        ("deadline", False, "写明时限。 · Say by when."),
        ("budget_high", False, "给出预算上限，哪怕是估计。 · Give the most you would spend, even as an estimate."),
        ("ip_wish", False, "说明知识产权归属意愿。 · Say who should own the results."),
        (
            "solver_conditions",
            False,
            "说明对解题方的条件（资质、设备、团队）。 · Say what a solver must have (standing, equipment, team).",
        ),
        ("background", False, "补充生产背景。 · Add the background."),
        ("tried", False, "说明已尝试过什么、为什么不行。 · Say what was tried and why it did not do."),
        ("industries", False, "选择行业。 · Choose your industry."),
        (
            "disciplines",
            False,
            "选择相关学科，高校才能筛选到。 · Choose the disciplines concerned, so that universities can filter for it.",
        ),
        ("cooperation_modes", False, "选择合作方式。 · Choose how you would work together."),
        ("contact", False, "填写联系人。 · Name whom to ask."),
        ("region", False, "填写所在地区。 · Give your region."),
    ),
}
_ON_THE_WIRE: Final = {
    ListingKind.ACHIEVEMENT: {"disciplines": "discipline", "price_kind": "price"},
    ListingKind.PROBLEM: {"industries": "industry", "budget_high": "budget"},
}
_DEADLINE_PASSED: Final = "时限已过，请更新。 · The deadline has passed; renew it."


def of(kind: ListingKind, listing: Any) -> Completeness:
    """What is missing, what has to be written first of all, and how far it is from complete."""
    advice, names = _ADVICE[kind], _ON_THE_WIRE[kind]
    missing = [
        CompletenessItem(field=names.get(column, column), required=required, advice=text)
        for column, required, text in advice
        if getattr(listing, column) in (None, [], "")
    ]
    deadline = getattr(listing, "deadline", None)
    if deadline is not None and deadline < clock.today():
        missing.insert(0, CompletenessItem(field="deadline", required=True, advice=_DEADLINE_PASSED))
    return Completeness(score=max(0, round(100 * (1 - len(missing) / len(advice)))), missing=missing)


def required(kind: ListingKind, listing: Any) -> list[CompletenessItem]:
    """What publishing waits for."""
    return [item for item in of(kind, listing).missing if item.required]
