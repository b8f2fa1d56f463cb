"""Badges, the sheet to sign and the workbook: who is on them, who may have them, and that nothing typed is run."""

import io

import pytest
from python_calamine import CalamineWorkbook

from marketplace.docking import papers, roster
from schemas.identity import Role
from tests.given.docking import EVENTS, REGISTRATIONS, an_event, registered
from tests.given.kinds import ODD
from tests.given.pdf import drawn_in, written

QUESTIONS = [{"text": "=1+1", "kind": "number"}, {"text": "接站？", "kind": "yes_no"}]


@pytest.fixture
async def event(organizer, firm, other_firm, given, session):
    """Two people of a firm who are confirmed, one of another who waits for the desk."""
    made = await an_event(session, organizer.organisation, needs_approval=True, questions=QUESTIONS)
    asked = (await firm.get(f"{EVENTS}/{made.id}")).json()["questions"]
    answers = [{"question_id": asked[0]["id"], "number": 7}, {"question_id": asked[1]["id"], "yes": False}]
    people = [
        {"name": "王工", "email": firm.email, "job": "总工", "languages": ["zh", "en"]},
        {"name": f"=HYPERLINK(1) <b>{ODD}", "email": "odd@test.example", "job": "职" * 90},
    ]
    came = await registered(firm, made, people=people, answers=answers, wanted="@见专家", accessibility="轮椅通道。")
    assert (await organizer.post(f"{REGISTRATIONS}/{came['id']}/approval", {})).status_code == 200
    await registered(other_firm, made)
    return made


async def test_the_workbook_holds_everything_that_was_said_and_runs_nothing(organizer, event, firm, given):
    answer = await organizer.get(f"{EVENTS}/{event.id}/participants.xlsx")
    assert "%E5%8F%82%E4%BC%9A%E5%90%8D%E5%8D%95.xlsx" in answer.headers["content-disposition"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    _, head, *rows = book.get_sheet_by_name("名单").to_python()
    assert len(rows) == 2
    first = dict(zip(head, rows[0], strict=True))
    assert first["姓名 · name"] == "王工"
    assert first["单位 · organisation"] == firm.organisation.name
    assert first["语言 · languages"] == "中文、英语"
    assert (first["希望见到 · hopes for"], first["'=1+1"], first["接站？"]) == ("'@见专家", 7, "否 · no")
    assert rows[1][1].startswith("'=HYPERLINK(1) <b>")
    assert [row[:3] for row in book.get_sheet_by_name("名额").to_python()][2:] == [
        ["高校院所 · university or institute", "", 0],
        ["企业 · enterprise", "", 2],
    ]
    asked = (await organizer.get(f"{EVENTS}/{event.id}/participants.xlsx", params={"state": "requested"})).content
    assert len(CalamineWorkbook.from_filelike(io.BytesIO(asked)).get_sheet_by_name("名单").to_python()) == 3


async def test_badges_and_the_sheet_show_who_is_confirmed(organizer, event, firm, session):
    for name in ("badges.pdf", "participants.pdf"):
        answer = await organizer.get(f"{EVENTS}/{event.id}/{name}")
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")
        drawn = drawn_in(answer.content)
        assert written("王工") in drawn, name
        assert written("某人") not in drawn, name
        # Asked again, the same file.
        assert (await organizer.get(f"{EVENTS}/{event.id}/{name}")).content == answer.content
    nobody = await organizer.get(f"{EVENTS}/{event.id}/badges.pdf", params={"kind": "academic"})
    assert written("王工") not in drawn_in(nobody.content)
    assert b"/Count 1" in nobody.content


async def test_ones_own_badges_are_ones_own_and_a_new_badge_is_another(organizer, event, firm, other_firm, given):
    [mine] = (await firm.get(REGISTRATIONS)).json()["items"]
    [waits] = (await other_firm.get(REGISTRATIONS)).json()["items"]
    url = f"{REGISTRATIONS}/{mine['id']}/badges.pdf"
    before = (await firm.get(url)).content
    assert written("王工") in drawn_in(before)
    assert (await organizer.get(url)).content == before
    assert (await other_firm.get(url)).status_code == 404
    assert (await (await given.person(Role.AUDITOR)).get(url)).status_code == 403
    assert (await other_firm.get(f"{REGISTRATIONS}/{waits['id']}/badges.pdf")).status_code == 409
    await firm.post(f"{REGISTRATIONS}/{mine['id']}/people/{mine['people'][0]['id']}/badge")
    assert (await firm.get(url)).content != before


async def test_more_people_than_a_file_holds_are_refused(organizer, event, monkeypatch):
    monkeypatch.setattr(roster, "MOST_PEOPLE", 1)
    answer = await organizer.get(f"{EVENTS}/{event.id}/badges.pdf")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "too-many-for-one-file")
    assert (await organizer.get(f"{EVENTS}/{event.id}/badges.pdf", params={"kind": "academic"})).status_code == 200


def test_what_is_too_long_for_its_place_is_cut_and_says_so():
    papers.ready()
    text, size = papers._fitting("很长的名字" * 20, 24, 100)
    assert (text[-1], size) == ("…", 7)
    assert papers._fitting("短", 24, 100) == ("短", 24)
    lines = papers._lines("单位名称" * 30, 9, 90, 2)
    assert len(lines) == 2
    assert lines[1].endswith("…")
