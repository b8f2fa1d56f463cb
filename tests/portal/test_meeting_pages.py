"""Whom to meet, when and where, and what came of it, with a browser: both sides and the desk."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from marketplace.docking import planning, proposing
from marketplace.docking.meeting_models import Meeting, Schedule
from marketplace.kernel import clock
from marketplace.kernel.language import SEPARATOR
from marketplace.kernel.operations import Operation
from schemas.events import EventState
from schemas.identity import Role
from schemas.wishes import WishTerms
from tests.given.calendars import calendar_entries
from tests.given.docking import an_event, registered
from tests.marketplace.docking.conftest import consistent, enters
from tests.portal.reader import audit

pytestmark = pytest.mark.usefixtures("solved_here")


@pytest.fixture
async def organizer(given):
    return await given.person(Role.ORGANIZER, await given.organisation())


@pytest.fixture
async def sides(given):
    """Two firms and a university."""
    return await given.enterprise(), await given.university(), await given.enterprise()


def wishes_of(mine) -> str:
    return f"/registrations/{mine['id']}/wishes"


def meetings_of(mine) -> str:
    return f"/registrations/{mine['id']}/meetings"


async def say(visitor, mine, other, answer: str, status: int = 303, **more: str) -> str:
    """Answer on the page as a browser would: with the version that stands beside the buttons."""
    return await visitor.sent(wishes_of(mine), {"other_id": other["id"], "answer": answer} | more, status)


async def whole(visitor, who, *urls: str) -> None:
    """Each page keeps what pages promise, in both languages, and says nothing in the other."""
    for language in ("zh", "en"):
        for url in urls:
            page = await visitor(who, language).page(url)
            assert audit(page) == [], (url, language)
            assert SEPARATOR not in page.text, (url, language)
            assert "None" not in page.text.split(), (url, language)


def versions(page) -> dict[str, str]:
    """By the other side, the version that its form was drawn with."""
    found: dict[str, str] = {}
    for node in page.all("input", name="other_id"):
        form = node.within("form")
        version = [one for one in page.all("input", name="version") if one.within("form") is form]
        found[node.attrs["value"]] = version[0].attrs["value"] if version else ""
    return found


async def test_proposals_are_answered_and_requests_come_first(organizer, sides, given, visitor, session, place):
    firm, university, third = sides
    event = await an_event(session, organizer.organisation, calls_for=["problem", "achievement"], meetings_promised=1)
    problem, achievement = await given.problem(firm), await given.achievement(university)
    mine = await registered(firm, event, records=[problem["id"]], wanted="电解质团队")
    theirs = await registered(university, event, records=[achievement["id"]])
    others = await registered(third, event, shown=False)
    me, them, desk = visitor(firm), visitor(university), visitor(organizer)
    assert "还没有推荐" in (await me.page(wishes_of(mine))).text

    home = f"/events/{event.id}/desk/wishes"
    started = await desk.sent(f"{home}/proposals")
    assert started.startswith(f"{home}?work=")
    work = (await session.scalars(select(Operation).where(Operation.kind == "proposals"))).one()
    under_way = await desk.get(f"{home}/work?work={work.id}", headers={"HX-Request": "true"})
    assert "等待计算" in under_way.text
    assert "hx-redirect" not in under_way.headers
    await proposing.run(place, {"operation_id": str(work.id), "event_id": str(event.id)})
    ended = await desk.get(f"{home}/work?work={work.id}", headers={"HX-Request": "true"})
    assert ended.headers["hx-redirect"] == home
    assert "系统推荐" in (await desk.page(home)).text

    page = await me.page(wishes_of(mine))
    for said in ("系统推荐", problem["title"], achievement["title"], "0 / 10", "我带来的"):
        assert said in page.text
    assert page.all("a", href=f"/problems/{problem['id']}/pairings/{achievement['id']}")
    onward = await say(me, mine, theirs, "must", version=versions(page)[theirs["id"]])
    assert onward == f"{wishes_of(mine)}?said=wished#w-{theirs['id']}"
    page = await me.page(wishes_of(mine))
    assert "1 / 10" in page.text
    assert page.one("button", class_="chosen").attrs["value"] == "must"

    # Whoever is asked sees it first, and once.
    page = await them.page(wishes_of(theirs))
    assert "等您答复（1）" in page.text
    assert "对方必须见您" in page.text
    assert list(versions(page)) == [mine["id"]]
    assert "电解质团队" in (await them.page(f"{wishes_of(theirs)}?show=asked")).text
    stale = await say(them, theirs, mine, "meet", 412, version="1")
    assert "它已被修改" in stale
    await say(them, theirs, mine, "no_thanks", version=versions(page)[mine["id"]])
    # A refusal looks like silence to the other side and to the desk.
    assert versions(await me.page(f"{wishes_of(mine)}?show=no_thanks")) == {}
    assert "1 / 10" in (await me.page(wishes_of(mine))).text
    asked = await desk.page(f"{home}?asked=true")
    assert len(asked.all("article", class_="card")) == 1
    assert not asked.all("span", class_="state s-confirmed")
    page = await them.page(f"{wishes_of(theirs)}?show=no_thanks")
    await say(them, theirs, mine, "meet", version=versions(page)[mine["id"]], show="no_thanks")
    assert "双方都想见" in (await me.page(wishes_of(mine))).text
    page = await me.page(wishes_of(mine))
    back = await say(me, mine, theirs, "", version=versions(page)[theirs["id"]])
    assert "said=wish-back" in back

    await whole(visitor, firm, wishes_of(mine), f"{wishes_of(mine)}?show=people", meetings_of(mine))
    await whole(visitor, organizer, home, started, f"{home}?asked=true")

    # Everybody who lets themselves be shown can be asked; the others cannot be found, nor asked by guessing.
    page = await me.page(f"{wishes_of(mine)}?show=people&q=不存在")
    assert "没有符合的参会者" in page.text
    page = await me.page(f"{wishes_of(mine)}?show=people")
    assert list(versions(page)) == [theirs["id"]]
    assert "对方不参加此活动，或未公开" in await say(me, mine, others, "meet", 422)
    assert "不能约见自己" in await say(me, mine, mine, "meet", 422)
    assert (await me.post(wishes_of(mine), {"other_id": "x", "answer": "meet"})).status_code == 404
    await say(me, mine, theirs, "perhaps", 422)
    await me.page(f"{wishes_of(mine)}?show=people&q={'x' * 300}", 422)

    # The cap, which the desk sets, is told when it is reached.
    terms = (await desk.page(home)).form(f"{home}/terms")
    assert "未答复的约见上限" in (await desk.again(f"{home}/terms", terms | {"outstanding_most": ["0"]})).text
    assert await desk.sent(f"{home}/terms", terms | {"outstanding_most": ["1"]}) == f"{home}?said=terms"
    await desk.again(f"{home}/terms", terms | {"outstanding_most": ["2"]}, 412)
    await say(visitor(third), others, theirs, "meet")
    assert "未获答复的约见太多" in await say(visitor(third), others, mine, "meet", 409)
    assert WishTerms().outstanding_most == 10


async def test_from_a_draft_to_a_table_and_back(organizer, sides, visitor, session, place):
    firm, university, third = sides
    event = await an_event(session, organizer.organisation)
    mine, theirs, others = [await registered(who, event) for who in sides]
    me, them, desk = visitor(firm), visitor(university), visitor(organizer)
    for who, one, other in ((me, mine, theirs), (them, theirs, mine), (visitor(third), others, theirs)):
        await say(who, one, other, "must")
    home = f"/events/{event.id}/desk/timetable"
    assert "报名截止后才能排程" in (await desk.page(home)).text
    await desk.again(home, {"planning": "fixed", "late": "fill", "seconds": "5"}, 409)
    await enters(session, event, EventState.CLOSED)
    sent = (await desk.page(home)).form(home)
    assert (sent["planning"], sent["late"], sent["seconds"]) == (["fixed"], ["leave_out"], ["60"])
    back = await desk.again(home, sent | {"seconds": ["许多"], "name": ["初稿"]})
    assert "计算秒数：" in back.text
    assert back.field("name") == "初稿"

    async def drafted(**more: str) -> str:
        at = (await desk.sent(home, sent | more)).partition("?")[0]
        assert "等待计算" in (await desk.page(at)).text
        again = await desk.again(home, sent, 409)
        assert "已有草案正在计算" in again.text
        assert "hx-redirect" not in (await desk.get(f"{at}/progress", headers={"HX-Request": "1"})).headers
        row = await session.get_one(Schedule, at.rpartition("/")[2])
        await planning.run(place, {"operation_id": str(row.operation_id), "schedule_id": str(row.id)})
        assert (await desk.get(f"{at}/progress", headers={"HX-Request": "1"})).headers["hx-redirect"] == at
        return at

    stopped = (await desk.sent(home, sent)).partition("?")[0]
    assert await desk.sent(f"{stopped}/stop") == f"{stopped}?said=planning-off"
    assert "已取消" in (await desk.page(stopped)).text
    assert "没有计算完成" in (await desk.again(f"{stopped}/publication", {"kind": "final"}, 409)).text
    draft = await drafted(name="初稿")
    page = await desk.page(draft)
    for said in ("每一级目标都已证明最优", "有人提出的约见", "换桌次数"):
        assert said in page.text
    row = await session.get_one(Schedule, draft.rpartition("/")[2], populate_existing=True)
    gap = {"reached": 12, "bound": 9, "status": "gap", "gap": 0.25}
    levels = [one | gap if one["objective"] == "changes" else one for one in row.levels]
    await session.execute(update(Schedule).where(Schedule.id == row.id).values(levels=levels))
    told = (await desk.page(draft)).text
    assert "已证明最优：保底场数、约见价值、空等场次。换桌次数（换房间再计一次）：12，至多还能少 3。" in told
    assert "每一级目标都已证明最优" not in told
    assert "只有一方提出" in (await desk.page(f"{draft}?show=unplaced")).text
    second = await drafted(planning="anew")
    compared = f"{home}/comparison?one={draft.rpartition('/')[2]}&other={second.rpartition('/')[2]}"
    assert "从草案 2 到草案 3" in (await desk.page(compared)).text
    await desk.page(f"{home}/comparison?one=x&other=y", 404)
    assert "还没有公布" in (await me.page(meetings_of(mine))).text

    await desk.again(f"{draft}/publication", {"kind": "perhaps"})
    onward = await desk.sent(f"{draft}/publication", {"kind": "preliminary"})
    plan = f"/events/{event.id}/desk/meetings"
    assert onward == f"{plan}?said=schedule-out"
    assert "当前公布的" in (await desk.page(home)).text
    page = await desk.page(plan)
    (seat,) = [node.attrs["href"] for node in page.all("a") if node.attrs.get("href", "").startswith(f"{plan}/")]
    assert firm.organisation.name in page.one("table").text

    shown = await me.page(meetings_of(mine))
    assert "洽谈厅" in shown.text
    assert university.organisation.name in shown.text
    meeting = seat.rpartition("/")[2]

    async def seat_form(act: str):
        return (await desk.page(seat)).form(f"{seat}/{act}")

    moved = await seat_form("move")
    slots = [
        node.attrs["value"]
        for node in (await desk.page(seat)).all("option")
        if node.within("select").attrs["name"] == "slot_id"
    ]
    tables = [
        node.attrs["value"]
        for node in (await desk.page(seat)).all("option")
        if node.within("select").attrs["name"] == "table_id"
    ]
    assert (
        await desk.sent(f"{seat}/move", moved | {"slot_id": slots[2:], "table_id": tables[1:]})
        == f"{seat}?said=meeting-moved"
    )
    await desk.again(f"{seat}/move", moved, 412)
    assert (
        "没有这个场次" in (await desk.again(f"{seat}/move", await seat_form("move") | {"slot_id": [str(uuid4())]})).text
    )
    assert "2 号桌" in (await me.page(meetings_of(mine))).text

    await whole(visitor, organizer, home, draft, f"{draft}?show=unplaced", compared, stopped, plan, seat)
    await whole(visitor, organizer, f"{plan}?state=planned", f"/events/{event.id}/desk/organizers?q=示例")
    await whole(visitor, firm, meetings_of(mine))

    # On the spot, from a free place of the plan; then the two change places.
    walk_in = (await desk.page(f"{plan}?slot_id={slots[0]}&table_id={tables[0]}")).form(plan)
    assert (walk_in["slot_id"], walk_in["table_id"]) == ([slots[0]], [tables[0]])
    await desk.page(f"{plan}?who={'x' * 300}", 422)
    assert "没有这样的洽谈" in (await desk.page(f"{plan}?state=held")).text
    # Whoever is chosen stays chosen, while the other side is looked for by name.
    looked = await desk.page(f"{plan}?first_id={mine['id']}&second_id={theirs['id']}&who=没有这样的人")
    kept = looked.form(plan)
    assert (kept["first_id"], kept["second_id"]) == ([mine["id"]], [theirs["id"]])
    named = {"first_id": mine["id"], "second_id": theirs["id"]}
    assert "双方已有一场洽谈" in (await desk.again(plan, walk_in | named, 409)).text
    assert "不能约见自己" in (await desk.again(plan, walk_in | {"first_id": mine["id"], "second_id": mine["id"]})).text
    made = (await desk.sent(plan, walk_in | {"first_id": mine["id"], "second_id": others["id"]})).partition("?")[0]
    swap = (await desk.page(made)).form(f"{made}/swap")
    assert swap["other_id"] == [meeting]
    assert "没有可以互换的洽谈" in (await desk.page(f"{made}?with={tables[0]}")).text
    assert await desk.sent(f"{made}/swap", swap) == f"{made}?said=meeting-moved"
    await desk.again(f"{made}/swap", {"other_id": made.rpartition("/")[2]})
    await desk.again(f"{made}/confirmation", {}, 409)
    await consistent(session)

    # A side calls off, with its reason; to others there is no such meeting of that list.
    off = f"{meetings_of(mine)}/{made.rpartition('/')[2]}/cancellation"
    version = (await me.page(meetings_of(mine))).form(off)["version"][0]
    assert (await them.post(off, {"version": version})).status_code == 404
    await me.again(off, {"version": "0"}, 412)
    assert await me.sent(off, {"version": version, "note": "样品没到"}) == f"{meetings_of(mine)}?said=meeting-off"
    assert "样品没到" in (await visitor(third).page(meetings_of(others))).text
    assert "样品没到" in (await desk.page(f"{plan}?state=cancelled")).text
    cancelled = await seat_form("cancellation")
    assert await desk.sent(f"{seat}/cancellation", cancelled | {"note": ["停电"]}) == f"{seat}?said=meeting-off"

    (undo,) = [
        node.attrs["action"] for node in (await desk.page(home)).all("form") if "/undoing" in node.attrs["action"]
    ]
    assert await desk.sent(undo) == f"{home}?said=schedule-back"
    assert "已撤销" in (await desk.page(home)).text
    await desk.again(undo, {}, 409)
    outdated = await desk.again(f"{draft}/publication", {"kind": "final"}, 409)
    assert "请重新排程" in outdated.text

    # What belongs to another event, or to nobody, is not there.
    elsewhere = await an_event(session, organizer.organisation)
    for path in (f"/events/{elsewhere.id}/desk/meetings/{meeting}", draft.replace(str(event.id), str(elsewhere.id))):
        await desk.page(path, 404)
    for act in ("move", "swap", "nothing"):
        assert (
            await desk.post(f"/events/{elsewhere.id}/desk/meetings/{meeting}/{act}", {"version": "1"})
        ).status_code == 404


async def test_what_came_of_it_is_said_counted_and_opened(
    organizer, sides, visitor, session, place, client, monkeypatch
):
    firm, university, third = sides
    event = await an_event(session, organizer.organisation, state=EventState.CLOSED)
    await enters(session, event, EventState.OPEN)
    mine, theirs, others = [
        await registered(who, event, **more) for who, more in zip(sides, ({"come": 2}, {}, {}), strict=True)
    ]
    await enters(session, event, EventState.RUNNING)
    me, desk = visitor(firm), visitor(organizer)
    plan = f"/events/{event.id}/desk/meetings"
    slots = [
        node.attrs["value"]
        for node in (await desk.page(plan)).all("option")
        if node.within("select").attrs["name"] == "slot_id"
    ]
    made = []
    for first, second, slot in ((mine, theirs, slots[0]), (mine, others, slots[1])):
        sent = {"first_id": first["id"], "second_id": second["id"], "slot_id": slot, "table_id": ""}
        made.append((await desk.sent(plan, sent)).partition("?")[0])
    at = f"{meetings_of(mine)}/{made[0].rpartition('/')[2]}"
    early = await me.again(f"{at}/outcome", {"stage": "right_after", "result": "knowledge_gained", "version": "0"}, 409)
    assert "洽谈尚未进行" in early.text

    # A secret calendar is shown once, follows, and can be made void.
    shared = await me.sent(f"{meetings_of(mine)}/calendar", status=200)
    url = shared.partition("<code>")[2].partition("</code>")[0]
    feed = url.removeprefix("http://test") if url.startswith("http://test") else "/api/" + url.partition("/api/")[2]
    entries = calendar_entries((await client.get(feed)).text)
    assert len(entries) == 2
    assert feed not in (await me.page("/account/calendars")).html
    (void,) = [
        node.attrs["action"]
        for node in (await me.page("/account/calendars")).all("form")
        if "/revocation" in node.attrs["action"]
    ]
    assert await me.sent(void) == "/account/calendars?said=calendar-off"
    assert (await client.get(feed)).status_code == 404
    assert "djc_" in await me.sent("/account/calendars", {"kind": "person"}, 200)
    await me.again("/account/calendars", {"kind": "nothing"})

    day = event.starts_at + timedelta(hours=5)
    monkeypatch.setattr(clock, "now", lambda: day)
    form = (await me.page(meetings_of(mine))).form(f"{at}/outcome")
    assert form["version"] == ["0"]
    wrong = await me.again(f"{at}/outcome", form | {"result": ["valuable_contact"], "signed_yuan": ["80万"]})
    assert "签约金额：只有达成协议才有签约金额" in wrong.text
    said = form | {"result": ["agreement_reached"], "stars": ["5"], "signed_yuan": ["80万"], "note": ["先试三吨"]}
    assert await me.sent(f"{at}/outcome", said) == f"{meetings_of(mine)}?said=outcome"
    await me.again(f"{at}/outcome", said, 412)
    await me.again(f"{at}/outcome", said | {"stage": ["later"]}, 409)
    assert (await me.post(f"{at}/outcome", said | {"stage": "never"})).status_code == 404
    assert await me.sent(f"{at}/interest", {"note": "放大"}) == f"{meetings_of(mine)}?said=interest"
    assert "已登记意向" in (await me.again(f"{at}/interest", {}, 409)).text
    shown = (await me.page(meetings_of(mine))).text
    for told in ("已达成协议 ★★★★★ 80 万元", "先试三吨", "已登记意向"):
        assert told in shown
    assert "先试三吨" not in (await visitor(university).page(meetings_of(theirs))).text

    assert await desk.sent(f"{made[0]}/confirmation") == f"{made[0]}?said=meeting-held"
    assert "谁没有来" in (await desk.again(f"{made[1]}/no-show", {})).one("div", role="alert").text
    assert await desk.sent(f"{made[1]}/no-show", {"absent": others["id"]}) == f"{made[1]}?said=meeting-missed"
    assert "对方未到" in (await me.page(meetings_of(mine))).text
    assert "记录为您未到" in (await visitor(third).page(meetings_of(others))).text

    # Each figure of the report opens as many rows as it counts.
    home = f"/events/{event.id}/desk/report"
    page = await desk.page(home)
    assert "800,000.00 元" in page.text
    figures = [node for node in page.all("a") if node.within("td") is not None]
    assert len(figures) >= 13
    for node in figures:
        rows = await desk.page(node.attrs["href"])
        assert audit(rows) == [], node.attrs["href"]
        listed = [
            one
            for one in rows.all("li")
            if one.attrs.get("class") != "empty" and one.within("ul").attrs.get("class") in {"rows", "rows decided"}
        ]
        counted = len(listed) + len(rows.all("article", class_="card"))
        assert counted == int(node.text.split()[0]), node.attrs["href"]
    await desk.page(f"{home}/nothing", 404)
    await desk.page(f"{home}/outcomes?result=perhaps", 422)

    await whole(visitor, organizer, home, f"{home}/outcomes?result=agreement_reached", f"{plan}?state=no_show", made[1])
    await whole(visitor, firm, meetings_of(mine), "/account/calendars")
    half_a_year = timedelta(days=170)
    earlier = {"starts_at": Meeting.starts_at - half_a_year, "ends_at": Meeting.ends_at - half_a_year}
    await session.execute(update(Meeting).values(earlier))
    await enters(session, event, EventState.FOLLOWED_UP)
    asked = await me.page(meetings_of(mine))
    assert "半年后进展如何" in asked.text
    later = {"stage": "later", "result": "negotiation_started", "version": "0"}
    await me.sent(f"{at}/outcome", later)
    assert "半年后：已开始商谈" in (await me.page(meetings_of(mine))).text


async def test_when_one_can_come_is_written_beside_the_meetings(organizer, sides, visitor, session):
    firm, _, _ = sides
    event = await an_event(session, organizer.organisation)
    mine = await registered(firm, event, come=2, wanted="电解质团队")
    me, url = visitor(firm), f"{meetings_of(mine)}/availability"
    form = (await me.page(meetings_of(mine))).form(url)
    there = form["people.0.there"]
    assert (len(form["slots"]), len(there)) == (3, 3)
    sent = form | {"people.0.there": there[1:], "people.0.meetings_most": ["2"], "meetings_most": ["5"]}
    back = await me.again(url, sent | {"meetings_most": ["许多"]})
    assert "最多洽谈几场：" in back.text
    assert await me.sent(url, sent) == f"{meetings_of(mine)}?said=availability"
    await me.again(url, sent, 412)
    kept = (await firm.get(f"/api/v1/registrations/{mine['id']}")).json()
    assert [one["absent"] for one in kept["people"]] == [[there[0]], []]
    assert (kept["meetings_most"], kept["people"][0]["meetings_most"], kept["wanted"]) == (5, 2, "电解质团队")


async def test_partners_are_found_named_and_let_go(organizer, given, visitor, session):
    event = await an_event(session, organizer.organisation)
    partner = await given.person(Role.ORGANIZER, await given.organisation())
    desk, url = visitor(organizer), f"/events/{event.id}/desk/organizers"
    assert (await visitor(partner).get(url)).status_code == 403
    found = await desk.page(f"{url}?q={partner.organisation.name}")
    sent = {"organisation_id": str(partner.organisation.id), "role": "undertaker", "runs_desk": "1"}
    assert sent["organisation_id"] in found.html
    await desk.again(url, sent | {"role": "boss"})
    assert "主办" in (await desk.again(url, sent | {"organisation_id": str(organizer.organisation.id)}, 409)).text
    assert (await desk.post(url, sent | {"organisation_id": "x"})).status_code == 404
    assert await desk.sent(url, sent) == f"{url}?said=partner"
    assert "承办 — 可以管理此活动" in (await visitor(partner).page(url)).text
    gone = f"{url}/{partner.organisation.id}/removal"
    assert await desk.sent(gone) == f"{url}?said=partner"
    assert (await desk.post(gone)).status_code == 404
    assert (await visitor(partner).get(url)).status_code == 403


async def test_wishes_and_meetings_are_for_those_whose_they_are(organizer, sides, given, visitor, session):
    firm, university, _ = sides
    event = await an_event(session, organizer.organisation)
    mine = await registered(firm, event)
    colleague = await given.person(Role.VIEWER, firm.organisation)
    for path in (wishes_of(mine), meetings_of(mine)):
        assert (await visitor().get(path)).headers["location"].startswith("/sign-in?next=")
        for stranger in (university, organizer):
            assert (await visitor(stranger).get(path)).status_code == 404
        await visitor(colleague).page(path)
    # Who only looks is told so, and finds nothing to press.
    page = await visitor(colleague).page(wishes_of(mine))
    assert "您可以看" in page.text
    assert not page.all("button", name="answer")
    other = await registered(university, event)
    assert (
        await visitor(colleague).post(wishes_of(mine), {"other_id": other["id"], "answer": "meet"})
    ).status_code == 403
    for path in ("/wishes", "/timetable", "/meetings", "/report", "/report/meetings", "/organizers"):
        url = f"/events/{event.id}/desk{path}"
        assert (await visitor().get(url)).headers["location"].startswith("/sign-in?next=")
        assert (await visitor(firm).get(url)).status_code == 403, path
    sent = {"version": "0", "outstanding_most": "5", "answer_hours": "24", "organisation_id": str(firm.organisation.id)}
    sent |= {"role": "host", "planning": "anew", "late": "fill", "seconds": "5", "first_id": mine["id"]}
    sent |= {"second_id": other["id"], "slot_id": str(event.id), "kind": "final"}
    for path in ("/wishes/proposals", "/wishes/terms", "/timetable", "/meetings", "/organizers"):
        answer = await visitor(firm).post(f"/events/{event.id}/desk{path}", sent)
        assert answer.status_code == 403, path


async def test_documents_and_reminders_of_an_event(organizer, sides, visitor, session, anybody):
    event = await an_event(session, organizer.organisation)
    desk, url = visitor(organizer), f"/events/{event.id}/desk/documents"
    file = {"file": ("交通图.pdf", b"%PDF-1.4 map", "application/pdf")}
    assert "请选择谁可以看到" in (await desk.post(url, {"audience": "all"}, files=file)).text
    assert (await desk.post(url, {"audience": "desk"}, files={"file": ("x.exe", b"MZ", "x/y")})).status_code == 422
    assert "请选择文件" in (await desk.post(url, {"audience": "desk"})).text
    for audience in ("everybody", "participants"):
        sent = {"file": (f"{audience}.pdf", b"%PDF-1.4 " + audience.encode(), "application/pdf")}
        assert await desk.sent(url, {"audience": audience}, files=sent) == f"{url}?said=attached"
    assert (await visitor(sides[0]).post(url, {"audience": "desk"}, files=file)).status_code == 403
    await whole(visitor, organizer, url, f"/events/{event.id}")
    seen = await anybody.page(f"/events/{event.id}")
    assert "everybody.pdf" in seen.text
    assert "participants.pdf" not in seen.text
    await registered(sides[0], event)
    assert "participants.pdf" in (await visitor(sides[0]).page(f"/events/{event.id}")).text
    removal = next(
        node.attrs["action"] for node in (await desk.page(url)).all("form") if "/removal" in node.attrs["action"]
    )
    assert await desk.sent(removal) == f"{url}?said=removed"
    assert (await desk.post(removal)).status_code == 404

    letters = f"/events/{event.id}/desk/announcements"
    form = (await desk.page(letters)).form(f"{letters}/reminders")
    assert (form["before_hours"], form["rate_after"]) == (["24"], ["1"])
    assert "提前几小时：" in (await desk.again(f"{letters}/reminders", form | {"before_hours": ["9999"]})).text
    sent = {"version": form["version"], "before_hours": "", "half_year_after": "1"}
    assert await desk.sent(f"{letters}/reminders", sent) == f"{letters}?said=reminders"
    kept = (await desk.page(letters)).form(f"{letters}/reminders")
    assert (kept["before_hours"], kept.get("rate_after"), kept["half_year_after"]) == ([""], None, ["1"])
    await desk.again(f"{letters}/reminders", form, 412)
