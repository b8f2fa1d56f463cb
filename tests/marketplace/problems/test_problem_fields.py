"""What only a problem has: indicators, budget, deadline, ownership wish, bounty."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from tests.given.kinds import PROBLEM


@pytest.mark.parametrize(
    "budget", [{"low": "1.00", "high": None}, {"low": None, "high": "1.00"}, {"low": "1.00", "high": "1.00"}]
)
async def test_a_budget_has_one_end_or_two(budget, given):
    assert (await PROBLEM.draft(await given.enterprise(), budget=budget))["budget"] == budget


@pytest.mark.parametrize(
    ("field", "value", "pointer", "code"),
    [
        ("budget", {}, "/budget", "budget_empty"),
        ("budget", {"low": "2", "high": "1"}, "/budget", "budget_order"),
        ("budget", {"low": "-1"}, "/budget/low", "yuan_expected"),
        ("budget", {"low": "0.001"}, "/budget/low", "yuan_expected"),
        ("bounty", "1000000000000", "/bounty", "yuan_too_much"),
        ("bounty", True, "/bounty", "yuan_expected"),
        ("deadline", "2027-02-29", "/deadline", "day_expected"),
        ("deadline", "2027-02-28T24:00:00Z", "/deadline", "day_expected"),
        ("deadline", "1899-12-31", "/deadline", "year_out_of_range"),
        ("deadline", 20270101, "/deadline", "day_expected"),
        ("ip_wish", "mine", "/ip_wish", "enum"),
        ("industry", "999", "/industry", "unknown_industry"),
        ("industry", ["36"], "/industry", "text_expected"),
        ("disciplines", ["430", "4"], "/disciplines/1", "unknown_discipline"),
        ("indicators", [{"name": "硬度", "operator": "~", "value": "1"}], "/indicators/0/operator", "enum"),
        ("indicators", [{"name": "硬度", "operator": ">"}], "/indicators/0/value", "missing"),
        (
            "indicators",
            [{"name": "硬度", "operator": "between", "value": "1"}],
            "/indicators/0",
            "indicator_upper",
        ),
        (
            "indicators",
            [{"name": "硬度", "operator": ">", "value": "1", "upper": "2"}],
            "/indicators/0",
            "indicator_upper",
        ),
        ("indicators", [{"name": "硬度", "operator": "=", "value": 60}], "/indicators/0/value", "text_expected"),
    ],
)
async def test_a_value_that_cannot_be_is_refused_with_its_field_named(field, value, pointer, code, given):
    refused = await PROBLEM.post(await given.enterprise(), title="一", **{field: value})
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)


async def test_a_deadline_ends_with_the_day_in_china(given):
    """At one in the morning in Beijing it is still yesterday in Greenwich."""
    owner = await given.enterprise()
    local = clock.now().astimezone(clock.BEIJING)
    into_the_night = timedelta(hours=25) - timedelta(hours=local.hour, minutes=local.minute)
    with clock.ahead(into_the_night):
        today = clock.now().astimezone(clock.BEIJING).date()
        assert clock.now().date() == today - timedelta(days=1)
        last = await PROBLEM.draft(owner, deadline=today.isoformat())
        past = await PROBLEM.draft(owner, deadline=(today - timedelta(days=1)).isoformat())
        assert (await owner.post(PROBLEM.at(last, "publication"))).status_code == 200
        refused = await owner.post(PROBLEM.at(past, "publication"))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/deadline")
