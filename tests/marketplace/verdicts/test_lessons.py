"""What verdicts teach: weights that are activated only when they are better, and terms that are lowered for their kind."""

import re
from io import StringIO
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from rich.console import Console
from sqlalchemy import select

from marketplace.kernel.jobs import Place
from marketplace.listings.models import Achievement, Problem
from marketplace.pairings.engine import Engine
from marketplace.tuning import tunings
from marketplace.tuning.models import LoweredTerm
from marketplace.verdicts import lessons, terminal
from marketplace.verdicts.models import Verdict
from matching.blend import DEFAULT_WEIGHTS, TEXT_ONLY
from schemas.identity import Role
from schemas.listings import ListingKind
from schemas.tuning import LearntFrom, Measured
from tests.given.listings import a_listing
from tests.marketplace.pairings.conftest import added_up
from tests.marketplace.verdicts.conftest import FITS, MISLED, NEED

MODELS, TERMS = "/api/v1/matching-models", "/api/v1/misleading-terms"
HOUSES, ASKING, FOUND = 9, 4, 5


async def planted(
    given, seed: int, *, telling: str | None, named: int = 0, industries: tuple[str, ...] = ("34",)
) -> None:
    """Verdicts of nine houses in which one signal decides, or none; `named` of them call 无损检测 misleading."""
    session, dice = given.session, np.random.default_rng(seed)
    university = await given.organisation(name="某大学")
    found = [a_listing(Achievement, university, **MISLED) for _ in range(FOUND)]
    session.add_all(found)
    await session.flush()
    by = (await given.person()).id
    for house in range(HOUSES):
        owner = await given.organisation(name=f"第{house}家")
        asking = [a_listing(Problem, owner, **NEED) for _ in range(ASKING)]
        session.add_all(asking)
        await session.flush()
        for listing in asking:
            for other in found:
                values = {
                    name: float(dice.choice([0, 0.5, 1])) for name in ("field", "trl", "region", "budget", "freshness")
                }
                session.add(
                    Verdict(
                        kind=ListingKind.PROBLEM, listing_id=listing.id, other_id=other.id, organisation_id=owner.id,
                        grade=int(3 * values[telling]) if telling else int(dice.integers(0, 4)), by=by,
                        misleading=["无损检测"] if house < named else [], industries=list(industries), version=1,
                        said={
                            "title": listing.title, "other_title": other.title, "score": 0.2, "rank": 1, "model": 0,
                            "text": float(np.exp(dice.normal(-1.8, 0.1))),
                            "signals": [{"name": name, "value": value, "weight": 0} for name, value in values.items()],
                            "terms": [{"term": "无损检测", "contribution": 0.1}],
                        },
                    )
                )  # fmt: skip
    await session.commit()


async def learnt(admin, place: Place) -> dict[str, Any]:
    """Ask for it, do the job, read what came of it."""
    started = await admin.post(MODELS)
    assert started.status_code == 202, started.text
    args = {"operation_id": started.json()["id"]}
    for _ in range(2):
        await lessons.run(place, args)  # delivered twice, done once
    operation = (await admin.get(started.headers["Location"])).json()
    assert (operation["state"], operation["done"]) == ("done", operation["total"])
    return operation["result"]


@pytest.fixture
def place(standing, settings) -> Place:
    return Place(standing.database, settings)


