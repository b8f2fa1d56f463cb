"""Visitors with a browser: they carry a cookie, send their origin and want HTML."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from marketplace.identity import tokens
from tests.given.people import Somebody
from tests.marketplace.docking.conftest import place, solved_here  # noqa: F401 -- fixtures
from tests.portal.browsing import chromium, site, visit  # noqa: F401 -- fixtures
from tests.portal.reader import Page

ORIGIN = "http://test"


class Visitor:
    """Somebody (or nobody) at a browser."""

    def __init__(self, client: httpx.AsyncClient, who: Somebody | None = None, language: str = "zh") -> None:
        self.client, self.who = client, who
        self.headers = {
            "Accept": "text/html,application/xhtml+xml",
            "Accept-Language": "zh-CN" if language == "zh" else "en-GB",
        }
        if who is not None:
            self.headers["Cookie"] = f"{tokens.COOKIE}={who.token}"

    async def get(self, url: str, **more: Any) -> httpx.Response:
        return await self.client.get(url, headers=self.headers | more.pop("headers", {}), **more)

    async def post(self, url: str, data: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        headers = self.headers | {"Origin": ORIGIN} | more.pop("headers", {})
        return await self.client.post(url, data=data or {}, headers=headers, **more)

    async def page(self, url: str, status: int = 200, **more: Any) -> Page:
        answer = await self.get(url, **more)
        assert answer.status_code == status, (url, answer.status_code, answer.text[:2000])
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return Page(answer.text)

    async def sent(self, url: str, data: Mapping[str, Any] | None = None, status: int = 303, **more: Any) -> str:
        """Post a form; answers where it leads, or the page that came back."""
        answer = await self.post(url, data, **more)
        assert answer.status_code == status, (url, answer.status_code, answer.text[:3000])
        return answer.headers["location"] if status == 303 else answer.text

    async def again(self, url: str, data: Mapping[str, Any], status: int = 422) -> Page:
        """Post a form that comes back, filled."""
        return Page(await self.sent(url, data, status))


@pytest.fixture
def visitor(client):
    def made(who: Somebody | None = None, language: str = "zh") -> Visitor:
        return Visitor(client, who, language)

    return made


@pytest.fixture
def anybody(visitor) -> Visitor:
    return visitor()


@pytest.fixture
async def ranking(app):
    """Bring the ranking up to what is published now."""
    return app.state.engine.load
