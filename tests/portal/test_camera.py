"""Badges that are held before a camera: the browser films the paper that the system prints."""

import io
import random
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps
from playwright.sync_api import Page, expect, sync_playwright

from marketplace.docking.papers import COLUMNS, HIGH, ROWS, WIDE
from marketplace.kernel import qr
from tests.portal.browsing import (
    CHROMIUM,
    FLAGS,
    PATIENCE,
    PHONE,
    Complaints,
    Site,
    needs_chromium,
    sign_in,
)

pytestmark = [
    needs_chromium,
    pytest.mark.skipif(which("pdftoppm") is None, reason="there is no pdftoppm: apt-get install poppler-utils"),
]
PICTURE = (640, 480)
A_SECOND = 10
DOTS = 300
# Whatever is said at the door, in its order: what is read between two looks of the test is not missed.
LISTEN = """() => {
  window.heard = [];
  const said = document.querySelector("[data-after=said]");
  new MutationObserver(() => window.heard.push([said.querySelector("strong").textContent, said.textContent]))
    .observe(said, { childList: true });
}"""


def printed(pdf: bytes, number: int) -> Image.Image:
    """The badge with this number on the first page, as a printer prints it."""
    done = subprocess.run(["pdftoppm", "-r", str(DOTS), "-png", "-f", "1", "-l", "1", "-"], input=pdf, capture_output=True, check=True)  # fmt: skip
    page = Image.open(io.BytesIO(done.stdout)).convert("L")
    wide, high = WIDE * DOTS / 72, HIGH * DOTS / 72
    left, top = (page.width - COLUMNS * wide) / 2, (page.height - ROWS * high) / 2
    x, y = left + number % COLUMNS * wide, top + number // COLUMNS * high
    return page.crop((round(x), round(y), round(x + wide), round(y + high)))


def drawn(text: str) -> Image.Image:
    """A code that somebody else made."""
    code, module = qr.code(text), 12
    made = Image.new("L", (code.side * module,) * 2, 255)
    draw = ImageDraw.Draw(made)
    for row, column, many in code.dark:
        x, y = (column + qr.QUIET) * module, (row + qr.QUIET) * module
        draw.rectangle((x, y, x + many * module - 1, y + module - 1), fill=0)
    return made


