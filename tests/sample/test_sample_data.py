"""The sample records hold together: their codes exist, their references lead somewhere, no text stands twice."""

import csv
import json
import re
from collections import Counter
from datetime import date
from decimal import Decimal
from importlib.resources import files
from itertools import combinations

import pytest

from schemas.experts import ExpertBody, ServiceWay
from schemas.labs import CustomerClass, InstrumentBody
from schemas.outputs import OutputNew

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
MODES = {"transfer", "licence", "equity", "joint_development", "service"}
FICTIONAL_DOMAIN = re.compile(r"@(example\.com|example\.edu|[a-z0-9-]+\.example)$")


def load(name):
    lines = (files("marketplace.sample") / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def codes(name):
    text = (files("schemas.standards") / f"{name}.csv").read_text(encoding="utf-8")
    return {row["code"]: row for row in csv.DictReader(text.splitlines())}


ORGANISATIONS = load("organisations")
PEOPLE = load("people")
ACHIEVEMENTS = load("achievements")
PROBLEMS = load("problems")
INSTRUMENTS = load("instruments")
EXPERTS = load("experts")
EVENTS = load("events")
BY_USCC = {each["uscc"]: each for each in ORGANISATIONS}
REGIONS, INDUSTRIES, DISCIPLINES, IP_TYPES = map(codes, ("regions", "industries", "disciplines", "ip_types"))

organisations = pytest.mark.parametrize("organisation", ORGANISATIONS, ids=lambda each: each["name_en"])
achievements = pytest.mark.parametrize("achievement", ACHIEVEMENTS, ids=lambda each: each["external_id"])
problems = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: each["external_id"])


def registration_check(first17):
    total = sum(ALPHABET.index(c) * pow(3, place, 31) for place, c in enumerate(first17))
    return ALPHABET[-total % 31]