async def test_weights_are_learnt_activated_followed_and_taken_back(standing, given_there, place, tmp_path):
    university, enterprise = await given_there.university(), await given_there.enterprise()
    near = await given_there.achievement(university, **FITS)
    need = await given_there.problem(enterprise, title=NEED["title"], region="220100")
    await planted(given_there, 1, telling="region")
    admin, auditor = await given_there.admin(), await given_there.person(Role.AUDITOR)
    other = Engine(standing.database, tmp_path / "other")  # as another process has it
    for engine in (standing.engine, other):
        await engine.load()
    url = f"/api/v1/problems/{need['id']}/pairings/{near['id']}"
    before = (await enterprise.get(url)).json()
    assert before["reasons"]["model"] == 0
    (starting,) = (await auditor.get(MODELS)).json()["items"]
    assert (starting["number"], starting["state"], starting["weights"]["field"]) == (0, "active", DEFAULT_WEIGHTS.field)

    result = await learnt(admin, place)
    assert (result["number"], result["better"], result["message"]) == (1, True, None)
    model = (await auditor.get(f"{MODELS}/{result['model_id']}")).json()
    assert (model["state"], model["against"], model["learnt_from"]["organisations"]) == ("candidate", 0, HOUSES)
    assert model["weights"]["region"] > 2 * DEFAULT_WEIGHTS.region
    assert 0 < model["measured"]["low"] <= model["measured"]["gain"] <= model["measured"]["high"]
    await other.catch_up()
    assert other.tuning.version == 0, "a candidate ranks nothing"

    pages, params = f"/api/v1/problems/{need['id']}/pairings", {"limit": 1}
    params["cursor"] = (await enterprise.get(pages, params=params)).json()["next_cursor"]
    at = f"{MODELS}/{model['id']}/activation"
    assert (await auditor.post(at)).status_code == 403
    assert (await admin.post(at)).json()["state"] == "active"
    assert (await admin.post(at)).json()["state"] == "active", "asked twice, done once"
    for engine in (standing.engine, other):
        await engine.catch_up()
        assert engine.tuning.weights.region == model["weights"]["region"]
        assert {kind: told["model"] for kind, told in engine.readiness().items()} == {
            "problem": 1, "achievement": 1, "instrument": 0, "expert": 0,
        }  # fmt: skip
    after = (await enterprise.get(url)).json()
    weights = {one["name"]: one["weight"] for one in after["reasons"]["signals"]}
    assert (after["reasons"]["model"], weights) == (1, model["weights"])
    assert after["score"] > before["score"], "they are of one region"
    later = (await enterprise.get(pages, params=params)).json()["items"]
    assert later[0]["reasons"]["model"] == 0, "a ranking that was begun goes on as it began"
    assert abs(added_up(after) - after["score"]) <= 1e-6

    stale = await learnt(admin, place)  # against version 1
    assert (await admin.post(f"{MODELS}/{starting['id']}/activation")).json()["state"] == "active"
    for engine in (standing.engine, other):
        await engine.catch_up()
        assert (engine.tuning.version, engine.tuning.weights) == (0, DEFAULT_WEIGHTS)
    states = {one["number"]: one["state"] for one in (await auditor.get(MODELS)).json()["items"]}
    assert states == {0: "active", 1: "retired", 2: "candidate"}
    refused = await admin.post(f"{MODELS}/{stale['model_id']}/activation")
    assert refused.status_code == 409
    assert (await admin.post(at)).json()["state"] == "active", "and forth again"
    async with standing.database.writing.begin() as session:
        figures = dict.fromkeys(Measured.model_fields, 0.1)
        evidence = LearntFrom(**model["learnt_from"])
        old = await tunings.keep(session, TEXT_ONLY, evidence, Measured(**figures), better=True, against=0, by=None)
    refused = await admin.post(f"{MODELS}/{old.id}/activation")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/compared-with-another")
    assert (await admin.post(f"{MODELS}/{admin.id}/activation")).status_code == 404


async def test_in_a_terminal_the_tables_are_shown_and_the_better_version_is_put_to_use(standing, given_there):
    await planted(given_there, 5, telling="trl", named=6)
    lesson = await lessons.learnt(standing.database)
    out = StringIO()
    console = Console(file=out, width=160)
    terminal.tell(console, lesson)
    await terminal.write(standing.database, lesson, console, activate=True)
    told = out.getvalue()
    for wanted in ("就绪度 · readiness", "nDCG@10", "确实更好", "无损检测", "版本 1 已启用"):
        assert wanted in told
    async with standing.session() as session:
        assert (await tunings.current(session)).version == 1


async def test_noise_is_not_activated_and_too_little_says_how_much_it_takes(standing, given_there, place):
    admin = await given_there.admin()
    result = await learnt(admin, place)
    assert result["model_id"] is None
    assert re.search(r"30 records .*there are 0", result["message"])
    assert (await admin.get(MODELS)).json()["items"][0]["number"] == 0
    await planted(given_there, 2, telling=None)
    result = await learnt(admin, place)
    assert (result["number"], result["better"]) == (1, False)
    refused = await admin.post(f"{MODELS}/{result['model_id']}/activation")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-better")
    assert (await admin.get(MODELS)).json()["items"][-1]["state"] == "active"


