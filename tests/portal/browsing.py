"""What the tests in a real browser share: Debian's Chromium, and a market with the sample data on a real server."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from marketplace import demo, demo_meetings
from marketplace.app import create_app
from marketplace.kernel import facts
from marketplace.kernel.db import Database
from marketplace.sample import PASSWORD_FILE
from marketplace.settings import Settings
from marketplace.wiring import LISTENERS, WITHIN
from tests.conftest import Clones

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)

needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt-get install chromium")


@dataclass
class Site:
    url: str
    password: str
    database: str


class _Server:
    """Runs in a thread of its own, with its own event loop, so that the browser's calls may block."""

    def __init__(self, clones: Clones, settings: Settings) -> None:
        self._clones, self._settings = clones, settings
        self._server: uvicorn.Server | None = None
        self.ready = threading.Event()
        self.site: Site | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._on_a_clone())
        finally:
            self.ready.set()

    async def _on_a_clone(self) -> None:
        url = await self._clones.make()
        database = Database(url, pool_size=5)
        try:
            await demo.load(self._settings, database)
            facts.listen(LISTENERS, WITHIN)
            planned = [row for row in demo.rows("events") if row["external_id"] == "S-E004"]
            await demo_meetings.load(self._settings, database, planned)
            await self._serve(create_app(self._settings, database), url)
        finally:
            await database.close()
            await self._clones.drop(url)

    async def _serve(self, app: FastAPI, database: str) -> None:
        here = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
        serving = asyncio.create_task(self._server.serve(sockets=[here]))
        await app.state.engine.load()
        password = (self._settings.home / PASSWORD_FILE).read_text(encoding="utf-8")
        self.site = Site(f"http://127.0.0.1:{here.getsockname()[1]}", password, database)
        self.ready.set()
        await serving

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True


@pytest.fixture(scope="module")
def site(clones, tmp_path_factory) -> Iterator[Site]:
    """A market with the sample data, served as an operator would serve it."""
    settings = Settings(
        home=tmp_path_factory.mktemp("site"),
        secret="a secret for tests only, thirty-two or more",
        requests_per_minute=10**9,
        matches_per_minute=10**9,
    )
    server = _Server(clones, settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.ready.wait(120)
    assert server.site is not None
    yield server.site
    server.stop()
    thread.join(20)


class Complaints:
    """What the browser complained of: scripts that failed, and what the content security policy refused."""

    def __init__(self, context: BrowserContext) -> None:
        self.heard: list[str] = []
        context.on("console", self._note)
        context.on("weberror", lambda error: self.heard.append(str(error.error)))

    def _note(self, message: ConsoleMessage) -> None:
        # Chromium notes every 4xx answer; that a refused form is answered with one is ours to test, not a fault.
        if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
            self.heard.append(f"{message.type}: {message.text}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, site) -> Iterator[Callable[..., Page]]:
    """Open a page as somebody with this screen and language; at the end nothing was complained of."""
    opened: list[tuple[BrowserContext, Complaints]] = []

    def open_page(path: str = "/", *, viewport=DESK, locale="zh-CN", **more) -> Page:
        context = chromium.new_context(base_url=site.url, viewport=viewport, locale=locale, **more)
        context.set_default_timeout(PATIENCE)
        opened.append((context, Complaints(context)))
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context, complaints in opened:
        context.close()
        assert complaints.heard == []


def sign_in(page: Page, site: Site, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("邮箱").fill(email)
    page.get_by_label("密码").fill(site.password)
    page.get_by_role("main").get_by_role("button", name="登录").click()
    page.wait_for_url("**/desk*")
