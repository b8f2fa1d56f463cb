"""What can be done with an achievement (科技成果)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel.actor import Actor
from marketplace.kernel.paging import Paging
from marketplace.listings import derived, records
from marketplace.listings.cards import Cards
from marketplace.listings.models import Achievement
from schemas.achievements import AchievementBody, AchievementFilter, AchievementNew, AchievementPatch, Price
from schemas.listings import Completeness, CompletenessItem

CARDS = Cards(
    Achievement,
    {
        "summary": Achievement.summary,
        "discipline": Achievement.disciplines[1],
        "industries": Achievement.industries,
        "trl": Achievement.trl,
        "stage": Achievement.stage,
    },
)


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


def price_of(listing: Achievement) -> Price | None:
    if listing.price_kind is None:
        return None
    return Price.model_validate({"kind": listing.price_kind, "low": listing.price_low, "high": listing.price_high})


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


def completeness(listing: Achievement) -> Completeness:
    """What an enterprise will miss."""
    missing = [
        CompletenessItem(field=_ON_THE_WIRE.get(field, field), required=required, advice=advice)
        for field, required, advice in _ADVICE
        if getattr(listing, field) in (None, [], "")
    ]
    return Completeness(score=round(100 * (1 - len(missing) / len(_ADVICE))), missing=missing)


async def create(session: AsyncSession, actor: Actor, wish: AchievementNew) -> Achievement:
    """A draft achievement."""
    return await records.create(
        session,
        actor,
        Achievement,
        wish.organisation_id,
        columns(wish),
        source=wish.source,
        external_id=wish.external_id,
    )


async def edit(
    session: AsyncSession, actor: Actor, achievement_id: UUID, version: int, patch: AchievementPatch
) -> Achievement:
    return await records.edit(session, actor, Achievement, achievement_id, version, columns(patch, only_given=True))


async def publish(
    session: AsyncSession, actor: Actor, achievement_id: UUID, *, reviewed_first: bool, fresh_for: timedelta
) -> Achievement:
    listing = await records.own(session, actor, Achievement, achievement_id)
    return await records.publish(
        session,
        actor,
        Achievement,
        achievement_id,
        complete=completeness(listing),
        reviewed_first=reviewed_first,
        fresh_for=fresh_for,
    )


async def listed(
    session: AsyncSession, actor: Actor, wish: AchievementFilter, paging: Paging
) -> tuple[list[str], str | None]:
    """A page of cards as JSON, newest first: one statement."""
    more: list[ColumnElement[bool]] = []
    if wish.stage:
        more.append(Achievement.facets.overlap(derived.wanted("s", wish.stage)))
    if wish.trl_min is not None:
        more.append(Achievement.trl >= wish.trl_min)
    if wish.trl_max is not None:
        more.append(Achievement.trl <= wish.trl_max)
    return await CARDS.page(session, actor, wish, paging, *more)
