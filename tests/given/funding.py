"""Funding calls to begin with, writing out only what matters."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.funding import calls
from marketplace.funding.models import FundingCall
from marketplace.identity.models import Organisation
from marketplace.kernel import clock
from schemas.funding import FundingBody, FundingState
from tests.given.kinds import ODD
from tests.given.labs import day

CALLS = "/api/v1/funding-calls"

PLAIN: dict[str, Any] = {
    "kind": "grant",
    "title": "锻造模具延寿技术资助",
    "summary": "支持热锻模具表面强化、激光熔覆与渗氮。",
    "how_to_apply": "网上填报。",
}

EVERY_FIELD_OF_A_CALL: dict[str, Any] = {
    "kind": "bounty",
    "title": f"固态电解质揭榜 {ODD}",
    "title_en": "Solid electrolytes: an open bounty",
    "summary": f"界面阻抗。{ODD}",
    "description": f"第一段 {ODD}\n\n第二段。",
    "keywords": ["固态电解质", "界面"],
    "industries": ["C", "3841"],
    "disciplines": ["430"],
    "amount_low": "100000.00",
    "amount_high": "500000.50",
    "total_amount": "3000000.00",
    "opens_at": "2026-01-01T00:00:00Z",
    "closes_at": "2199-06-30T16:00:00Z",
    "how_to_apply": f"网上填报。\n{ODD}",
    "apply_url": "https://apply.example/calls?id=7",
    "documents": ["申报书", "自筹承诺书"],
    "contact": {"name": "李某", "phone": "+86 431 8888 0000", "email": "li@test.example"},
    "eligibility": {
        "applicant_kinds": ["enterprise", "university"],
        "applicant_regions": ["220000", "210100"],
        "project_regions": ["220104"],
        "industries": ["C", "38"],
        "disciplines": ["430"],
        "trl_from": 4,
        "trl_to": 8,
        "verified": True,
        "joint": True,
        "not_publicly_funded": True,
        "own_share": 50,
        "conditions": [f"近三年无不良记录 {ODD}", "项目期不超过两年"],
    },
}


async def a_call(
    session: AsyncSession, at: Organisation, *, state: FundingState = FundingState.PUBLISHED, **fields: Any
) -> FundingCall:
    """A call that closes in thirty days, with the fields that are named changed."""
    published = None if state is FundingState.DRAFT else clock.now()
    body = FundingBody.model_validate(PLAIN | {"closes_at": day(30)} | fields)
    made = await calls.put(session, at.id, body, by=None, state=state, published_at=published)
    await session.commit()
    return made
