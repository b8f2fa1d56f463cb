"""Experts to begin with, writing out only what matters."""

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts import experts, publication
from marketplace.experts.models import Expert
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from schemas.experts import ExpertBody
from tests.given.kinds import ODD
from tests.given.people import Somebody

URL = "/api/v1/experts"
EVIDENCE = "本人签署的同意书，存人事处"
EVERY_FIELD_OF_AN_EXPERT: dict[str, Any] = {
    "name": f"虚构甲 {ODD}",
    "academic_title": "教授",
    "position": "研究所副所长",
    "unit": f"材料学院 {ODD}",
    "focus": f"热锻模具表面强化 {ODD}",
    "description": f"第一段 {ODD}\n\n第二段。",
    "keywords": ["激光熔覆", "热疲劳"],
    "disciplines": ["43020", "430", "460"],
    "industries": ["3612", "C", "36"],
    "region": "220104",
    "services": ["residency", "consulting"],
    "talks": 3,
    "achievement_ids": ["{own_achievement}"],
    "homepage": "https://www.example.edu.cn/~a?x=1",
    "contact": {"name": "技术转移办公室", "phone": "+86 431 8888 0000", "email": "office@test.example"},
}
ENOUGH: dict[str, Any] = {
    "name": "虚构甲",
    "focus": "固态电解质界面",
    "description": "研究固态电解质薄膜与电极的界面阻抗。",
}

_ONE = f"{URL}/{{expert_id}}"
_LISTED = {
    "q": "激光熔覆", "region": "220000", "industry": "C", "discipline": "430", "service": "residency",
    "organisation": "{organisation_id}", "state": "published", "mine": "false",
}  # fmt: skip
_RANKED = {"region": "220000", "industry": "C", "discipline": "430", "service": "residency", "limit": "5"}
_WISH = {"region": ["220000"], "industry": ["C"], "discipline": ["430"], "service": ["residency"]}

OF_EXPERTS: dict[str, dict[str, Any]] = {
    f"GET {URL}": {"query": _LISTED | {"limit": "5"}},
    f"GET {URL}.xlsx": {"query": _LISTED},
    f"GET {URL}.csv": {"query": _LISTED},
    f"POST {URL}": {"json": EVERY_FIELD_OF_AN_EXPERT | {"organisation_id": "{organisation_id}"}},
    f"GET {_ONE}": {},
    # The name stays: consent was given under it.
    f"PATCH {_ONE}": {"json": EVERY_FIELD_OF_AN_EXPERT | {"name": ENOUGH["name"]}},
    f"DELETE {_ONE}": {},
    f"POST {_ONE}/consent": {"json": {"evidence": EVIDENCE}},
    f"DELETE {_ONE}/consent": {},
    f"POST {_ONE}/publication": {},
    f"POST {_ONE}/withdrawal": {},
    f"POST {_ONE}/confirmation": {},
    "GET /api/v1/problems/{listing_id}/experts": {"query": _RANKED},
    "GET /api/v1/achievements/{listing_id}/experts": {"query": _RANKED},
    "POST /api/v1/expert-matches": {"json": {"text": "固态电解质", "limit": 5, "filters": _WISH}},
}
"""What ``operations.Example`` is made of, by operation."""


async def an_expert(
    session: AsyncSession, at: Organisation, *, by: Somebody, shown: bool = True, **fields: Any
) -> Expert:
    """An expert whom everybody may see, with consent; or a draft without any."""
    made = await experts.put(session, at.id, ExpertBody.model_validate(ENOUGH | fields), by=by.id)
    if shown:
        made.consented_at, made.consented_by, made.consent_evidence = clock.now(), by.id, EVIDENCE
        await publication.open_up(session, made, fresh_for=timedelta(days=180), by=None)
        made.version = 1
    await session.commit()
    return made


async def drafted(by: Somebody, **fields: Any) -> dict[str, Any]:
    """A draft, made over HTTP."""
    assert by.organisation is not None
    made = await by.post(URL, ENOUGH | {"organisation_id": str(by.organisation.id)} | fields)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def published(by: Somebody, **fields: Any) -> dict[str, Any]:
    """The same with consent, shown to everybody."""
    at = f"{URL}/{(await drafted(by, **fields))['id']}"
    for step, body in (("consent", {"evidence": EVIDENCE}), ("publication", None)):
        answer = await by.post(f"{at}/{step}", body)
        assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
