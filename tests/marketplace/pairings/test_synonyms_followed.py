"""A changed synonym holds in every process from its next look on, and what it found is marked."""

from marketplace.commands import why
from marketplace.pairings.engine import Engine
from schemas.pairings import RankingPage

URL = "/api/v1/synonyms"


async def found(who) -> dict[str, list[str | None]]:
    answer = await who.post("/api/v1/matches", json={"text": "辊道窑", "kind": "achievement"})
    assert answer.status_code == 200, answer.text
    return {one["title"]: [term["synonym_of"] for term in one["reasons"]["terms"]] for one in answer.json()["items"]}


async def test_a_synonym_is_followed_marked_and_forgotten(standing, given_there, tmp_path):
    university = await given_there.university()
    made = await given_there.achievement(university, title="隧道式焙烧炉节能改造")
    admin = await given_there.admin()
    other = Engine(standing.database, tmp_path)  # as another process has it
    for engine in (standing.engine, other):
        await engine.load()
    assert len(other.synonyms) > 0
    assert await found(standing.client) == {}

    group = await admin.post(URL, {"spellings": ["辊道窑", "焙烧炉"]})
    assert group.status_code == 201
    before = other.synonyms
    for engine in (standing.engine, other):
        await engine.catch_up()
        assert ("辊道窑", "焙烧炉") in engine.synonyms.groups
    assert other.synonyms is not before
    marked = await found(standing.client)
    page = await standing.client.post("/api/v1/matches", json={"text": "辊道窑", "kind": "achievement"})
    assert "（=辊道窑）" in why(RankingPage.model_validate_json(page.content).items[0]), "in the terminal, too"
    assert set(marked) == {made["title"]}
    assert "辊道窑" in marked[made["title"]]

    held = other.synonyms
    await other.catch_up()
    assert other.synonyms is held, "nothing new, nothing read again"
    assert (await admin.delete(f"{URL}/{group.json()['id']}")).status_code == 204
    await standing.engine.catch_up()
    assert await found(standing.client) == {}
