"""Each must-meet indicator of a problem beside what an achievement says to it, in both directions."""

INDICATORS = [
    {"name": "表面硬度", "operator": ">=", "value": "60", "unit": "HRC"},
    {"name": "抗拉强度", "operator": ">=", "value": "1000", "unit": "MPa"},
    {"name": "渗层深度", "operator": "<=", "value": "0.3", "unit": "mm"},
]
SAYS = "渗层表面硬度62 HRC，抗拉强度0.9 GPa，已在热锻模具上应用。"


async def pair(given):
    university, enterprise = await given.university(), await given.enterprise()
    achievement = await given.achievement(university, title="热锻模具渗层强化", description=SAYS)
    problem = await given.problem(
        enterprise, title="热锻模具渗层强化", description="热锻模具表面渗层强化，提高寿命。", indicators=INDICATORS
    )
    return achievement, problem


def told(pairing):
    return [(one["name"], one["verdict"], one["found"]) for one in pairing["coverage"]]


EXPECTED = [("表面硬度", "supported", "62 HRC"), ("抗拉强度", "partly", "0.9 GPa"), ("渗层深度", "not_found", None)]


async def test_each_indicator_is_marked_in_both_directions(given, client, app) -> None:
    achievement, problem = await pair(given)
    await app.state.engine.load()
    there = (await client.get(f"/api/v1/problems/{problem['id']}/pairings")).json()["items"]
    back = (await client.get(f"/api/v1/achievements/{achievement['id']}/pairings")).json()["items"]
    one = (await client.get(f"/api/v1/problems/{problem['id']}/pairings/{achievement['id']}")).json()
    assert told(there[0]) == told(back[0]) == told(one) == EXPECTED
    assert one["coverage"][1]["converted"] == [900.0, 900.0]
    assert "抗拉强度0.9 GPa" in one["coverage"][1]["sentence"]


async def test_a_free_text_has_no_indicators_to_cover(given, client, app) -> None:
    await pair(given)
    await app.state.engine.load()
    found = await client.post("/api/v1/matches", json={"text": "热锻模具渗层强化"})
    assert found.json()["items"][0]["coverage"] is None


async def test_a_problem_without_indicators_has_nothing_to_cover(given, client, app) -> None:
    achievement, _ = await pair(given)
    problem = await given.problem(await given.enterprise(), title="热锻模具渗层强化", description="热锻模具。")
    await app.state.engine.load()
    one = await client.get(f"/api/v1/problems/{problem['id']}/pairings/{achievement['id']}")
    assert one.json()["coverage"] == []
