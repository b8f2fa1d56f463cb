"""Achievements and problems as a test meets them: the same promises under two names, every field filled in."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.listings.models import Achievement, Listing, Problem
from schemas.listings import ListingState
from tests.given.people import Somebody

# Quotes, markup, templates, wildcards, letters beyond the basic plane, composed and decomposed: all of it is only text.
ODD = "“引号”'\"\\ <b>{{ x }}</b> %_ 𠮷𪚥 ｶﾞ Å e\u0301 👩\u200d🔬 ﬁ"

_BOTH: dict[str, Any] = {
    "title": f"高导热碳纤维复合材料 {ODD}",
    "description": f"第一段 {ODD}\n\n\t第二段。",
    "keywords": ["碳纤维", "导热", "Ａ１"],
    "cooperation_modes": ["joint_development", "licence"],
    "region": "220104",
    "contact": {"name": f"王 {ODD[:4]}", "phone": "+86 431 8888 0000", "email": "wang@test.example"},
}

EVERY_FIELD_OF_AN_ACHIEVEMENT: dict[str, Any] = _BOTH | {
    "summary": f"一句话 {ODD}",
    "discipline": "43020",
    "industries": ["3612", "C", "36"],
    "trl": 7,
    "stage": "pilot",
    "intellectual_property": [
        {"kind": "patent.invention", "number": "ZL202310000001.2", "status": "granted", "holder": "某大学"},
        {"kind": "know_how", "number": None, "status": "pending", "holder": None},
    ],
    "awards": ["吉林省科技进步一等奖", "吉林省科技进步一等奖"],
    "price": {"kind": "range", "low": "120000.00", "high": "350000.50"},
    "publicly_funded": True,
    "registration_number": "9512021Y0001",
    "team": [{"name": "李四", "role": "负责人"}, {"name": "赵六", "role": None}],
    "talks": 5,
}
EVERY_FIELD_OF_A_PROBLEM: dict[str, Any] = _BOTH | {
    "background": f"背景 {ODD}",
    "indicators": [
        {"name": "硬度", "operator": ">=", "value": "60", "upper": None, "unit": "HRC"},
        {"name": "孔隙率", "operator": "between", "value": "2", "upper": "5", "unit": "%"},
    ],
    "tried": f"试过 {ODD}",
    "industry": "3612",
    "disciplines": ["43020", "430", "460"],
    "budget": {"low": "0.01", "high": "999999999999.99"},
    "deadline": "2199-12-31",
    "ip_wish": "shared",
    "solver_conditions": f"条件 {ODD}",
    "bounty": "500000.00",
}

# What reading gives for a field that was never written.
NOTHING: dict[str, Any] = {
    "keywords": [],
    "cooperation_modes": [],
    "industries": [],
    "disciplines": [],
    "intellectual_property": [],
    "awards": [],
    "team": [],
    "indicators": [],
}


@dataclass(frozen=True)
class Kind:
    name: str
    cls: type[Listing]
    every_field: dict[str, Any]
    states: tuple[str, ...]

    @property
    def plural(self) -> str:
        return f"{self.name}s"

    @property
    def url(self) -> str:
        return f"/api/v1/{self.plural}"

    @property
    def enough(self) -> dict[str, Any]:
        """The least that can be published."""
        return {"title": f"某{self.name}", "description": "说明。"}

    def at(self, record: dict[str, Any] | str, *more: str) -> str:
        return "/".join([self.url, record if isinstance(record, str) else record["id"], *more])

    async def post(self, by: Somebody, **fields: Any) -> httpx.Response:
        assert by.organisation is not None
        return await by.post(self.url, {"organisation_id": str(by.organisation.id)} | fields)

    async def draft(self, by: Somebody, **fields: Any) -> dict[str, Any]:
        made = await self.post(by, **(self.enough | fields))
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        return found

    async def published(self, by: Somebody, **fields: Any) -> dict[str, Any]:
        made = await self.draft(by, **fields)
        out = await by.post(self.at(made, "publication"))
        assert out.status_code == 200, out.text
        found: dict[str, Any] = out.json()
        return found

    async def with_secret(
        self, by: Somebody, text: str = "配方：甲 3 份", nda: str | None = None, **fields: Any
    ) -> Any:
        """A published record with a confidential part."""
        made = await self.published(by, **fields)
        put = await by.put(self.at(made, "confidential"), {"text": text, "nda": nda}, headers={"If-Match": '"0"'})
        assert put.status_code == 200, put.text
        return (await by.get(self.at(made))).json()

    async def set_state(self, session: AsyncSession, record: dict[str, Any], state: str) -> None:
        """Bring a published record to any state, whichever way it would have gone."""
        await session.execute(update(Listing).where(Listing.id == record["id"]).values(state=ListingState(state)))
        await session.commit()


ACHIEVEMENT = Kind(
    "achievement",
    Achievement,
    EVERY_FIELD_OF_AN_ACHIEVEMENT,
    ("draft", "in_review", "published", "withdrawn", "expired"),
)
PROBLEM = Kind(
    "problem",
    Problem,
    EVERY_FIELD_OF_A_PROBLEM,
    ("draft", "in_review", "published", "in_talks", "solved", "closed", "expired"),
)
KINDS = (ACHIEVEMENT, PROBLEM)
