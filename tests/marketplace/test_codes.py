"""`/api/v1/codes`: look-up for forms."""

import pytest


@pytest.mark.parametrize(
    ("table", "q", "first"),
    [
        ("industries", "汽车制造", "36"),
        ("industries", "3841", "3841"),
        ("industries", "３８４１", "3841"),
        ("regions", "长春", "220100"),
        ("disciplines", "材料科学", "430"),
        ("trl", "1", "1"),
    ],
)
async def test_the_best_fit_comes_first(client, table, q, first) -> None:
    found = (await client.get(f"/api/v1/codes/{table}", params={"q": q})).json()["items"]
    assert found[0]["code"] == first


async def test_a_code_says_where_it_belongs(client) -> None:
    one = (await client.get("/api/v1/codes/regions/220104")).json()
    assert (one["name"], one["path"], one["parent"]) == ("朝阳区", "吉林省长春市朝阳区", "220100")


async def test_a_form_can_walk_down(client) -> None:
    below = (await client.get("/api/v1/codes/industries", params={"under": "36", "limit": 100})).json()["items"]
    assert below
    assert all(item["code"].startswith("36") for item in below)


async def test_without_words_the_table_is_told_in_its_order(client) -> None:
    found = (await client.get("/api/v1/codes/regions", params={"level": "province", "limit": 3})).json()["items"]
    assert [item["code"] for item in found] == ["110000", "120000", "130000"]


@pytest.mark.parametrize("path", ["/api/v1/codes/nothing", "/api/v1/codes/nothing/1", "/api/v1/codes/regions/999999"])
async def test_what_does_not_exist_is_not_found(client, path) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_search_that_fits_nothing_is_empty(client) -> None:
    assert (await client.get("/api/v1/codes/regions", params={"q": "没有这个地方"})).json()["items"] == []
