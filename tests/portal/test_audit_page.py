"""The page of what was done: narrowed by an address or a code, followed from who to what, and taken along as a file."""

from schemas.identity import Role
from tests.given.kinds import PROBLEM

PAGE = "/platform/facts"


async def test_what_somebody_did_is_found_by_their_address_and_what_befell_an_organisation_by_its_code(given, visitor):
    firm, other = await given.enterprise(), await given.enterprise()
    made = await PROBLEM.published(firm)
    await PROBLEM.draft(other)
    auditor = visitor(await given.person(Role.AUDITOR))
    whole = await auditor.page(PAGE)
    assert whole.text.count("记录起草") >= 2
    by = await auditor.page(f"{PAGE}?by={firm.email}")
    assert by.all("a", href=f"/problems/{made['id']}")
    assert len([one for one in by.all("li") if "记录起草" in one.text]) == 1
    at = await auditor.page(f"{PAGE}?organisation={other.organisation.uscc}")
    assert not at.all("a", href=f"/problems/{made['id']}")
    assert len([one for one in at.all("li") if "记录起草" in one.text]) == 1
    for one in by.all("a", download=""):
        taken = await auditor.get(one.attrs["href"])
        assert taken.status_code == 200
    assert made["id"] in taken.text
    assert str(other.id) not in taken.text


async def test_what_is_typed_wrong_is_told_and_kept(given, visitor):
    auditor = visitor(await given.person(Role.AUDITOR))
    page = await auditor.page(f"{PAGE}?by=nobody@test.example&record=x&since=yesterday", 422)
    assert "找不到这个邮箱" in page.text
    assert page.one("input", id="by").attrs["value"] == "nobody@test.example"
    assert page.one("input", id="record").attrs["value"] == "x"
    assert "没有符合条件" in page.text


async def test_others_are_told_whom_it_is_for(given, visitor):
    page = await visitor(await given.university()).page(PAGE, 403)
    assert "只给平台管理员和审计员" in page.text
    assert (await visitor().get(PAGE)).status_code in {303, 401}
