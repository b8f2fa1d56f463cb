"""Every page, for everybody who may see it, in both languages."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

import marketplace.portal
from marketplace.kernel import clock
from marketplace.kernel.language import SEPARATOR
from marketplace.kernel.operations import Operation
from marketplace.pairings.rematch_models import Rematch, RematchPair
from marketplace.portal import instrument_form, words
from schemas.events import EventState
from schemas.identity import OrganisationKind, Role, Verification
from schemas.operations import OperationState
from schemas.rematches import Why
from tests.given.devices import Signed, a_device
from tests.given.docking import an_event, registered
from tests.given.experts import an_expert
from tests.given.files import a_photo
from tests.given.funding import EVERY_FIELD_OF_A_CALL, a_call
from tests.given.labs import an_instrument, day, wish
from tests.given.money import WINDOW, a_tariff, a_voucher, charge_of, free_hours, publish, used
from tests.portal.reader import audit

CHINESE = re.compile(r"[\u4e00-\u9fff]")
TEMPLATES = Path(marketplace.portal.__file__).parent / "templates"


@pytest.fixture
async def market(given, visitor, ranking, app):
    """A small market with something on every page, and everybody who looks at it."""
    university = await given.university()
    enterprise = await given.enterprise()
    boss = await given.person(Role.ORGANISATION_ADMIN, enterprise.organisation)
    achievement = await given.achievement(
        university,
        summary="流延法制膜。",
        trl=7,
        stage="pilot",
        industries=["3841"],
        discipline="43020",
        region="220100",
        cooperation_modes=["licence", "service"],
        price={"kind": "range", "low": "100000", "high": "300000"},
        intellectual_property=[{"kind": "patent.invention", "number": "ZL1", "status": "granted", "holder": "某校"}],
        awards=["省科技进步奖"],
        team=[{"name": "张三", "role": "负责人"}],
        publicly_funded=True,
        contact={"name": "李四", "phone": "0431-1", "email": "li@test.example"},
        keywords=["固态电解质"],
    )
    problem = await given.problem(
        enterprise,
        background="电池厂。",
        indicators=[
            {"name": "界面阻抗", "operator": "<=", "value": "10", "unit": "Ω·cm2"},
            {"name": "厚度", "operator": "between", "value": "5", "upper": "20", "unit": "μm"},
        ],
        tried="试过涂层。",
        industry="3841",
        disciplines=["43020"],
        region="220100",
        budget={"low": "100000", "high": "500000"},
        deadline="2199-01-01",
        ip_wish="shared",
        solver_conditions="有中试线。",
        bounty="200000",
        keywords=["电池"],
    )
    draft = await given.problem(enterprise, published=False, title="草稿一则")
    secret = f"/api/v1/problems/{problem['id']}/confidential"
    version = {"If-Match": '"0"'}
    await enterprise.put(secret, {"text": "保密的配方", "nda": "不得外传。"}, headers=version)
    await university.post(f"/api/v1/problems/{problem['id']}/admission-requests", {"message": "我们能解决"})
    asking = await given.person(
        Role.ORGANISATION_ADMIN,
        await given.organisation(kinds=[OrganisationKind.ENTERPRISE], verification=Verification.SUBMITTED),
    )
    manager = await given.person(Role.LAB_MANAGER, university.organisation)
    instrument = await an_instrument(
        given.session, university.organisation, confirmed_at_once=[], order_form=["样品数量？"], value="1200000",
        publicly_funded=True, needs_qualification=True, name="固态电解质界面阻抗测试台",
        position={"longitude": 125.3245, "latitude": 43.8868, "datum": "gcj02"},
    )  # fmt: skip
    photo = {"file": ("正面.png", a_photo(), "image/png")}
    files = f"/api/v1/instruments/{instrument.id}/files"
    client, headers = manager.client, manager.headers
    brought = await client.post(f"{files}/photo", files=photo, data={"alt": "正面"}, headers=headers)
    assert brought.status_code == 201, brought.text
    assert (await client.post(f"{files}/document", files=photo, headers=headers)).status_code == 201
    booked = wish(instrument, enterprise, day(3, 9), assisted=True, answers=["三件"])
    assert (await enterprise.post("/api/v1/bookings", booked)).status_code == 201
    await publish(manager, instrument, a_tariff(windows=[WINDOW]))
    await free_hours(manager, instrument, day(0).year)
    admin = await given.admin()
    await a_voucher(admin, enterprise)
    usage = await used(manager, instrument, 90, organisation_id=str(enterprise.organisation.id))
    charge = (await charge_of(enterprise, usage))["id"]
    assert (await enterprise.post(f"/api/v1/charges/{charge}/disputes", {"reason": "只用了一小时"})).status_code == 201
    correction = {"run_minutes": 60, "reason": "只用了一小时"}
    assert (await enterprise.post(f"/api/v1/usages/{usage['id']}/adjustments", correction)).status_code == 201
    paper = {"kind": "paper", "title": "界面阻抗", "number": "10.1000/x1", "year": 2026, "usage_id": usage["id"]}
    led_to = await enterprise.post(f"/api/v1/instruments/{instrument.id}/outputs", paper)
    assert led_to.status_code == 201, led_to.text
    await a_device(manager, instrument, "kiosk", "门口平板")
    meter = await a_device(manager, instrument)
    ran = clock.now() - timedelta(hours=9)
    run = {"id": "1", "kind": "run", "at": ran.isoformat(), "until": (ran + timedelta(hours=1)).isoformat()}
    path = f"/api/v1/meters/{meter['id']}/events"
    signed = Signed(app.state.signing_key)
    assert (await manager.client.post(path, json={"events": [run]}, auth=signed)).status_code == 200
    speaks = [achievement["id"]]
    expert = await an_expert(
        given.session, university.organisation, by=university, academic_title="教授", unit="材料学院", region="220100",
        services=["consulting", "residency"], talks=2, disciplines=["43020"], industries=["3841"], position="所长",
        keywords=["固态电解质"], achievement_ids=speaks,
        contact={"name": "技术转移办公室", "phone": "0431-3"},
    )  # fmt: skip
    unseen = await an_expert(given.session, university.organisation, by=university, shown=False)
    organizer = await given.person(Role.ORGANIZER, await given.organisation())
    rules = {
        "needs_approval": True, "calls_for": ["problem"], "industries": ["3841"], "disciplines": ["43020"],
        "regions": ["220000"], "meetings_promised": 2, "contact": {"name": "王五", "phone": "0431-2"},
        "capacities": [{"kind": "enterprise", "seats": 30}, {"kind": "academic"}],
        "questions": [
            {"text": "融资方式？", "text_en": "How?", "kind": "choices", "options": ["贷款", "股权"], "asked_of": ["enterprise"]},
            {"text": "需要接站？", "text_en": "Shall we fetch you?", "kind": "yes_no", "required": True},
        ],
    }  # fmt: skip
    event = await an_event(given.session, organizer.organisation, **rules)
    asked = (await enterprise.get(f"/api/v1/events/{event.id}")).json()["questions"]
    answers = [{"question_id": asked[0]["id"], "chosen": ["贷款"]}, {"question_id": asked[1]["id"], "yes": True}]
    more = {
        "introduction": "电池厂。",
        "wanted": "电解质团队。",
        "accessibility": "轮椅通道。",
        "records": [problem["id"]],
    }
    came = await registered(enterprise, event, come=2, answers=answers, **more)
    assert (await organizer.post(f"/api/v1/registrations/{came['id']}/approval", {"note": "欢迎"})).status_code == 200
    letter = {"subject": "停车", "text": "请走北门。"}
    assert (await organizer.post(f"/api/v1/events/{event.id}/announcements", letter)).status_code == 201
    running = await an_event(given.session, organizer.organisation, state=EventState.RUNNING, title="正在办的活动")
    off = await an_event(given.session, organizer.organisation, state=EventState.CANCELLED, with_agenda=False)
    call = await a_call(
        given.session, enterprise.organisation,
        **(EVERY_FIELD_OF_A_CALL | {"title": "固态电解质揭榜", "opens_at": None, "closes_at": day(5)}),
    )  # fmt: skip
    changed = {"amount_high": "400000", "summary": "界面阻抗与薄膜制备。"}
    edited = await enterprise.patch(f"/api/v1/funding-calls/{call.id}", changed, version=1)
    assert edited.status_code == 200, edited.text
    await a_call(given.session, enterprise.organisation, opens_at=day(2), title="即将开始的资助")
    matched = Operation(kind="rematch", state=OperationState.DONE)
    given.session.add(matched)
    await given.session.flush()
    rematch = Rematch(
        operation_id=matched.id, proposals=5, places=3, floor=1, by_organisation=False, unfit=False, depth=50,
        finished_at=clock.now(), problems=1, achievements=1, granted=1, passed=0, without=0, short=0, plain=0.5, total=0.5,
    )  # fmt: skip
    given.session.add(rematch)
    await given.session.flush()
    given.session.add(
        RematchPair(
            rematch_id=rematch.id,
            problem_id=UUID(problem["id"]),
            achievement_id=UUID(achievement["id"]),
            score=0.5,
            rank=1,
            rank_back=1,
            granted=True,
            why=Why.FLOOR,
            place=1,
            places=3,
        )
    )
    await given.session.commit()
    await ranking()
    return {
        "rematch": str(rematch.id),
        "who": {
            "nobody": visitor(),
            "university": visitor(university),
            "enterprise": visitor(enterprise),
            "boss": visitor(boss),
            "asking": visitor(asking),
            "manager": visitor(manager),
            "organizer": visitor(organizer),
            "newcomer": visitor(await given.person()),
            "admin": visitor(admin),
            "auditor": visitor(await given.person(Role.AUDITOR)),
        },
        "achievement": achievement["id"],
        "problem": problem["id"],
        "draft": draft["id"],
        "instrument": str(instrument.id),
        "expert": str(expert.id),
        "unseen": str(unseen.id),
        "year": str(day(0).year),
        "charge": charge,
        "usage": usage["id"],
        "event": str(event.id),
        "running": str(running.id),
        "off": str(off.id),
        "registration": came["id"],
        "call": str(call.id),
        "place": str(enterprise.organisation.id),
        "asking_place": str(asking.organisation.id),
    }


PAGES = [
    ("/", "nobody university admin"),
    ("/?example=0", "nobody"),
    ("/problems", "nobody enterprise"),
    ("/problems?q=电池&region=220000&industry=C38&discipline=430&mode=licence&bounty=1", "nobody"),
    ("/problems?q=没有这样的东西", "nobody"),
    ("/achievements", "nobody university"),
    ("/achievements?stage=pilot&trl_min=5&trl_max=9", "nobody"),
    ("/problems/{problem}", "nobody university enterprise admin"),
    ("/achievements/{achievement}", "nobody university enterprise"),
    ("/problems/{draft}", "enterprise admin"),
    ("/problems/{problem}/pairings/{achievement}", "nobody enterprise"),
    ("/achievements/{achievement}/pairings/{problem}", "nobody university"),
    ("/problems/{problem}?view=shared", "nobody enterprise"),
    ("/achievements/{achievement}?view=shared", "nobody university"),
    ("/verdicts", "enterprise university newcomer admin auditor"),
    ("/verdicts?mine=1&grade=3", "enterprise"),
    ("/platform/rematches", "admin auditor"),
    ("/platform/rematches/{rematch}?granted=1", "admin auditor"),
    ("/platform/synonyms?try=锂电池", "nobody admin"),
    ("/platform/terms", "nobody admin auditor"),
    ("/platform/terms?state=rejected&q=x", "admin"),
    ("/platform/terms/versions/0", "nobody admin"),
    ("/problems/{problem}/instruments", "nobody enterprise"),
    ("/problems/{problem}/events?region=220000&industry=C", "nobody enterprise"),
    ("/problems/{problem}/similar", "nobody enterprise"),
    ("/achievements/{achievement}/similar?stage=pilot&trl_min=3&confirmed_within=30", "nobody university"),
    ("/achievements/{achievement}/events", "university"),
    ("/problems/{problem}/instruments?minutes=120", "enterprise"),
    ("/problems/{problem}/confidential", "university enterprise boss"),
    ("/instruments", "nobody enterprise"),
    ("/instruments?q=试验机&class_code=02&region=220000&kind=instrument&day=2027-03-02&from=09:00&to=12:00", "nobody"),
    ("/instruments/{instrument}", "nobody enterprise manager newcomer admin"),
    ("/instruments/{instrument}?week=2027-03-01", "nobody"),
    ("/instruments/{instrument}/files", "manager"),
    ("/instruments/duplicate-check", "enterprise"),
    (
        "/instruments/duplicate-check?class_code=02&region=220000&longitude=125.3&latitude=43.9&datum=gcj02&within_km=50&year={year}",
        "enterprise",
    ),
    ("/instruments/duplicate-check/{instrument}?year={year}", "enterprise"),
    ("/experts", "nobody university enterprise"),
    ("/experts?q=电解质&region=220000&industry=C38&discipline=430&service=consulting", "nobody"),
    ("/experts?q=没有这样的人", "nobody university"),
    ("/experts?mine=1", "university"),
    ("/experts/{expert}", "nobody enterprise university admin auditor"),
    ("/experts/{unseen}", "university admin"),
    ("/experts/{expert}/edit", "university"),
    ("/experts/{unseen}/edit", "university"),
    ("/desk/experts/new", "university enterprise boss"),
    ("/problems/{problem}/experts", "nobody enterprise"),
    ("/achievements/{achievement}/experts", "nobody university"),
    ("/problems/{problem}/experts?region=110000&service=testing", "nobody"),
    ("/bookings", "enterprise manager newcomer"),
    ("/charges", "enterprise manager newcomer auditor"),
    ("/charges?kept=true&year=2027&disputed=true", "manager"),
    ("/charges/{charge}", "enterprise manager auditor"),
    ("/charges/statements", "enterprise newcomer"),
    ("/charges/vouchers", "enterprise newcomer"),
    ("/charges/vouchers", "admin"),
    ("/charges/redemptions", "enterprise manager admin newcomer"),
    ("/usages", "enterprise manager newcomer auditor"),
    ("/usages?kept=true", "manager"),
    ("/usages?instrument={instrument}", "enterprise manager"),
    ("/usages/{usage}", "enterprise manager auditor"),
    ("/instruments/holidays", "nobody admin"),
    ("/instruments?mine=1", "manager"),
    ("/desk/instruments/new", "manager"),
    ("/instruments/{instrument}/edit", "manager"),
    ("/instruments/{instrument}/care", "manager"),
    ("/instruments/{instrument}/line", "manager"),
    ("/imports/instrument", "manager"),
    ("/imports/problem", "enterprise"),
    ("/imports/expert", "university"),
    ("/instruments/{instrument}/hours", "manager"),
    ("/instruments/{instrument}/devices", "manager"),
    ("/instruments/{instrument}/tariffs", "nobody manager"),
    ("/instruments/{instrument}/outputs", "nobody enterprise manager"),
    ("/instruments/{instrument}/outputs?year=2026&kind=paper", "nobody"),
    ("/instruments/{instrument}/utilisation", "manager"),
    ("/instruments/{instrument}/utilisation?by=day", "manager auditor"),
    ("/instruments/{instrument}/utilisation/rows?weekday=1&hour=9", "manager"),
    ("/kiosk", "nobody"),
    ("/charges/sharing", "manager newcomer"),
    ("/charges/sharing?by=lab", "manager"),
    ("/charges/sharing/{instrument}", "manager"),
    ("/events", "nobody organizer"),
    ("/events?q=对接&kind=docking&format=onsite&region=220000&state=open&from=2020-01-01&until=2199-01-01", "nobody"),
    ("/events?mine=1", "organizer enterprise"),
    ("/events?q=没有这样的活动", "nobody"),
    ("/events/{event}", "nobody enterprise organizer newcomer admin"),
    ("/events/{off}", "nobody"),
    ("/events/{event}/register", "enterprise newcomer"),
    ("/registrations", "enterprise newcomer"),
    ("/registrations/{registration}", "enterprise boss organizer auditor"),
    ("/registrations/{registration}/edit", "enterprise"),
    ("/events/{event}/desk", "organizer"),
    ("/events/{event}/desk?state=confirmed&kind=enterprise&q=示例", "organizer"),
    ("/events/{off}/desk", "organizer"),
    ("/events/new", "organizer"),
    ("/events/{event}/desk/edit", "organizer"),
    ("/events/{event}/desk/agenda", "organizer"),
    ("/events/{event}/desk/announcements", "organizer"),
    ("/events/{event}/desk/wishes", "organizer"),
    ("/events/{event}/desk/timetable", "organizer"),
    ("/events/{event}/desk/meetings", "organizer"),
    ("/events/{event}/desk/tables", "organizer"),
    ("/events/{running}/desk/tables?q=试验机", "organizer"),
    ("/events/{off}/desk/meetings", "organizer"),
    ("/events/{running}/desk/report", "organizer"),
    ("/events/{event}/desk/organizers", "organizer"),
    ("/events/{event}/desk/documents", "organizer"),
    ("/events/{event}/desk?region=220000", "organizer"),
    ("/registrations/{registration}/wishes", "enterprise boss"),
    ("/registrations/{registration}/meetings", "enterprise boss"),
    ("/account/calendars", "newcomer manager"),
    ("/events/{event}/desk/door", "organizer"),
    ("/events/{running}/desk/door?q=某人", "organizer"),
    ("/funding", "nobody enterprise newcomer"),
    ("/funding?show=mine", "enterprise"),
    ("/funding?show=kept", "enterprise newcomer"),
    ("/funding?show=all&q=电解质&kind=bounty&region=220100&industry=3841", "nobody"),
    ("/funding?show=closed", "nobody"),
    ("/funding/{call}", "nobody enterprise newcomer admin"),
    ("/funding/{call}/edit", "enterprise"),
    ("/desk/funding/new", "enterprise"),
    ("/problems/{problem}/funding", "nobody enterprise"),
    ("/problems/{problem}/funding?eligible=1&kind=loan", "nobody"),
    ("/achievements/{achievement}/funding", "university"),
    ("/organisations", "nobody boss"),
    ("/organisations?q=示例&kind=enterprise&region=220000", "nobody"),
    ("/organisations/new", "newcomer"),
    ("/organisations/{place}", "nobody enterprise boss admin auditor"),
    ("/organisations/{asking_place}", "asking admin"),
    ("/desk", "newcomer university enterprise boss asking admin"),
    ("/desk?kind=problems&state=draft", "enterprise"),
    ("/desk/problems/new", "enterprise"),
    ("/desk/achievements/new", "university"),
    ("/desk/problems/{problem}", "enterprise"),
    ("/desk/problems/{draft}", "enterprise"),
    ("/desk/achievements/{achievement}", "university"),
    ("/desk/problems/{problem}/readers", "enterprise"),
    ("/platform", "admin auditor"),
    ("/platform?show=submitted", "admin auditor"),
    ("/platform?show=problems", "admin"),
    ("/platform/matching", "admin auditor"),
    ("/platform/facts", "admin auditor"),
    ("/platform/facts?name=ListingPublished&since=2026-01-01T00:00", "admin"),
    ("/platform/facts?name=NoSuchFact", "admin"),
    ("/account", "enterprise newcomer"),
    ("/sign-in", "nobody"),
    ("/register", "nobody"),
    ("/forgot", "nobody"),
    ("/confirm?token=x", "nobody"),
    ("/confirm", "nobody"),
    ("/reset?token=x", "nobody"),
    ("/join?token=x", "nobody newcomer"),
    ("/docs", "nobody"),
]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_page_is_whole_accessible_and_in_one_language(market, language):
    for url, seen_by in PAGES:
        for name in seen_by.split():
            visitor = market["who"][name]
            visitor.headers["Accept-Language"] = {"zh": "zh-CN", "en": "en"}[language]
            page = await visitor.page(url.format(**market))
            assert audit(page) == [], (url, name)
            assert page.one("html").attrs["lang"] == {"zh": "zh-CN", "en": "en"}[language]
            assert SEPARATOR not in page.text, (url, name)
            assert "Traceback" not in page.text
            assert "None" not in page.text.split(), (url, name)
            nav = page.one("nav", class_="main-nav").text
            assert ("Problems" in nav) == (language == "en")


async def test_pages_hold_what_they_are_for(market):
    who = market["who"]
    record = await who["nobody"].page(f"/problems/{market['problem']}")
    for wanted in ("≤ 10 Ω·cm2", "5 – 20 μm", "10 万元 – 50 万元", "20 万元", "双方共有", "吉林省长春市", "最后确认"):
        assert wanted in record.text
    assert "匹配的科技成果" in record.text
    assert "固态电解质薄膜制备" in record.one("div", id="ranking").text
    assert "登录后可见" in record.text
    seen = await who["university"].page(f"/achievements/{market['achievement']}")
    assert "li@test.example" in seen.text
    assert "li@test.example" not in (await who["nobody"].page(f"/achievements/{market['achievement']}")).text
    usable = await who["nobody"].page(f"/problems/{market['problem']}/instruments")
    assert "固态电解质界面阻抗测试台" in usable.text
    assert "最早可约" in usable.text
    desk = await who["enterprise"].page("/desk")
    assert "我们能解决" in desk.text


def test_every_text_of_the_templates_stands_in_both_languages():
    for template in TEMPLATES.rglob("*.html"):
        source = template.read_text(encoding="utf-8")
        for text in re.findall(r'\bt\("([^"]*)"', source):
            chinese, _, english = text.partition(SEPARATOR)
            assert english.strip(), f"{template.name}: {text}"
            assert not CHINESE.search(english.replace("铝合金热锻模具龟裂，求表面强化办法", "")), (
                f"{template.name}: {text}"
            )
            assert CHINESE.search(chinese) or not re.search("[a-z]{2}", english), f"{template.name}: {text}"
        # What is not said through `t` is markup, names of fields, or nothing.
        bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", source, flags=re.DOTALL)
        assert not CHINESE.search(re.sub(r"[（）：]", "", bare)) or template.name == "base.html", template.name


def test_every_word_of_the_language_has_a_name_in_both_languages():
    tables = {name: table for name, table in vars(words).items() if name.isupper() and name != "SIGNS"}
    assert len(tables) > 10
    for name, table in tables.items():
        for word, told in table.items():
            assert told.count(SEPARATOR) == 1, (name, word)


def test_words_are_known_for_every_member():
    from schemas import (
        achievements,
        agenda,
        bookings,
        charges,
        devices,
        event_extras,
        events,
        experts,
        funding,
        funding_rankings,
        identity,
        imports,
        labs,
        listings,
        meetings,
        operations,
        outcomes,
        outputs,
        problems,
        registrations,
        reports,
        tariffs,
        wishes,
    )

    for kind, table in (
        (listings.ListingState, words.STATES),
        (listings.ListingKind, words.KINDS),
        (listings.Stage, words.STAGES),
        (listings.CooperationMode, words.MODES),
        (listings.AdmissionState, words.ADMISSIONS),
        (identity.OrganisationKind, words.ORGANISATION_KINDS),
        (identity.Verification, words.VERIFICATIONS),
        (identity.Role, words.ROLES),
        (identity.TokenKind, words.TOKEN_KINDS),
        (achievements.PriceKind, words.PRICES),
        (achievements.IpStatus, words.IP_STATUSES),
        (problems.IpWish, words.IP_WISHES),
        (problems.Operator, words.OPERATORS),
        (experts.ServiceWay, words.SERVICE_WAYS),
        (labs.InstrumentKind, words.INSTRUMENT_KINDS),
        (labs.InstrumentState, words.INSTRUMENT_STATES),
        (labs.CustomerClass, words.CUSTOMERS),
        (labs.Operation, words.OPERATIONS),
        (labs.Audience, instrument_form.AUDIENCES),
        (imports.ImportKind, words.IMPORT_KINDS),
        (bookings.BookingState, words.BOOKING_STATES),
        (bookings.WaitingState, words.WAITING_STATES),
        (tariffs.LineKind, words.LINE_KINDS),
        (tariffs.Per, words.PER),
        (tariffs.Prices.model_fields, words.PRICED),
        (charges.ChargeKind, words.CHARGE_KINDS),
        (charges.EntryKind, words.ENTRY_KINDS),
        (charges.DisputeState, words.DISPUTE_STATES),
        (charges.Settlement, words.SETTLEMENTS),
        (bookings.UsageSource, words.USAGE_SOURCES),
        (bookings.AdjustmentState, words.ADJUSTMENT_STATES),
        (devices.DeviceKind, words.DEVICE_KINDS),
        (devices.MeterKind, words.METER_KINDS),
        (devices.MeterOutcome, words.METER_OUTCOMES),
        (outputs.OutputKind, words.OUTPUT_KINDS),
        (charges.RedemptionState, words.REDEMPTION_STATES),
        (reports.MapBy, words.MAP_BY),
        (reports.Grouping, words.GROUPINGS),
        (events.EventKind, words.EVENT_KINDS),
        (events.EventFormat, words.EVENT_FORMATS),
        (events.EventState, words.EVENT_STATES),
        (set(events.EventState) - {events.EventState.DRAFT}, words.EVENT_STEPS),
        (events.ParticipantKind, words.PARTICIPANTS),
        (events.QuestionKind, words.QUESTION_KINDS),
        (events.OrganizerRole, words.ORGANIZER_ROLES),
        (events.SpokenLanguage, words.SPOKEN),
        (agenda.SessionKind, words.SESSION_KINDS),
        (registrations.RegistrationState, words.REGISTRATION_STATES),
        (funding.FundingKind, words.FUNDING_KINDS),
        (funding.FundingKind, funding.GIVERS),
        (funding.FundingState, words.FUNDING_STATES),
        (funding.FundingPhase, words.FUNDING_PHASES),
        (funding_rankings.FundingRule, words.FUNDING_RULES),
        (funding_rankings.RuleVerdict, words.RULE_VERDICTS),
        (funding_rankings.FundingStanding, words.STANDINGS),
        (bookings.CalendarKind, words.CALENDAR_KINDS),
        (wishes.WishAnswer, words.WISH_ANSWERS),
        (wishes.Asked, words.ASKED),
        (wishes.Asked, words.SIDE_ASKS),
        (meetings.Planning, words.PLANNINGS),
        (meetings.LateJoiners, words.LATE_JOINERS),
        (meetings.Publishing, words.PUBLISHINGS),
        (meetings.MeetingState, words.MEETING_STATES),
        (meetings.Source, words.MEETING_SOURCES),
        (meetings.Ground, words.GROUNDS),
        (wishes.WhyNot, words.WHY_NOT),
        (meetings.Goal, words.GOALS),
        (meetings.Proof, words.PROOFS),
        (operations.OperationState, words.OPERATION_STATES),
        (event_extras.Audience, words.AUDIENCES),
        (outcomes.OutcomeStage, words.OUTCOME_STAGES),
        (outcomes.Result, words.RESULTS),
        ({"value", *words.NUMBERS}, {"value", *meetings.ScheduleNumbers.model_fields}),
    ):
        assert set(kind) == set(table)
    assert set(labs.InstrumentBody.model_fields) - {"exceptions"} == set(instrument_form.FIELDS)
    bodies = (achievements.AchievementBody, problems.ProblemBody, experts.ExpertBody)
    assert {name for body in bodies for name in body.model_fields} <= set(words.FIELDS)
    assert set(experts.ExpertState) <= set(words.STATES)


async def test_the_language_can_be_switched_and_stays(client, anybody):
    english = await anybody.get("/problems?lang=en")
    assert "Technical problems" in english.text
    kept = english.headers["set-cookie"]
    assert kept.startswith("duijie_language=en;")
    anybody.headers["Cookie"] = "duijie_language=en"
    assert "Technical problems" in (await anybody.page("/problems")).text
    page = await anybody.page("/problems?q=电池")
    switch = page.one("a", class_="lang")
    assert switch.attrs["href"] == "/problems?q=%E7%94%B5%E6%B1%A0&lang=zh"
    anybody.headers["Cookie"] = "duijie_language=klingon"
    assert "技术难题" in (await anybody.page("/problems")).text


async def test_a_parameter_that_a_chat_added_does_no_harm(anybody):
    await anybody.page("/problems?utm_source=wechat&from=timeline")
