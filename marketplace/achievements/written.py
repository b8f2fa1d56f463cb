"""What an owner wrote, as columns of the table, and what a reader will miss in it. No database is needed for either."""

from typing import Any

from schemas.achievements import AchievementBody
from schemas.listings import Completeness, CompletenessItem


def columns(body: AchievementBody, *, only_given: bool = False) -> dict[str, Any]:
    """The body as columns of the table; with `only_given`, no more than was sent."""
    given = body.model_dump(
        mode="python", exclude={"organisation_id", "source", "external_id"}, exclude_unset=only_given
    )
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name == "discipline":
            values["disciplines"] = [value] if value is not None else []
        elif name == "price":
            price = body.price
            values |= {
                "price_kind": price.kind.value if price else None,
                "price_low": price.low if price else None,
                "price_high": price.high if price else None,
            }
        elif name == "stage":
            values["stage"] = value.value if value is not None else None
        elif name == "cooperation_modes":
            values[name] = [mode.value for mode in value]
        elif name in {"intellectual_property", "team"}:
            values[name] = [item.model_dump(mode="json") for item in getattr(body, name)]
        else:
            values[name] = value
    return values


_ADVICE: tuple[tuple[str, bool, str], ...] = (
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
)
_ON_THE_WIRE = {"disciplines": "discipline", "price_kind": "price"}


def completeness(listing: Any) -> Completeness:
    """What an enterprise will miss."""
    missing = [
        CompletenessItem(field=_ON_THE_WIRE.get(field, field), required=required, advice=advice)
        for field, required, advice in _ADVICE
        if getattr(listing, field) in (None, [], "")
    ]
    return Completeness(score=round(100 * (1 - len(missing) / len(_ADVICE))), missing=missing)
