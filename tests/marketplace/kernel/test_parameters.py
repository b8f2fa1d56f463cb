"""A misspelt filter must not look like an answer."""

import pytest

ORGANISATIONS, CODES = "/api/v1/organisations", "/api/v1/codes/trl"


async def errors(client, url, **more) -> list[tuple[str, str]]:
    answer = await client.get(url, **more)
    assert answer.status_code == 422, answer.text
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


@pytest.mark.parametrize("url", [ORGANISATIONS, CODES, "/api/v1/codes/trl/4", "/api/v1/me"])
async def test_a_parameter_that_a_route_does_not_know_is_refused_by_name(url, client):
    assert await errors(client, f"{url}?kidn=lab") == [("kidn", "unknown_parameter")]


async def test_a_name_without_a_value_and_a_name_that_is_empty_are_unknown_too(client):
    assert await errors(client, f"{ORGANISATIONS}?kidn") == [("kidn", "unknown_parameter")]
    assert await errors(client, f"{ORGANISATIONS}?=1") == [("", "unknown_parameter")]


@pytest.mark.parametrize("name", ["limit", "q", "kind", "mine", "cursor"])
async def test_a_parameter_that_has_one_value_is_given_once(name, client):
    assert (name, "repeated_parameter") in await errors(client, f"{ORGANISATIONS}?{name}=a&{name}=b")


async def test_a_parameter_that_has_many_values_is_given_as_often_as_one_likes(client):
    url = f"{ORGANISATIONS}?" + "&".join(["region=220100"] * 20)
    assert (await client.get(url)).status_code == 200
    assert await errors(client, url + "&region=220100") == [("region", "too_long")]


async def test_a_routes_own_names_go_through(client):
    params = {"limit": 5, "q": "", "kind": "lab", "mine": "false", "verification": "verified", "region": "220100"}
    assert (await client.get(ORGANISATIONS, params=params)).status_code == 200


async def test_a_change_is_as_strict_as_a_list(given):
    anna = await given.person()
    refused = await anna.patch("/api/v1/me?dry_run=1", {"name": "安娜"}, version=1)
    assert refused.status_code == 422
    assert (await anna.get("/api/v1/me")).json()["version"] == 1


async def test_thousands_of_strange_names_are_told_of_in_part(client):
    url = f"{ORGANISATIONS}?" + "&".join(f"{'x' * 300}{n}=1" for n in range(100))
    found = await errors(client, url)
    assert len(found) == 50
    assert max(len(pointer) for pointer, _ in found) == 100


async def test_above_the_maximum_a_limit_is_the_maximum_and_below_one_it_is_refused(client):
    for limit in ("101", "1000001", str(10**30)):
        assert (await client.get(f"{ORGANISATIONS}?limit={limit}")).status_code == 200
        assert (await client.get(f"/api/v1/codes/industries?limit={limit}")).status_code == 200
    for limit in ("0", "-1", "-" + "9" * 30, "1.5", "", "NaN", "true", "\u0661"):
        assert await errors(client, ORGANISATIONS, params={"limit": limit})


async def test_a_table_of_codes_answers_a_hundred_at_most(client):
    assert len((await client.get("/api/v1/codes/industries?limit=5000")).json()["items"]) == 100


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/api/v1/codes/trl?q=4", 200),
        ("/api/v1/codes/industries?q=%E5%8C%96%E5%AD%A6&level=major", 200),
        ("/api/v1/codes/regions?under=220000", 200),
        ("/api/v1/codes/nothing", 404),
        ("/api/v1/codes/nothing/1", 404),
        ("/api/v1/codes/trl/99", 404),
        ("/api/v1/codes/UPPER", 422),
        ("/api/v1/codes/" + "x" * 41, 422),
    ],
)
async def test_code_tables_answer_or_say_why_not(url, status, client):
    assert (await client.get(url)).status_code == status


async def test_a_code_comes_with_its_place(client):
    found = (await client.get("/api/v1/codes/regions/220100")).json()
    assert (found["code"], found["parent"]) == ("220100", "220000")
    assert "长春" in found["path"]
