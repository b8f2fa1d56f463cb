"""Who could solve it: experts ranked with reasons, as they are now, and the problems that fit them."""

from uuid import UUID

import pytest
from sqlalchemy import update
from uuid_utils.compat import uuid4, uuid7

from marketplace.kernel import clock
from marketplace.kernel.facts import record
from marketplace.listings.facts import ListingsImported
from marketplace.listings.models import Listing
from matching import Query
from schemas.identity import Role
from tests.given.experts import EVIDENCE, URL, drafted, published
from tests.marketplace.pairings.conftest import added_up

FATIGUE = "铝合金焊缝疲劳裂纹，求寿命评估办法"


async def matched(client, text=FATIGUE, **more):
    answer = await client.post("/api/v1/expert-matches", json={"text": text} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(page) -> list[str]:
    return [item["name"] for item in page["items"]]


async def test_a_text_finds_experts_with_reasons_that_add_up(client, engine, given):
    owner = await given.university()
    await published(owner, name="虚构甲", focus="焊缝疲劳裂纹扩展", description="研究铝合金焊缝的疲劳寿命评估。", talks=2,
                    services=["consulting"], unit="材料学院", academic_title="教授")  # fmt: skip
    await published(owner, name="虚构乙", focus="裂纹断口", description="断口形貌。")
    await published(owner, name="虚构丙", focus="玉米育种", description="种质资源。")
    await drafted(owner, name="虚构丁", focus="焊缝疲劳裂纹", description="焊缝疲劳裂纹寿命。")
    await engine.load()
    page = await matched(client)
    assert names(page) == ["虚构甲", "虚构乙"]
    assert page["fits"]
    first = page["items"][0]
    assert (first["kind"], first["title"], first["talks"], first["services"]) == (
        "expert", "焊缝疲劳裂纹扩展", 2, ["consulting"]
    )  # fmt: skip
    for item in page["items"]:
        assert added_up(item) == pytest.approx(item["score"], abs=1e-6)
    assert page["considered"] == 3, "the draft is not even counted"


async def test_nothing_that_fits_is_said_plainly(client, engine, given):
    await published(await given.university(), focus="玉米育种", description="种质资源与分子标记。")
    await engine.load()
    page = await matched(client, "港口起重机防风制动")
    assert not page["fits"]
    assert page["message"]


async def test_nobody_is_found_by_their_name(client, engine, given):
    await published(await given.university(), name="欧阳虚构", focus="玉米育种", description="种质资源。")
    await engine.load()
    assert (await matched(client, "欧阳虚构"))["items"] == []


async def test_filters_of_experts(client, engine, given):
    owner = await given.university()
    here = {"region": "220104", "industries": ["3612"], "disciplines": ["43020"], "services": ["residency"]}
    there = {"region": "440103", "industries": ["0111"], "disciplines": ["210"], "services": ["testing"]}
    for name, more in (("本省", here), ("外省", there)):
        await published(owner, name=name, focus="焊缝疲劳裂纹", description="寿命评估。", **more)
    await engine.load()
    assert len(names(await matched(client))) == 2
    for wish in ({"region": ["220000"]}, {"industry": ["C"]}, {"discipline": ["430"]}, {"service": ["residency"]}):
        page = await matched(client, filters=wish)
        assert (names(page), page["considered"]) == (["本省"], 1), wish
    wrong = await client.post("/api/v1/expert-matches", json={"text": "a", "filters": {"mode": ["licence"]}})
    assert wrong.status_code == 422


async def test_a_record_finds_its_experts_page_by_page(client, engine, given):
    owner, enterprise = await given.university(), await given.enterprise()
    problem = await given.problem(enterprise, title="焊缝疲劳裂纹", description=FATIGUE, region="440100")
    achievement = await given.achievement(owner, title="焊缝疲劳裂纹检测", description="裂纹检测与寿命评估。")
    for region in ("220104", "440103", "110101"):
        await published(owner, focus="焊缝疲劳裂纹", description="寿命评估。", region=region)
    await engine.load()
    url = f"/api/v1/problems/{problem['id']}/experts"
    first = (await client.get(url, params={"limit": 2})).json()
    assert first["items"][0]["region"] == "440103", "the nearest of those who fit alike"
    rest = (await client.get(url, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 3
    only = (await client.get(url, params={"region": "110000"})).json()
    assert [item["region"] for item in only["items"]] == ["110101"]
    for_it = (await client.get(f"/api/v1/achievements/{achievement['id']}/experts")).json()
    assert len(for_it["items"]) == 3
    draft = await given.problem(enterprise, published=False, description=FATIGUE)
    hidden = f"/api/v1/problems/{draft['id']}/experts"
    assert [(await who.get(hidden)).status_code for who in (enterprise, owner, client)] == [200, 404, 404]


async def test_an_expert_finds_the_problems_that_fit(client, engine, given):
    owner, enterprise = await given.university(), await given.enterprise()
    fitting = await given.problem(enterprise, title="焊缝疲劳裂纹", description=FATIGUE)
    await given.problem(enterprise, title="玉米收获机割台", description="割台损失率高。")
    await given.problem(enterprise, published=False, title="焊缝疲劳裂纹草稿", description=FATIGUE)
    made = await published(owner, focus="焊缝疲劳", description="铝合金焊缝疲劳裂纹的寿命评估。")
    draft = await drafted(owner, focus="焊缝疲劳", description="铝合金焊缝疲劳裂纹的寿命评估。")
    await engine.load()
    page = (await client.get(f"{URL}/{made['id']}/problems")).json()
    assert [item["id"] for item in page["items"]] == [fitting["id"]]
    assert added_up(page["items"][0]) == pytest.approx(page["items"][0]["score"], abs=1e-6)
    # The owner sees what a draft would find; to others there is none.
    at = f"{URL}/{draft['id']}/problems"
    assert [(await who.get(at)).status_code for who in (owner, client)] == [200, 404]
    assert (await client.get(f"{URL}/{uuid4()}/problems")).status_code == 404


async def test_achievements_speak_for_their_expert(client, engine, given):
    """What an achievement is called and about counts for its experts, as long as it is open; their edits, too."""
    owner = await given.university()
    achievement = await given.achievement(owner, title="磁悬浮轴承", keywords=["永磁偏置"])
    made = await published(owner, focus="机械设计", description="转子动力学。", achievement_ids=[achievement["id"]])
    await engine.load()
    for text in ("磁悬浮轴承", "永磁偏置"):
        page = await matched(client, text)
        assert [item["id"] for item in page["items"]] == [made["id"]], text
        assert added_up(page["items"][0]) == pytest.approx(page["items"][0]["score"], abs=1e-6)
    assert (await matched(client, "固态电解质薄膜"))["items"] == [], "what else it says is its own"
    assert (await owner.post(f"/api/v1/achievements/{achievement['id']}/withdrawal")).status_code == 200
    await engine.load()
    assert (await matched(client, "磁悬浮轴承"))["items"] == []


async def test_every_step_is_followed(standing, given_there):
    """Within a look of the ranking, a quarter of a second: published, edited, withdrawn, confirmed, erased."""
    owner = await given_there.university()
    engine = standing.engine
    achievement = await given_there.achievement(owner)
    await engine.load()
    made = await drafted(owner, achievement_ids=[achievement["id"]])
    at = f"{URL}/{made['id']}"

    async def there() -> bool:
        await engine.catch_up()
        return made["id"] in engine.snapshot("expert")

    async def found(text: str) -> list[str]:
        await engine.catch_up()
        items = engine.snapshot("expert").rank(Query(text), now=clock.now().timestamp()).items
        return [match.key for match in items]

    assert not await there()
    assert (await owner.post(f"{at}/consent", {"evidence": EVIDENCE})).status_code == 200
    assert not await there()
    shown = (await owner.post(f"{at}/publication")).json()
    assert await there()
    edited = await owner.patch(at, {"focus": "冲击试验"}, version=shown["version"])
    assert edited.status_code == 200
    assert await found("冲击试验") == [made["id"]]
    # An edit of the achievement that speaks for them counts as one of theirs.
    url = f"/api/v1/achievements/{achievement['id']}"
    changed = await owner.patch(url, {"title": "磁悬浮轴承"}, version=achievement["version"])
    assert changed.status_code == 200
    assert await found("磁悬浮") == [made["id"]]
    assert (await owner.post(f"{url}/withdrawal")).status_code == 200
    assert await found("磁悬浮") == []
    admin = await given_there.admin()
    decisions = f"/api/v1/organisations/{owner.organisation.id}/verification/decisions"
    for decision, ranked in (("suspend", False), ("reinstate", True)):
        assert (await admin.post(decisions, {"decision": decision, "reason": "核查"})).status_code == 200
        assert await there() == ranked
    assert (await owner.post(f"{at}/withdrawal")).status_code == 200
    assert not await there()
    assert (await owner.post(f"{at}/publication")).status_code == 200
    assert await there()
    assert (await owner.delete(f"{at}/consent")).status_code == 200
    assert not await there()
    for step, body in (("consent", {"evidence": EVIDENCE}), ("publication", None)):
        assert (await owner.post(f"{at}/{step}", body)).status_code == 200
    assert await there()
    assert (await owner.delete(at)).status_code == 204
    assert not await there()


async def test_an_import_of_very_many_achievements_is_news_of_their_experts(standing, given_there):
    owner = await given_there.university()
    achievement = await given_there.achievement(owner)
    made = await published(owner, achievement_ids=[achievement["id"]])
    engine = standing.engine
    await engine.load()
    async with standing.session() as session:
        # As a file does it: the row is written past the verbs, and one fact names it among thirty-three thousand.
        await session.execute(update(Listing).where(Listing.id == achievement["id"]).values(title="磁悬浮轴承"))
        many = [*(uuid7() for _ in range(33_000)), UUID(achievement["id"])]
        await record(session, ListingsImported("achievement", many))
        await session.commit()
    await engine.catch_up()
    found = engine.snapshot("expert").rank(Query("磁悬浮"), now=clock.now().timestamp())
    assert [match.key for match in found.items] == [made["id"]]


async def test_experts_have_segments_of_their_own_on_the_disk(standing, given_there):
    """Another process opens what the first one wrote."""
    owner = await given_there.university()
    made = await published(owner)
    await standing.engine.load()
    folder = await standing.engine.folder()
    assert (folder / "expert").is_dir()
    other = type(standing.engine)(standing.database, standing.app.state.settings.home)
    await other.open()
    assert made["id"] in other.snapshot("expert")
    assert other.readiness()["expert"]["records"] == 1


async def test_a_page_costs_as_many_statements_as_one_expert(client, engine, given, statements):
    owner = await given.university()
    achievement = await given.achievement(owner)
    counts = []
    for more in (1, 12):
        for _ in range(more):
            await published(owner, focus="焊缝疲劳裂纹", achievement_ids=[achievement["id"]])
        await engine.load()
        with statements() as seen:
            page = await matched(client)
        counts.append((len(page["items"]), len(seen)))
    (few, first), (many, second) = counts
    assert (few, many) == (1, 13)
    assert first == second


async def test_roles_without_records_do_not_write_experts(given):
    at = await given.organisation()
    for role in (Role.VIEWER, Role.LAB_MANAGER, Role.BROKER):
        somebody = await given.person(role, at)
        body = {"name": "虚构", "focus": "焊接", "organisation_id": str(at.id)}
        assert (await somebody.post(URL, body)).status_code == 403