def organisation_code_check(first8):
    total = sum(int(c, 36) * weight for c, weight in zip(first8, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return "0123456789X"[-total % 11]


def stage_of(trl):
    return "early" if trl <= 3 else "pilot" if trl <= 6 else "mature"


def test_the_check_sums_are_those_of_the_standards():
    assert registration_check("12100000400000624") == "D"
    assert organisation_code_check("40000062") == "4"
    assert organisation_code_check("71780177") == "X"


def test_there_is_enough_to_show():
    kinds = Counter(kind for each in ORGANISATIONS for kind in each["kinds"])
    assert 5 <= kinds["university"] <= 6
    assert 2 <= kinds["institute"] <= 3
    assert kinds["enterprise"] >= 26
    assert all(
        kinds[kind] >= 1 for kind in ("organizer", "lab", "broker", "service_provider", "finance", "government_desk")
    )
    assert len(ACHIEVEMENTS) >= 66
    assert len(PROBLEMS) >= 44
    assert sum(each["confidential"] is not None for each in ACHIEVEMENTS) >= 10
    assert sum(each["confidential"] is not None for each in PROBLEMS) >= 12
    assert 1 <= sum(not each["indicators"] for each in PROBLEMS) <= 2
    assert any(each["bounty"] for each in PROBLEMS)
    assert {each["stage"] for each in ACHIEVEMENTS} == {"early", "pilot", "mature"}
    assert {each["price"]["kind"] for each in ACHIEVEMENTS} == {"fixed", "range", "negotiable"}


def test_both_provinces_speak_on_both_sides():
    for records in (ACHIEVEMENTS, PROBLEMS):
        assert {each["region"][:2] for each in records} == {"22", "62"}


@organisations
def test_organisation(organisation):
    code = organisation["uscc"]
    assert re.fullmatch(f"[{ALPHABET}]{{18}}", code)
    assert code[17] == registration_check(code[:17])
    assert code[16] == organisation_code_check(code[8:16])
    assert code[2:8] == organisation["region"]
    assert organisation["region"] in REGIONS
    assert organisation["introduction"]
    assert organisation["verification"] in {"verified", "submitted", "unverified"}
    if {"university", "institute"} & set(organisation["kinds"]):
        assert code.startswith("12")
    if "enterprise" in organisation["kinds"]:
        assert code.startswith("91")


def test_organisations_are_distinct():
    for field in ("uscc", "name", "name_en", "introduction"):
        assert len({each[field] for each in ORGANISATIONS}) == len(ORGANISATIONS)
    assert sum(each["verification"] != "verified" for each in ORGANISATIONS) == 2


def test_people_work_for_known_organisations():
    assert len({each["email"] for each in PEOPLE}) == len(PEOPLE)
    held = Counter()
    editors = set()
    for person in PEOPLE:
        assert FICTIONAL_DOMAIN.search(person["email"])
        assert person["locale"] in {"zh", "en"}
        assert "password" not in person
        for role in person["roles"]:
            held[role["role"]] += 1
            if role["role"] in {"platform_admin", "auditor"}:
                assert role["organisation"] is None
            else:
                assert role["organisation"] in BY_USCC
            if role["role"] == "editor":
                editors.add(role["organisation"])
    assert held["organisation_admin"] == 3
    assert all(held[role] >= 1 for role in ("lab_manager", "organizer", "broker", "platform_admin", "auditor"))
    assert {each["uscc"] for each in ORGANISATIONS if "university" in each["kinds"]} <= editors
    assert sum("enterprise" in BY_USCC[uscc]["kinds"] for uscc in editors) >= 8


@achievements
def test_achievement(achievement):
    owner = BY_USCC[achievement["organisation"]]
    assert {"university", "institute"} & set(owner["kinds"])
    assert owner["verification"] == "verified"
    assert 60 <= len(achievement["summary"]) <= 160
    assert 250 <= len(achievement["description"]) <= 600
    assert 3 <= len(achievement["keywords"]) <= 8
    assert len(set(achievement["keywords"])) == len(achievement["keywords"])
    assert achievement["discipline"] in DISCIPLINES
    assert int(DISCIPLINES[achievement["discipline"]]["level"]) >= 2
    assert 1 <= len(achievement["industries"]) <= 3
    assert set(achievement["industries"]) <= INDUSTRIES.keys()
    assert achievement["stage"] == stage_of(achievement["trl"])
    assert achievement["region"] in REGIONS
    assert achievement["cooperation_modes"]
    assert set(achievement["cooperation_modes"]) <= MODES
    assert {each["kind"] for each in achievement["intellectual_property"]} <= IP_TYPES.keys()
    assert {each["status"] for each in achievement["intellectual_property"]} <= {"pending", "granted"}
    number = achievement["registration_number"]
    assert number is None or len(number) == 12


@achievements
def test_price_has_the_parts_of_its_kind(achievement):
    price = achievement["price"]
    parts = {"fixed": {"low"}, "range": {"low", "high"}, "negotiable": set()}[price["kind"]]
    assert price.keys() - {"kind"} == parts
    if price["kind"] == "range":
        assert 0 < Decimal(price["low"]) < Decimal(price["high"])


@achievements
def test_nobody_real_can_be_called(achievement):
    contact = achievement["contact"]
    assert re.fullmatch(r"000-0000-\d{4}", contact["phone"])
    assert FICTIONAL_DOMAIN.search(contact["email"])
    assert all(each["number"].startswith("虚构") for each in achievement["intellectual_property"])


@problems
def test_problem(problem):
    owner = BY_USCC[problem["organisation"]]
    assert "enterprise" in owner["kinds"]
    assert owner["verification"] == "verified"
    assert 80 <= len(problem["background"]) <= 200
    assert 200 <= len(problem["description"]) <= 500
    assert problem["tried"]
    assert problem["solver_conditions"]
    assert problem["industry"] in INDUSTRIES
    assert problem["disciplines"]
    assert set(problem["disciplines"]) <= DISCIPLINES.keys()
    assert problem["region"] in REGIONS
    assert problem["ip_wish"] in {"enterprise", "solver", "shared", "negotiable"}
    assert problem["cooperation_modes"]
    assert set(problem["cooperation_modes"]) <= MODES
    assert problem["bounty"] is None or Decimal(problem["bounty"]) > 0
    if problem["budget"] is not None:
        assert 0 < Decimal(problem["budget"]["low"]) < Decimal(problem["budget"]["high"])
    if problem["deadline"] is not None:
        assert date.fromisoformat(problem["deadline"]) > date(2027, 3, 31)


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda each: each["external_id"])
def test_instrument(instrument):
    owner = BY_USCC[instrument["organisation"]]
    assert owner["verification"] == "verified"
    assert instrument["region"] == owner["region"]
    written = {name: value for name, value in instrument.items() if name not in {"organisation", "external_id"}}
    body = InstrumentBody.model_validate(written)
    assert body.capabilities
    assert body.location
    assert body.min_minutes <= body.max_minutes
    if body.publicly_funded:
        assert CustomerClass.PROVINCE_FIRM in body.customers


def test_there_are_instruments_of_every_kind_in_both_provinces():
    assert {each["kind"] for each in INSTRUMENTS} == {"instrument", "test_service", "open_lab"}
    assert {each["region"][:2] for each in INSTRUMENTS} == {"22", "62"}
    for field in ("external_id", "name", "capabilities"):
        assert len({each[field] for each in INSTRUMENTS}) == len(INSTRUMENTS)


@pytest.mark.parametrize("expert", EXPERTS, ids=lambda each: each["external_id"])
def test_an_expert_is_whole_and_invented(expert):
    owner = BY_USCC[expert["organisation"]]
    assert owner["verification"] == "verified"
    spoken_for = {each["external_id"]: each["organisation"] for each in ACHIEVEMENTS}
    assert {spoken_for[one] for one in expert["achievements"]} == {expert["organisation"]}
    body = ExpertBody.model_validate(
        {name: value for name, value in expert.items() if name not in {"organisation", "external_id", "achievements"}}
    )
    assert body.description
    assert body.services
    assert body.disciplines
    assert body.industries
    assert body.homepage.startswith("https://people.duijie.example/")
    assert FICTIONAL_DOMAIN.search(body.contact.email)
    assert body.contact.phone.startswith("000-")


def test_there_are_experts_of_every_way_of_service_in_both_provinces():
    assert {way for each in EXPERTS for way in each["services"]} == set(ServiceWay)
    assert {each["region"][:2] for each in EXPERTS} == {"22", "62"}
    for field in ("external_id", "name", "focus", "description"):
        assert len({each[field] for each in EXPERTS}) == len(EXPERTS)


@problems
def test_indicators_are_figures(problem):
    indicators = problem["indicators"]
    assert len(indicators) <= 5
    assert len({each["name"] for each in indicators}) == len(indicators)
    for each in indicators:
        assert each["operator"] in {">=", "<=", ">", "<", "=", "between"}
        assert (each["upper"] is not None) == (each["operator"] == "between")
        value = Decimal(each["value"])
        assert each["upper"] is None or Decimal(each["upper"]) > value
        assert each["unit"] is None or each["unit"].strip()


def test_no_text_stands_twice():
    records = ACHIEVEMENTS + PROBLEMS
    for field in ("external_id", "title", "summary", "background", "description", "tried", "confidential"):
        values = [each[field] for each in records if each.get(field) is not None]
        assert len(set(values)) == len(values)


def test_no_two_descriptions_share_a_long_passage():
    length = 24
    passages = {
        each["external_id"]: {
            each["description"][at : at + length] for at in range(len(each["description"]) - length + 1)
        }
        for each in ACHIEVEMENTS + PROBLEMS
    }
    shared = [pair for pair in combinations(passages, 2) if not passages[pair[0]].isdisjoint(passages[pair[1]])]
    assert shared == []


@pytest.mark.parametrize(
    "record",
    [each for each in ACHIEVEMENTS + PROBLEMS if each["confidential"] is not None],
    ids=lambda each: each["external_id"],
)
def test_confidential_text_is_nowhere_public(record):
    secret = record["confidential"]
    pieces = {secret[at : at + 10] for at in range(len(secret) - 9)}
    public = "\n".join(
        json.dumps({**each, "confidential": None}, ensure_ascii=False) for each in ACHIEVEMENTS + PROBLEMS
    )
    assert [piece for piece in pieces if piece in public] == []


@pytest.mark.parametrize("event", EVENTS, ids=lambda each: each["external_id"])
def test_event(event):
    names = {one["email"] for one in PEOPLE}
    owners = {each["external_id"]: each["organisation"] for each in ACHIEVEMENTS + PROBLEMS}
    homes = {one["email"]: {role["organisation"] for role in one["roles"]} for one in PEOPLE}
    assert {event["organisation"], *(one["organisation"] for one in event["together"])} <= BY_USCC.keys()
    assert FICTIONAL_DOMAIN.search(event["event"]["contact"]["email"])
    assert re.fullmatch(r"000-0000-\d{4}", event["event"]["contact"]["phone"])
    assert event["organisation"] in homes[event["event"]["contact"]["email"]]
    invited = {one["kind"] for one in event["event"]["capacities"]}
    for one in event["registrations"]:
        assert one["by"] in names
        assert one["kind"] in invited
        assert {owners[record] for record in one.get("records", [])} <= homes[one["by"]]


def test_there_are_events_in_both_provinces_and_in_several_states():
    assert {each["event"]["region"][:2] for each in EVENTS} == {"22", "62"}
    assert {each["state"] for each in EVENTS} == {"published", "open", "closed"}
    assert {one.get("decision") for each in EVENTS for one in each["registrations"]} == {None, "approve", "wait"}


def test_use_and_what_it_led_to_hold_together():
    instruments = {each["external_id"] for each in INSTRUMENTS}
    used = load("usages")
    assert len(used) >= 30
    for each in used:
        assert each["instrument"] in instruments
        assert each["organisation"] is None or each["organisation"] in BY_USCC
        assert 1 <= each["weekday"] <= 7
        assert each["preparation_minutes"] + each["run_minutes"] + each["processing_minutes"] < 12 * 60
    led_to = load("outputs")
    assert {each["kind"] for each in led_to} == {"paper", "patent", "standard", "project"}
    for each in led_to:
        message = OutputNew(year=2026, **{name: each[name] for name in ("kind", "title", "number")})
        assert (message.number, each["instrument"] in instruments) == (each["number"], True)
