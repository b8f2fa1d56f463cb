"""What an owner wrote, as columns of the table, and what a reader will miss in it. No database is needed for either."""

from typing import Any

from marketplace.kernel import clock
from schemas.listings import Completeness, CompletenessItem
from schemas.problems import ProblemBody


def columns(body: ProblemBody, *, only_given: bool = False) -> dict[str, Any]:
    """The body as columns of the table; with `only_given`, no more than was sent."""
    given = body.model_dump(
        mode="python", exclude={"organisation_id", "source", "external_id"}, exclude_unset=only_given
    )
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name == "industry":
            values["industries"] = [value] if value is not None else []
        elif name == "budget":
            values |= {
                "budget_low": body.budget.low if body.budget else None,
                "budget_high": body.budget.high if body.budget else None,
            }
        elif name == "ip_wish":
            values["ip_wish"] = value.value if value is not None else None
        elif name == "cooperation_modes":
            values[name] = [mode.value for mode in value]
        elif name == "indicators":
            values[name] = [indicator.model_dump(mode="json") for indicator in body.indicators]
        else:
            values[name] = value
    return values


_ADVICE: tuple[tuple[str, bool, str], ...] = (
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
)
_ON_THE_WIRE = {"industries": "industry", "budget_high": "budget"}


def completeness(listing: Any) -> Completeness:
    """What a solver will miss."""
    missing = [
        CompletenessItem(field=_ON_THE_WIRE.get(field, field), required=required, advice=advice)
        for field, required, advice in _ADVICE
        if getattr(listing, field) in (None, [], "")
    ]
    if listing.deadline is not None and listing.deadline < clock.now().date():
        missing.insert(
            0,
            CompletenessItem(
                field="deadline", required=True, advice="时限已过，请更新。 · The deadline has passed; renew it."
            ),
        )
    return Completeness(score=max(0, round(100 * (1 - len(missing) / len(_ADVICE)))), missing=missing)
