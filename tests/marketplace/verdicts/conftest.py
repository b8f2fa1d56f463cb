"""A problem and an achievement that share a word too many."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.given import listings
from tests.marketplace.pairings.conftest import given_there, standing

__all__ = ["given_there", "standing"]

NEED = {
    "title": "轴承钢疲劳裂纹的无损检测",
    "description": "需要对轴承钢套圈的疲劳裂纹做在线无损检测。",
    "industries": ["3451"],
    "region": "220100",
}
FITS = {"title": "轴承钢疲劳裂纹的涡流无损检测", "description": "轴承钢套圈在线涡流检测装置。", "region": "220100"}
MISLED = {"title": "水果糖度无损检测", "description": "苹果糖度近红外无损检测。", "region": "620100"}
APART = {"title": "人参皂苷低温提取", "description": "逆流提取人参皂苷。"}


@pytest.fixture
async def market(given, session, app):
    university, enterprise = await given.university(), await given.enterprise()
    fits, misled, apart = await listings.achievements(session, university.organisation, FITS, MISLED, APART)
    (need,) = await listings.problems(session, enterprise.organisation, NEED)
    await app.state.engine.load()
    return university, enterprise, need, fits, misled, apart


@pytest.fixture
def say() -> Callable[..., Awaitable[Any]]:
    async def said(who, listing, other, version=0, **body):
        kind = "problems" if listing.kind == "problem" else "achievements"
        at = f"/api/v1/{kind}/{listing.id}/pairings/{other.id}/verdict"
        return await who.put(at, body, headers={"If-Match": f'"{version}"'})

    return said
