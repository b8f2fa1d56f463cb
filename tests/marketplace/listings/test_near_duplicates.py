"""Nearly the same: whom it tells of what, exactly how much, a page at a time."""

from sqlalchemy import text

from marketplace.listings import duplicates
from tests.given.kinds import KINDS

STORY = (
    "面向寒区公路桥梁伸缩缝渗水问题，采用改性聚氨酯与橡胶颗粒复配的填缝料，在零下四十度仍保持弹性，"
    "与混凝土粘结强度提高一倍，现场冷施工两小时后即可通车，已在三座桥梁上经历两个冬季。"
)
OTHER = "玉米秸秆经高温好氧发酵制成育苗基质，替代草炭，成本降低四成，出苗率与商品基质相当，已在五个合作社推广使用两年。"


async def alike(kind, who, made, **params):
    answer = await who.get(kind.at(made, "near-duplicates"), params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_says_nearly_the_same_is_told_with_its_overlap(kind, owner, stranger, client):
    university, rival = owner, stranger
    mine = await kind.draft(university, title="桥梁伸缩缝填缝料", description=STORY)
    assert (await alike(kind, university, mine))["items"] == []
    copied = await kind.published(rival, title="桥梁伸缩缝填缝料", description=STORY)
    edited = await kind.published(rival, title="寒区填缝材料", description=STORY.replace("两小时", "三小时"))
    draft = await kind.draft(rival, title="桥梁伸缩缝填缝料", description=STORY)
    await kind.published(rival, title="育苗基质", description=OTHER)

    found = (await alike(kind, university, mine))["items"]
    assert [one["id"] for one in found] == [copied["id"], edited["id"]]
    assert found[0]["overlap"] > found[1]["overlap"] > 0.5
    assert (found[0]["overlap"], found[0]["of_this"], found[0]["of_other"]) == (1, 1, 1)
    assert "面向寒区公路桥梁" in found[1]["passages"][0]
    assert {one["organisation"]["id"] for one in found} == {str(rival.organisation.id)}
    # The rival sees their own draft as well, and not the other's.
    assert {one["id"] for one in (await alike(kind, rival, copied))["items"]} == {edited["id"], draft["id"]}
    assert [one["id"] for one in (await alike(kind, client, copied))["items"]] == [edited["id"]]

    first = await alike(kind, university, mine, limit=1)
    second = await alike(kind, university, mine, limit=1, cursor=first["next_cursor"])
    assert first["items"] + second["items"] == found
    assert second["next_cursor"] is None

    url = kind.at(edited)
    assert (await rival.patch(url, {"description": OTHER}, version=edited["version"])).status_code == 200
    assert [one["id"] for one in (await alike(kind, university, mine))["items"]] == [copied["id"]]


async def test_it_is_found_through_the_index_in_three_statements(owner, session, statements, monkeypatch):
    kind = KINDS[0]
    university = owner
    mine, _ = [await kind.published(university, title="填缝料", description=STORY) for _ in range(2)]
    with statements() as seen:
        assert len((await alike(kind, university, mine))["items"]) == 1
    assert sum("sketch &&" in one for one in seen) == 1
    await session.execute(text("set local enable_seqscan = off"))
    plan = await session.execute(text("explain select id from listing where sketch && array[1, 2]::bigint[]"))
    assert "listing_sketch_idx" in "\n".join(row[0] for row in plan)
    monkeypatch.setattr(duplicates, "COMPARED", 0)
    assert (await alike(kind, university, mine))["items"] == []
