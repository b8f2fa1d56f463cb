"""What people write is shown, never run."""

import pytest

from marketplace.portal import say
from tests.portal.reader import Page, audit

NASTY = "<script>alert(1)</script>\"'&lt;{{7*7}}<img src=x onerror=alert(1)>"


@pytest.fixture
async def nasty(given, ranking):
    university = await given.university()
    enterprise = await given.enterprise()
    indicator = {"name": NASTY, "operator": ">=", "value": NASTY, "unit": NASTY[:40]}
    problem = await given.problem(
        enterprise,
        title=NASTY,
        description=f"{NASTY} 固态电解质",
        background=NASTY,
        tried=NASTY,
        solver_conditions=NASTY,
        keywords=["<b>词</b>\"'"],
        indicators=[indicator],
        contact={"name": NASTY, "phone": "<1>"},
    )
    achievement = await given.achievement(
        university,
        title=NASTY,
        summary=NASTY,
        description=f"{NASTY} 固态电解质",
        awards=[NASTY],
        team=[{"name": NASTY, "role": NASTY}],
        intellectual_property=[{"kind": "know_how", "number": "<i>", "status": "granted", "holder": NASTY}],
    )
    await ranking()
    return enterprise, university, problem["id"], achievement["id"]


async def test_pages_show_markup_and_never_run_it(nasty, visitor):
    enterprise, university, problem, achievement = nasty
    for who, url in (
        (None, "/"),
        (None, "/problems"),
        (None, "/achievements"),
        (None, f"/problems/{problem}"),
        (None, f"/achievements/{achievement}"),
        (None, f"/problems/{problem}/pairings/{achievement}"),
        (enterprise, "/desk"),
        (enterprise, f"/desk/problems/{problem}"),
        (enterprise, f"/desk/problems/{problem}/readers"),
        (university, f"/desk/achievements/{achievement}"),
    ):
        page = await visitor(who).page(url)
        assert audit(page) == [], url
        assert "<script>alert" not in page.html, url
        assert "{{7*7}}" in page.html or "7*7" not in page.html, url
        assert not [node for node in page.all("img") if node.attrs.get("src") == "x"], url


async def test_a_text_is_matched_and_never_run(nasty, anybody):
    page = Page(await anybody.sent("/match", {"text": f"{NASTY} 固态电解质"}, 200))
    assert audit(page) == []
    assert page.field("text").startswith(NASTY)


async def test_what_was_typed_comes_back_as_it_was(nasty, visitor):
    enterprise, *_ = nasty
    typed = {"title": NASTY, "description": NASTY, "deadline": NASTY, "industry": NASTY}
    typed["organisation_id"] = str(enterprise.organisation.id)
    page = await visitor(enterprise).again("/desk/problems/new", typed)
    assert audit(page) == []
    for name in ("title", "description", "deadline", "industry"):
        assert page.field(name) == NASTY


async def test_addresses_are_written_safely(anybody, visitor):
    page = await anybody.page(f"/problems?q={'%22%3E%3Cscript%3E'}")
    assert audit(page) == []
    assert page.field("q") == '"><script>'
    page = await visitor().page("/sign-in?next=/x%22%3E%3Cscript%3E")
    assert audit(page) == []
    page = await visitor().page("/join?token=%22%3E%3Cscript%3E")
    assert audit(page) == []


async def test_only_words_of_ours_are_said_above_a_page(anybody):
    page = await anybody.page("/?said=You+have+been+hacked")
    assert "hacked" not in page.text
    assert not page.all("p", role="status")


def test_marks_are_put_around_characters_whatever_they_are():
    shown = say.marked("<b>&𠮷熔覆</b>", [(4, 5), (5, 7)])
    assert str(shown) == "&lt;b&gt;&amp;<mark>𠮷</mark><mark>熔覆</mark>&lt;/b&gt;"
    assert str(say.marked("<a>", [(0, 1)])) == "<mark>&lt;</mark>a&gt;"
    assert str(say.marked("abc", [(2, 9), (1, 2), (0, 2)])) == "<mark>ab</mark>c"
    assert str(say.marked("abc", [])) == "abc"


async def test_the_rules_of_the_browser_forbid_what_is_not_ours(anybody):
    policy = (await anybody.get("/")).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
