"""Coming to an event and running one, with a browser."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from marketplace.docking import badges, waiting
from marketplace.docking.registration_models import Attendee
from marketplace.kernel import clock, qr
from schemas.events import EventState
from schemas.identity import OrganisationKind, Role
from tests.given.docking import an_event, registered
from tests.given.labs import day
from tests.portal.reader import Page, audit


@pytest.fixture
async def organizer(given):
    return await given.person(Role.ORGANIZER, await given.organisation())


@pytest.fixture
async def firm(given):
    return await given.enterprise()


def form(who, **more) -> dict[str, object]:
    told = {"organisation_id": str(who.organisation.id), "kind": "enterprise", "shown": "1"}
    return told | {"people.0.name": "王某", "people.0.email": who.email} | more


async def code_of(app, session, email: str) -> str:
    found = await session.scalar(select(Attendee).where(Attendee.email == email, Attendee.left_at.is_(None)))
    await session.refresh(found)
    return badges.code(app.state.signing_key, found)


async def test_from_finding_an_event_to_going_through_its_door(organizer, firm, visitor, anybody, session, app):
    questions = [{"text": "融资金额？", "kind": "number", "required": True, "asked_of": ["enterprise"]}]
    event = await an_event(session, organizer.organisation, needs_approval=True, questions=questions)
    guest, desk = visitor(firm), visitor(organizer)
    found = await anybody.page("/events?q=产学研&state=open&region=吉林省")
    assert "装备制造产学研对接会" in found.text
    page = await anybody.page(f"/events/{event.id}")
    for said in ("报名中", "开幕", "每场 20 分钟，共 3 场", "2 张洽谈桌", "不限"):
        assert said in page.text
    address = f"{app.state.settings.public_url}/events/{event.id}"
    assert qr.code(address).path in {node.attrs["d"] for node in page.all("path")}
    url = f"/events/{event.id}/register"
    assert (await anybody.get(url)).headers["location"].startswith("/sign-in?next=")
    slots = [node.attrs["value"] for node in (await guest.page(url)).all("input", name="people.0.absent")]
    assert len(slots) == 3

    # Refused with everything at once, beside what it is about; the blocks that were left empty do not count.
    asked = next(n.attrs["name"] for n in (await guest.page(url)).all("input") if n.attrs["name"].startswith("answer."))
    sent = form(firm, **{"people.2.name": "李某", "people.2.email": "x", "people.0.absent": slots[:1], asked: "许多"})
    back = await guest.again(url, sent)
    assert "参会人 3，邮箱" in back.text
    assert "融资金额？：" in back.text
    assert (back.field("people.2.name"), back.field(asked)) == ("李某", "许多")
    sent |= {"people.2.email": "li@test.example", asked: "200", "people.2.languages": ["zh", "en"]}
    mine, _, said = (await guest.sent(url, sent)).partition("?")
    assert said == "said=registered"
    assert "主办方审核后写信告知" in (await guest.page(mine)).text

    assert "王某、李某" in (await desk.page(f"/events/{event.id}/desk?state=requested")).text
    assert (await guest.get(f"/events/{event.id}/desk")).status_code == 403
    back_to = f"/events/{event.id}/desk?state=requested"
    assert await desk.sent(f"{mine}/approval", {"back": back_to, "note": "欢迎"}) == f"{back_to}&said=approved"
    assert "装备制造产学研对接会" in (await guest.page("/registrations")).text
    shown = await guest.page(mine)
    for said in ("已确认", "欢迎", "200", "1 场不能参加"):
        assert said in shown.text
    code = await code_of(app, session, "li@test.example")
    assert qr.code(code).path in {node.attrs["d"] for node in shown.all("path")}

    door = f"/events/{event.id}/desk/door"
    assert "现在不能签到" in (await desk.page(door)).text
    version = (await desk.page(f"/events/{event.id}/desk")).field("version")
    await desk.sent(f"/events/{event.id}/desk/state", {"to": "closed", "version": version})
    closed = (await desk.page(f"/events/{event.id}/desk")).text
    assert closed.index("标记为已排程") < closed.index("重新开放报名"), "onwards is offered before back"
    assert "签到成功" in await desk.sent(door, {"code": code.lower(), "door": "北门"}, 200)
    assert "此前已在“北门”签到" in await desk.sent(door, {"code": code, "door": "北门"}, 200)
    wrong = await desk.again(door, {"code": "A" * 45, "door": "北门"})
    assert "无法识别此码" in wrong.text
    assert wrong.field("door") == "北门"
    found = await desk.page(f"{door}?q=王某&door=东门")
    assert (await code_of(app, session, firm.email)) in found.html
    assert found.field("door") == "东门"
    assert "1 / 2" in found.text

    # A lost badge opens no door.
    attendee = shown.form(f"{mine}/badge")["attendee"]
    assert await guest.sent(f"{mine}/badge", {"attendee": attendee}) == f"{mine}?said=badge"
    assert (await guest.post(f"{mine}/badge", {"attendee": "x"})).status_code == 404
    assert code not in (await guest.page(mine)).html


async def test_whoever_waits_takes_or_declines_the_place_that_comes_free(organizer, given, visitor, session):
    few = [{"kind": "enterprise", "seats": 1}]
    event = await an_event(session, organizer.organisation, capacities=few)
    first, second, third = [await given.enterprise() for _ in range(3)]
    held = await registered(first, event)
    url = f"/events/{event.id}/register"
    assert "已满" in (await visitor(second).page(f"/events/{event.id}")).text
    page = await visitor(second).again(url, form(second), 409)
    assert "可以勾选表单最后的“满员时候补”" in page.text
    places = [(await visitor(who).sent(url, form(who, wait="1"))).partition("?")[0] for who in (second, third)]
    assert "您排在最前" in (await visitor(second).page(places[0])).text
    assert "前面还有 1 份报名在等" in (await visitor(third).page(places[1])).text
    again = await visitor(second).again(url, form(second, wait="1"), 409)
    assert "每人只能报名一次" in again.text

    free = f"/registrations/{held['id']}/cancellation"
    assert (await visitor(second).post(free)).status_code == 404
    assert await visitor(first).sent(free, {"note": "出差"}) == f"/registrations/{held['id']}?said=cancelled"
    assert await waiting.promote(session, event.id, clock.now()) == 1
    await session.commit()
    assert "去确认" in (await visitor(second).page("/registrations")).text
    assert await visitor(second).sent(f"{places[0]}/cancellation") == f"{places[0]}?said=cancelled"
    assert "已放弃" in (await visitor(second).page(places[0])).text
    assert await waiting.promote(session, event.id, clock.now()) == 1
    await session.commit()
    offered = await visitor(third).page(places[1])
    assert "为您保留到" in offered.text
    assert await visitor(third).sent(f"{places[1]}/acceptance") == f"{places[1]}?said=place-taken"
    assert "已确认" in (await visitor(third).page(places[1])).text
    # What is over cannot be done once more, and says so.
    assert "此报名已结束" in (await visitor(second).again(f"{places[0]}/acceptance", {}, 409)).text


async def test_a_registration_is_changed_with_the_form_it_was_made_with(organizer, firm, given, visitor, session):
    event = await an_event(session, organizer.organisation, calls_for=["problem"], people_most=2)
    problem = await given.problem(firm, title="模具龟裂")
    made = await registered(firm, event, introduction="锻件厂。", shown=False)
    url = f"/registrations/{made['id']}/edit"
    guest = visitor(firm)
    sent = (await guest.page(url)).form(url)
    assert (sent["introduction"], "shown" in sent) == (["锻件厂。"], False)
    changed = sent | {"records": [problem["id"]], "people.1.name": ["同事"], "people.1.email": ["c@test.example"]}
    assert await guest.sent(url, changed) == f"/registrations/{made['id']}?said=saved"
    page = await guest.page(f"/registrations/{made['id']}")
    assert "模具龟裂" in page.text
    assert "同事" in page.text
    stale = await guest.again(url, changed, 412)
    assert stale.field("people.1.name") == "同事"
    for version in ("", "x", "9" * 5000):
        await guest.again(url, changed | {"version": version}, 412)
    # The desk sees what they bring, and keeps it and everybody, though the event has become stricter meanwhile.
    now = (await organizer.get(f"/api/v1/events/{event.id}")).json()["version"]
    assert (await organizer.patch(f"/api/v1/events/{event.id}", {"people_most": 1}, version=now)).is_success
    desk = visitor(organizer)
    form_of_desk = (await desk.page(url)).form(url)
    assert form_of_desk["records"] == [problem["id"]]
    assert "参会人" in (await desk.again(url, form_of_desk)).one("div", role="alert").text
    assert "取消报名" in (await desk.page(f"/registrations/{made['id']}")).text
    auditor = visitor(await given.person(Role.AUDITOR))
    assert "取消报名" not in (await auditor.page(f"/registrations/{made['id']}")).text
    assert (await visitor(await given.enterprise()).get(url)).status_code == 404


async def test_an_organizer_leads_an_event_from_draft_to_the_next_one(organizer, firm, visitor, session):
    event = await an_event(session, organizer.organisation, state=EventState.DRAFT, summary=None)
    desk, home = visitor(organizer), f"/events/{event.id}/desk"
    assert (await visitor(firm).get(f"/events/{event.id}")).status_code == 404
    assert "装备制造" not in (await visitor(firm).page("/events")).text
    assert "装备制造" in (await desk.page("/events?mine=1")).text

    async def step(to: str, **more: str) -> str:
        sent = {"to": to, "version": (await desk.page(home)).field("version")} | more
        return await desk.sent(f"{home}/state", sent)

    refused = await desk.again(f"{home}/state", {"to": "published", "version": "1"}, 422)
    assert "请写简介" in refused.text
    assert (await organizer.patch(f"/api/v1/events/{event.id}", {"summary": "洽谈。"}, version=1)).is_success
    assert await step("published") == f"{home}?said=stepped"
    # Before a step the desk reads what will be no more, and what will be.
    said = (await desk.page(home)).text
    assert "此后不能： 修改报名问题" in said
    assert "此后可以： 报名" in said
    await step("open")
    assert "此后不能： 报名" in (await desk.page(home)).text
    await desk.again(f"{home}/state", {"to": "closed", "version": "1"}, 412)
    await desk.again(f"{home}/state", {"to": "nowhere", "version": "4"}, 422)
    await desk.again(f"{home}/state", {"to": "running", "version": (await desk.page(home)).field("version")}, 409)

    await registered(firm, event)
    letters = f"{home}/announcements"
    kept = await desk.again(letters, {"subject": "停车", "text": " ", "states": ["confirmed"]}, 422)
    assert "正文：" in kept.text
    assert kept.field("subject") == "停车"
    sent = {"subject": "停车", "text": "请走北门。", "states": ["confirmed", "waiting"], "kinds": ["enterprise"]}
    assert await desk.sent(letters, sent) == f"{letters}?said=announced"
    assert "请走北门。" in (await desk.page(letters)).text

    assert "请说明取消的原因" in (await desk.again(f"{home}/state", {"to": "cancelled", "version": "4"}, 422)).text
    copied = await desk.sent(f"{home}/clones", {"title": "第二届", "day": str(day(40).date()), "time": "09:00"})
    assert copied.endswith("/desk?said=cloned")
    await desk.again(f"{home}/clones", {"title": "第三届", "day": "x", "time": "09:00"}, 422)
    assert f"{day(40).date()} 09:00" in (await desk.page(copied.removesuffix("/desk?said=cloned"))).text
    await step("cancelled", reason="场地停电")
    page = await visitor(firm).page(f"/events/{event.id}")
    assert "场地停电" in page.text
    assert "我要报名" not in page.text
    assert (await visitor(firm).post(f"{home}/state", {"to": "open", "version": "5"})).status_code == 403


async def test_an_event_is_written_with_its_agenda_and_changed(organizer, firm, visitor, session):
    desk = visitor(organizer)
    assert (await visitor(firm).get("/events/new")).status_code == 403
    sent = (await desk.page("/events/new")).form("/events/new")
    assert sent["invited"] == ["enterprise", "academic"]
    begins = str(day(30).date())
    sent |= {
        "starts_at.day": [begins],
        "starts_at.time": ["x"],
        "region": ["没有这个地方"],
        "seats.enterprise": ["许多"],
    }
    back = await desk.again("/events/new", sent)
    for said in ("请填写日期和时间", "没有这个代码或名称", "标题", "第 1 项"):
        assert said in back.one("div", role="alert").text
    sent |= {
        "title": ["新能源对接会"], "summary": ["洽谈。"], "place": ["会展中心"], "region": ["吉林省长春市"],
        "starts_at.time": ["09:00"], "ends_at.day": [begins], "ends_at.time": ["17:00"], "seats.enterprise": ["40"],
        "industries": ["3841", ""], "question.0.text": ["方式？"], "question.0.kind": ["choices"],
        "question.0.options": ["贷款\n股权"], "question.0.asked_of": ["enterprise"], "needs_approval": ["1"],
    }  # fmt: skip
    onward = await desk.sent("/events/new", sent)
    written = onward.removesuffix("?said=drafted")
    event = written.removesuffix("/desk/agenda")
    told = (await organizer.get(f"/api/v1{event}")).json()
    assert (told["starts_at"], told["region"]) == (day(30, 9).astimezone().isoformat().replace("+00:00", "Z"), "220100")
    assert told["capacities"] == [
        {"kind": "academic", "seats": None, "taken": 0}, {"kind": "enterprise", "seats": 40, "taken": 0},
    ]  # fmt: skip
    assert [(one["kind"], one["options"], one["asked_of"]) for one in told["questions"]] == [
        ("choices", ["贷款", "股权"], ["enterprise"])
    ]

    # What a form shows and is sent back as it is changes nothing.
    form = (await desk.page(f"{event}/desk/edit")).form(f"{event}/desk/edit")
    await desk.sent(f"{event}/desk/edit", form)
    assert (await organizer.get(f"/api/v1{event}")).json() == told
    form |= {"title": ["新能源对接会（二）"], "invited": ["enterprise"]}
    await desk.sent(f"{event}/desk/edit", form)
    await desk.again(f"{event}/desk/edit", form, 412)
    assert "新能源对接会（二）" in (await desk.page(event)).text

    agenda = (await desk.page(written)).form(written)
    agenda |= {
        "session.0.title": ["洽谈"], "session.0.from": ["10:00"], "session.0.to": ["11:00"], "session.0.slot_minutes": ["20"],
        "session.1.title": ["午餐"], "session.1.kind": ["break"], "session.1.from": ["10:30"], "session.1.to": ["12:00"],
        "venue.0.name": ["会展中心"], "venue.0.room": ["一厅"], "venue.0.tables": ["1 号桌\n线上桌 https://meet.example/1"],
        "venue.1.name": ["会展中心"], "venue.1.room": ["二厅"], "venue.1.tables": ["2 号桌"],
    }  # fmt: skip
    assert "议程不能重叠" in (await desk.again(written, agenda)).text
    assert "第 2 项" in (await desk.again(written, agenda | {"session.1.to": ["x"]})).text
    agenda["session.1.from"] = ["11:00"]
    assert await desk.sent(written, agenda) == f"{event}/desk?said=saved"
    kept = (await organizer.get(f"/api/v1{event}/agenda")).json()
    assert [len(one["slots"]) for one in kept["sessions"]] == [3, 0]
    [venue] = kept["venues"]
    assert [[table["name"] for table in room["tables"]] for room in venue["rooms"]] == [
        ["1 号桌", "线上桌"],
        ["2 号桌"],
    ]
    assert venue["rooms"][0]["tables"][1]["url"] == "https://meet.example/1"
    same = (await desk.page(written)).form(written)
    await desk.sent(written, same)
    again = (await organizer.get(f"/api/v1{event}/agenda")).json()
    assert (again["sessions"], again["venues"]) == (kept["sessions"], kept["venues"])


async def test_a_filter_that_cannot_be_read_says_so(anybody):
    page = await anybody.page("/events?from=x&region=没有这个地方", 422)
    assert "请填写日期" in page.text
    assert "没有这个代码或名称" in page.text
    assert "没有符合的活动" in (await anybody.page("/events?q=什么都没有")).text


async def test_events_are_found_for_a_text_and_for_a_record(given, visitor, session):
    organizer = await given.person(Role.ORGANIZER, await given.organisation(kinds=(OrganisationKind.ORGANIZER,)))
    firm = await given.enterprise()
    event = await an_event(session, organizer.organisation, title="锻造模具表面强化对接会", summary="激光熔覆专场。")
    need = await given.problem(firm, title="热锻模具龟裂求表面强化", description="求激光熔覆。")
    page = await visitor().page(f"/problems/{need['id']}/events")
    assert audit(page) == []
    for wanted in (f'href="/events/{event.id}"', "锻造模具表面强化对接会", "激光熔覆", "报名中"):
        assert wanted in page.html, wanted
    assert f'href="/problems/{need["id"]}/events"' in (await visitor().page(f"/problems/{need['id']}")).html
    assert (await visitor().get(f"/problems/{uuid4()}/events")).status_code == 404
    answer = await visitor(language="en").post("/match", {"text": "热锻模具激光熔覆表面强化", "kind": "event"})
    assert answer.status_code == 200
    assert audit(Page(answer.text)) == []
    assert f'href="/events/{event.id}"' in answer.text
