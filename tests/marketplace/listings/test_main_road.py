"""An achievement and a problem, from draft to published and back."""


async def test_a_published_achievement_is_listed_for_everybody(given, client):
    university = await given.university()
    made = await given.achievement(university, title="高导热碳纤维复合材料", industries=["2651"] if False else [])
    page = (await client.get("/api/v1/achievements")).json()
    assert [item["id"] for item in page["items"]] == [made["id"]]


async def test_a_draft_is_there_for_its_own_organisation_alone(given, client):
    university, stranger = await given.university(), await given.university()
    made = await given.achievement(university, published=False)
    url = f"/api/v1/achievements/{made['id']}"
    assert (await university.get(url)).status_code == 200
    assert (await stranger.get(url)).status_code == 404
    assert (await client.get(url)).status_code == 404
