"""What only an achievement has: price, intellectual property, team, readiness, its codes."""

import pytest

from tests.given.kinds import ACHIEVEMENT


@pytest.mark.parametrize(
    "price",
    [
        {"kind": "fixed", "low": "1.00", "high": None},
        {"kind": "range", "low": "1.00", "high": "1.00"},
        {"kind": "range", "low": "0.00", "high": "999999999999.99"},
        {"kind": "negotiable", "low": None, "high": None},
    ],
    ids=lambda price: price["kind"],
)
async def test_a_price_has_the_parts_of_its_kind(price, given):
    owner = await given.university()
    assert (await ACHIEVEMENT.draft(owner, price=price))["price"] == price


@pytest.mark.parametrize(
    "price",
    [
        {"kind": "fixed"},
        {"kind": "fixed", "low": "1", "high": "2"},
        {"kind": "range", "low": "2"},
        {"kind": "range", "low": "2", "high": "1"},
        {"kind": "negotiable", "low": "1"},
    ],
)
async def test_a_price_with_other_parts_is_refused(price, given):
    refused = await ACHIEVEMENT.post(await given.university(), title="一", price=price)
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("/price", "price_parts")]


async def test_an_amount_may_be_a_number_and_is_read_back_with_two_decimals(given):
    owner = await given.university()
    made = await ACHIEVEMENT.draft(owner, price={"kind": "fixed", "low": 12.5})
    assert made["price"] == {"kind": "fixed", "low": "12.50", "high": None}


@pytest.mark.parametrize(
    ("field", "value", "pointer", "code"),
    [
        ("discipline", "99999", "/discipline", "unknown_discipline"),
        ("industries", ["C", "Z"], "/industries/1", "unknown_industry"),
        ("region", "990000", "/region", "unknown_region"),
        ("trl", 0, "/trl", "whole_number_out_of_range"),
        ("trl", 10, "/trl", "whole_number_out_of_range"),
        ("stage", "done", "/stage", "enum"),
        ("cooperation_modes", ["gift"], "/cooperation_modes/0", "enum"),
        (
            "intellectual_property",
            [{"kind": "poem", "status": "granted"}],
            "/intellectual_property/0/kind",
            "unknown_ip_type",
        ),
        (
            "intellectual_property",
            [{"kind": "know_how", "status": "old"}],
            "/intellectual_property/0/status",
            "enum",
        ),
        ("registration_number", "123", "/registration_number", "text_too_short"),
        ("registration_number", "1" * 13, "/registration_number", "text_too_long"),
        ("team", [{"role": "无名"}], "/team/0/name", "missing"),
        ("team", [{"name": "某"}] * 51, "/team", "too_long"),
        ("awards", ["奖"] * 51, "/awards", "too_long"),
        ("keywords", ["词"] * 21, "/keywords", "too_long"),
        ("keywords", ["长" * 51], "/keywords/0", "text_too_long"),
        ("industries", ["C"] * 11, "/industries", "too_long"),
        ("talks", 0, "/talks", "whole_number_out_of_range"),
        ("talks", 1001, "/talks", "whole_number_out_of_range"),
        ("talks", "三", "/talks", "whole_number_expected"),
        ("publicly_funded", "perhaps", "/publicly_funded", "bool_type"),
        ("publicly_funded", "true", "/publicly_funded", "bool_type"),
        ("publicly_funded", 1, "/publicly_funded", "bool_type"),
        ("contact", {"phone": "1"}, "/contact/name", "missing"),
        ("contact", {"name": "某", "email": "not an address"}, "/contact/email", "email"),
    ],
)
async def test_a_value_that_cannot_be_is_refused_with_its_field_named(field, value, pointer, code, given):
    refused = await ACHIEVEMENT.post(await given.university(), title="一", **{field: value})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert error["detail"]


async def test_all_that_is_wrong_is_told_at_once(given):
    refused = await ACHIEVEMENT.post(await given.university(), title=" ", region="1", trl="高")
    assert {e["pointer"] for e in refused.json()["errors"]} == {"/title", "/region", "/trl"}


async def test_codes_may_be_written_in_full_width_and_lower_case(given):
    made = await ACHIEVEMENT.draft(await given.university(), industries=["ｃ", " ３６１２"], region="２２０１０４")
    assert (made["industries"], made["region"]) == (["C", "3612"], "220104")
