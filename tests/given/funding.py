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

_ONE = f"{CALLS}/{{call_id}}"
_LISTED = {
    "q": "模具", "kind": "grant", "region": "220104", "industry": "C", "open": "true",
    "organisation": "{organisation_id}", "state": "published", "bookmarked": "false", "mine": "false",
}  # fmt: skip
_RANKED = {"query": {"kind": "grant", "eligible": "true", "limit": "5"}}
# What `tests.given.operations` sends to the operations of funding.
OF_FUNDING: dict[str, dict[str, Any]] = {
    f"GET {CALLS}": {"query": _LISTED | {"limit": "5"}},
    f"GET {CALLS}.xlsx": {"query": _LISTED},
    f"GET {CALLS}.csv": {"query": _LISTED},
    f"POST {CALLS}": {"json": EVERY_FIELD_OF_A_CALL | {"organisation_id": "{organisation_id}"}},
    f"GET {_ONE}": {},
    f"PATCH {_ONE}": {"json": EVERY_FIELD_OF_A_CALL},
    f"POST {_ONE}/publication": {},
    f"POST {_ONE}/closing": {},
    f"POST {_ONE}/withdrawal": {},
    f"GET {_ONE}/changes": {"query": {"limit": "5"}},
    f"GET {_ONE}/deadline.ics": {},
    f"PUT {_ONE}/bookmark": {"json": {"days_before": 3, "changes": True}},
    f"DELETE {_ONE}/bookmark": {},
    "GET /api/v1/problems/{listing_id}/funding": _RANKED,
    "GET /api/v1/achievements/{listing_id}/funding": _RANKED,
    "POST /api/v1/funding-matches": {
        "json": {
            "text": "热锻模具表面强化", "side": "problem", "region": "220100", "industry": "3393", "discipline": "430",
            "trl": 6, "organisation_kind": "enterprise", "kind": ["grant"], "eligible": True, "limit": 5,
        }
    },
}  # fmt: skip


async def a_call(
    session: AsyncSession, at: Organisation, *, state: FundingState = FundingState.PUBLISHED, **fields: Any
) -> FundingCall:
    """A call that closes in thirty days, with the fields that are named changed."""
    published = None if state is FundingState.DRAFT else clock.now()
    body = FundingBody.model_validate(PLAIN | {"closes_at": day(30)} | fields)
    made = await calls.put(session, at.id, body, by=None, state=state, published_at=published)
    await session.commit()
    return made