def filmed(paper: Image.Image, chance: random.Random) -> Image.Image:
    """One picture of a hand that holds the paper: turned, unsteady, a little out of focus, in poor light."""
    size = chance.uniform(0.86, 0.94) * min(PICTURE[0] / paper.width, PICTURE[1] / paper.height)
    held = paper.resize((round(paper.width * size), round(paper.height * size)), Image.Resampling.LANCZOS)
    turned = held.rotate(chance.uniform(-9, 9), Image.Resampling.BICUBIC, expand=True, fillcolor=70)
    made = Image.new("L", PICTURE, 70)
    x, y = ((whole - part) // 2 + chance.randint(-12, 12) for whole, part in zip(PICTURE, turned.size, strict=True))
    made.paste(turned, (x, y))
    dim = ImageOps.colorize(made, (25, 25, 25), (205, 205, 205)).convert("L")
    return ImageChops.add(dim.filter(ImageFilter.GaussianBlur(0.8)), Image.effect_noise(PICTURE, 9), offset=-128)


def film(path: Path, papers: Iterable[Image.Image], *, between: int) -> Path:
    """Each paper for two seconds, and nothing for so many pictures after it; Chromium begins anew at the end."""
    chance = random.Random(20)
    empty = Image.new("L", PICTURE, 70)
    grey = bytes([128]) * (PICTURE[0] * PICTURE[1] // 2)
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{PICTURE[0]} H{PICTURE[1]} F{A_SECOND}:1 Ip A1:1 C420jpeg\n".encode())
        for paper in papers:
            pictures = [filmed(paper, chance) for _ in range(2 * A_SECOND)]
            for picture in pictures + [empty] * between:
                out.write(b"FRAME\n" + picture.tobytes() + grey)
    return path


@contextmanager
def browsing(site: Site, *flags: str) -> Iterator[Page]:
    """A phone at the door of the bank's event, whose browser has these flags; nothing was complained of."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=[*FLAGS, *flags])
        context = browser.new_context(base_url=site.url, viewport=PHONE, locale="zh-CN")
        context.set_default_timeout(PATIENCE)
        complaints = Complaints(context)
        page = context.new_page()
        sign_in(page, site, "organizer@duijie.example")
        page.goto("/events?q=银企")
        page.locator(".card a").first.click()
        page.get_by_role("link", name="活动管理台").click()
        page.get_by_role("link", name="签到", exact=True).click()
        page.wait_for_url("**/desk/door")
        yield page
        browser.close()
        assert complaints.heard == []


@pytest.fixture
def before_camera(site, tmp_path) -> Callable[..., Iterator[Page]]:
    """The door with a camera that sees these papers, over and over."""

    @contextmanager
    def look(papers: Iterable[Image.Image], between: int) -> Iterator[Page]:
        seen = film(tmp_path / "film.y4m", papers, between=between)
        flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={seen}")  # fmt: skip
        with browsing(site, *flags) as page:
            page.evaluate(LISTEN)
            page.get_by_role("button", name="用摄像头扫码").click()
            yield page

    return look


@pytest.fixture(scope="module")
def sheet(site) -> bytes:
    """The sheet of badges of the event, as its desk prints it."""
    with browsing(site) as page:
        event = page.url.split("/events/")[1].split("/")[0]
        answer = page.request.get(f"/api/v1/events/{event}/badges.pdf")
        assert answer.ok
        return answer.body()


def until(page: Page, what: str, of: int) -> list[tuple[str, str]]:
    """What was said at the door, and of whom, until this was said of so many."""
    said = "([what, of]) => new Set(window.heard.filter(([, told]) => told.includes(what)).map(([name]) => name)).size >= of"
    page.wait_for_function(said, arg=[what, of], timeout=3 * PATIENCE)
    return [(name, told) for name, told in page.evaluate("window.heard")]


def test_badges_before_the_camera_let_each_in_once(before_camera, sheet):
    with before_camera([printed(sheet, 0), printed(sheet, 1)], between=8) as page:
        heard = until(page, "此前已", 2)
        welcomed = [name for name, told in heard if "签到成功" in told]
        assert len(welcomed) == len(set(welcomed)) == 2, heard
        assert {name for name, _ in heard} == set(welcomed), "nobody else was let in, and nobody refused"
        expect(page.get_by_label("扫描或输入参会证的码")).to_have_value("")
        expect(page.get_by_role("button", name="用摄像头扫码")).to_have_attribute("aria-pressed", "true")
        event = page.url.split("/events/")[1].split("/")[0]
        came = page.request.get(f"/api/v1/events/{event}/check-ins?limit=100").json()["items"]
        assert sorted(one["name"] for one in came if one["door"] == "入口") == sorted(welcomed)


def test_a_code_of_somebody_else_lets_nobody_in(before_camera, site):
    with before_camera([drawn("https://tickets.example/entry?" + "one-more-parameter&" * 6)], between=25) as page:
        before = page.locator("[data-after=presence]").inner_text()
        heard = until(page, "无法识别此码", 1)
        assert all(name == "不能进入" and "服务台" in told for name, told in heard)
        assert page.locator("[data-after=presence]").inner_text() == before


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--use-fake-device-for-media-stream",), "未允许使用摄像头"),
        (("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=0"), "没有找到摄像头"),
    ],
    ids=["not allowed", "none there"],
)
def test_without_a_camera_the_page_says_so_and_people_come_in_by_name(site, flags, told):
    with browsing(site, *flags) as page:
        page.get_by_role("button", name="用摄像头扫码").click()
        expect(page.get_by_text(told)).to_be_visible()
        expect(page.locator("video")).to_be_hidden()
        page.get_by_label("姓名、单位、邮箱").fill("宋远航")
        page.get_by_role("button", name="查找").click()
        page.locator(".rows").get_by_role("button", name="签到").click()
        expect(page.locator(".came")).to_contain_text("宋远航")
