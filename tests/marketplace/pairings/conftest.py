"""A small market whose ranking is loaded when a test asks for it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from marketplace.pairings.engine import Engine


@pytest.fixture
def rank(app, client) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Read the ranking as the records stand now, and answer one page of it."""

    async def ranked(url: str, who=client, **params: Any) -> dict[str, Any]:
        await app.state.engine.load()
        answer = await who.get(url, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ranked


@pytest.fixture
def engine(app) -> Engine:
    return app.state.engine


def added_up(item: dict[str, Any]) -> float:
    """What the listed parts of one pairing come to."""
    reasons = item["reasons"]
    return (
        sum(term["contribution"] for term in reasons["terms"])
        + reasons["other"]["contribution"]
        + sum(signal["contribution"] for signal in reasons["signals"])
    )