async def test_a_misleading_term_is_lowered_for_its_kind_and_struck_out(standing, given_there, place):
    university, enterprise = await given_there.university(), await given_there.enterprise()
    misled = await given_there.achievement(university, **MISLED)
    told = {"title": NEED["title"], "description": NEED["description"]}
    of_kind = await given_there.problem(enterprise, **told, industry="3451")
    of_another = await given_there.problem(enterprise, **told, industry="1411")
    admin = await given_there.admin()
    await standing.engine.load()

    async def shown(problem) -> tuple[float, dict[str, float]]:
        await standing.engine.catch_up()
        page = (await enterprise.get(f"/api/v1/problems/{problem['id']}/pairings")).json()
        item = next(one for one in page["items"] if one["id"] == misled["id"])
        assert abs(added_up(item) - item["score"]) <= 1e-6
        one = (await enterprise.get(f"/api/v1/problems/{problem['id']}/pairings/{misled['id']}")).json()
        assert abs(added_up(one) - one["score"]) <= 1e-6
        for term in one["reasons"]["terms"]:
            for part in term["parts"]:
                weight = (1 + np.log(part["tf_query"])) * part["idf"] * part["focus"] * part["emphasis"]
                weight *= part["aside"] * part["lowered"]
                assert weight / one["reasons"]["query_norm"] == pytest.approx(part["weight_query"], abs=1e-12)
        return item["reasons"]["text"], {term["term"]: term["lowered"] for term in item["reasons"]["terms"]}

    before, elsewhere = await shown(of_kind), await shown(of_another)
    assert set(before[1].values()) == {1.0}
    await planted(given_there, 3, telling="region", named=6)
    assert (await learnt(admin, place))["misleading_terms"] == 1
    (term,) = (await admin.get(TERMS, params={"lowering": "true"})).json()["items"]
    assert (term["term"], term["kind"], term["named_by"], term["asked"]) == ("无损检测", "34", 6, HOUSES)
    text, lowered = await shown(of_kind)
    assert text < before[0]
    assert lowered["无损检测"] == term["factor"] < 0.5
    assert await shown(of_another) == elsewhere, "in another kind of problem it is what it was"
    behind = (await admin.get(f"{TERMS}/{term['id']}/verdicts")).json()["items"]
    assert len(behind) == 20
    assert all(one["misleading"] == ["无损检测"] for one in behind)

    struck = await admin.post(f"{TERMS}/{term['id']}/striking-out", {"reason": "检测正是本行业要找的"})
    assert (struck.json()["lowering"], struck.json()["reason"]) == (False, "检测正是本行业要找的")
    assert (await admin.post(f"{TERMS}/{term['id']}/striking-out", {"reason": "再来"})).status_code == 409
    assert await shown(of_kind) == before
    assert (await learnt(admin, place))["misleading_terms"] == 1
    assert await shown(of_kind) == before, "what was struck out stays struck out"
    assert (await admin.post(f"{TERMS}/{term['id']}/restoration")).json()["lowering"] is True
    assert (await admin.post(f"{TERMS}/{term['id']}/restoration")).status_code == 409
    assert (await shown(of_kind))[1] == lowered

    # Verdicts that are taken back lower nothing any more.
    async with standing.database.writing.begin() as writing:
        for one in await writing.scalars(select(Verdict)):
            one.misleading = []
    assert (await learnt(admin, place))["misleading_terms"] == 0
    row = await admin.get(TERMS)
    assert (row.json()["items"][0]["stands"], row.json()["items"][0]["lowering"]) == (False, False)
    assert await shown(of_kind) == before


async def test_one_house_alone_lowers_nothing(standing, given_there, place):
    admin = await given_there.admin()
    await planted(given_there, 4, telling="trl", named=2)
    assert (await learnt(admin, place))["misleading_terms"] == 0
    async with standing.session() as session:
        assert (await session.scalars(select(LoweredTerm))).all() == []


async def test_the_work_can_be_cancelled_and_is_only_the_keepers(standing, given_there, place, monkeypatch):
    admin, editor = await given_there.admin(), await given_there.enterprise()
    assert (await editor.post(MODELS)).status_code == 403
    started = (await admin.post(MODELS)).json()
    await admin.post(f"/api/v1/operations/{started['id']}/cancellation")
    await lessons.run(place, {"operation_id": UUID(started["id"]).hex})
    assert (await admin.get(f"/api/v1/operations/{started['id']}")).json()["state"] == "cancelled"

    started = (await admin.post(MODELS)).json()

    async def learnt(database, progress):
        await admin.post(f"/api/v1/operations/{started['id']}/cancellation")
        await progress(1, 2)

    monkeypatch.setattr(lessons, "learnt", learnt)
    await lessons.run(place, {"operation_id": started["id"]})
    assert (await admin.get(f"/api/v1/operations/{started['id']}")).json()["state"] == "cancelled"
    assert len((await admin.get(MODELS)).json()["items"]) == 1, "and nothing was kept"
