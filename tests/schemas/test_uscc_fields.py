"""统一社会信用代码: every vector of the standard's arithmetic, and every single slip of the hand."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas import uscc
from schemas.uscc import ALPHABET, Uscc

FIELD: TypeAdapter[str] = TypeAdapter(Uscc)

# Public institutions, with the remainder of the weighted sum as worked out by hand.
VALID = {
    "12100000400000624D": (328, 18),
    "12100000425006117P": (659, 8),
    "12100000485001086E": (885, 17),
    "12100000422436090K": (694, 12),
    "1210000071780177X1": (1580, 30),
    "12100000400006719W": (592, 3),
    "12440300455752807L": (1034, 11),
}


def refusal(value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        FIELD.validate_python(value)
    [error] = caught.value.errors()
    assert " · " in error["msg"]
    assert not isinstance(value, str) or len(value) < 8 or value not in error["msg"]
    return error["type"]


@pytest.mark.parametrize("code", VALID)
def test_a_code_in_use_is_accepted_without_a_doubt(code):
    total, remainder = VALID[code]
    assert sum(ALPHABET.index(sign) * (3**place % 31) for place, sign in enumerate(code[:17])) == total
    assert total % 31 == remainder
    assert uscc.is_valid(code)
    assert uscc.make_check_digit(code[:17]) == code[17]
    assert uscc.make_organisation_check(code[8:16]) == code[16]
    assert FIELD.validate_python(code) == code
    assert uscc.warnings(code) == []


def test_a_remainder_of_nothing_gives_zero():
    assert uscc.make_check_digit("1210000042500615X") == "0"
    assert FIELD.validate_python("1210000042500615X0") == "1210000042500615X0"


@pytest.mark.parametrize(
    ("code", "word"),
    [
        pytest.param("12100000400000624X", "uscc_check_digit", id="wrong check character"),
        pytest.param("12100000400000642D", "uscc_check_digit", id="two characters swapped"),
        pytest.param("124403004558588048", "uscc_check_digit", id="made up"),
        pytest.param("12100000400000086T", "uscc_check_digit", id="made up, of a famous name"),
        pytest.param("1210000040000O624D", "uscc_character", id="letter O for zero"),
        pytest.param("12100000400000624", "uscc_length", id="check character missing"),
        pytest.param("12100000400000624DD", "uscc_length", id="one too many"),
        pytest.param("", "uscc_length", id="empty"),
        pytest.param("1" * 1_000_000, "uscc_length", id="a million"),
        pytest.param("121A0000400000624D", "uscc_region", id="letter among the region's digits"),
        pytest.param("12100000 00000624D", "uscc_character", id="space within"),
        pytest.param("１２１０００００４００٠００６２４D", "uscc_character", id="Arabic digit"),
        pytest.param("12100000400000624\0", "text_with_nul", id="NUL"),
        pytest.param("12100000400000624\ud800", "text_not_unicode", id="lone surrogate"),
        pytest.param("12100000400000624D\n", "line_with_control_character", id="line end"),
        pytest.param(121000004000006240, "text_expected", id="number"),
        pytest.param(None, "text_expected", id="nothing"),
        pytest.param(True, "text_expected", id="true"),
    ],
)
def test_a_wrong_code_is_refused_for_its_reason(code, word):
    assert refusal(code) == word


@pytest.mark.parametrize(
    "typed",
    [" 12100000400000624d ", "\u300012100000400000624D", "１２１００００0４０００００６２４Ｄ", "1210000040000062４ｄ"],
)
def test_a_code_is_kept_in_its_normal_form(typed):
    assert FIELD.validate_python(typed) == "12100000400000624D"


@pytest.mark.parametrize("code", VALID)
def test_every_single_change_of_a_character_is_caught(code):
    for place in range(18):
        for other in set(string.digits + string.ascii_uppercase) - {code[place]}:
            assert not uscc.is_valid(code[:place] + other + code[place + 1 :])


@pytest.mark.parametrize("code", VALID)
def test_every_swap_of_neighbours_is_caught(code):
    for place in range(17):
        if code[place] != code[place + 1]:
            assert not uscc.is_valid(code[:place] + code[place + 1] + code[place] + code[place + 2 :])


sample = st.builds(
    lambda kind, region, body: (first := kind + region + body) + uscc.make_check_digit(first),
    st.text(ALPHABET, min_size=2, max_size=2),
    st.text(string.digits, min_size=6, max_size=6),
    st.text(ALPHABET, min_size=9, max_size=9),
)


@given(code=sample, place=st.integers(0, 17), other=st.sampled_from(ALPHABET))
def test_no_code_survives_a_change_of_one_character(code, place, other):
    assert uscc.is_valid(code)
    assert uscc.is_valid(code[:place] + other + code[place + 1 :]) == (other == code[place])


@given(code=sample, place=st.integers(0, 16))
def test_no_code_survives_a_swap_of_neighbours(code, place):
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert uscc.is_valid(swapped) == (swapped == code)


@pytest.mark.parametrize(
    ("first16", "doubts"),
    [
        pytest.param("1210000099999999", ["organisation_check"], id="organisation code"),
        pytest.param("XX22010442500611", ["unknown_kind"], id="kind of body"),
        pytest.param("9122019942500611", ["unknown_region"], id="abolished region"),
        pytest.param("9122010442500611", [], id="a firm of Changchun"),
        pytest.param("C199999999999999", ["unknown_kind", "unknown_region", "organisation_check"], id="everything"),
    ],
)
def test_what_is_unusual_about_a_code_is_said_and_not_refused(first16, doubts):
    right = uscc.make_organisation_check(first16[8:])
    first17 = first16 + (("9" if right != "9" else "8") if "organisation_check" in doubts else right)
    code = FIELD.validate_python(first17 + uscc.make_check_digit(first17))
    assert [doubt.code for doubt in uscc.warnings(code)] == doubts
    assert all(" · " in doubt.detail for doubt in uscc.warnings(code))


def test_the_warning_case_of_the_standard():
    assert [doubt.code for doubt in uscc.warnings("121000009999999996")] == ["organisation_check"]


@pytest.mark.parametrize(
    "first17", ["", "1210000040000062", "1210000040000O624", "12100000400000624D", "12100000400000６24"]
)
def test_a_check_character_is_made_of_seventeen_characters_only(first17):
    with pytest.raises(ValueError, match="17"):
        uscc.make_check_digit(first17)


@pytest.mark.parametrize("first8", ["", "4000006", "400000624", "4000006a"])
def test_an_organisation_check_is_made_of_eight_characters_only(first8):
    with pytest.raises(ValueError, match="8"):
        uscc.make_organisation_check(first8)


def test_the_json_schema_says_what_a_code_looks_like():
    described = FIELD.json_schema()
    assert (described["minLength"], described["maxLength"], described["format"]) == (18, 18, "uscc")
    assert described["examples"] == ["12100000400000624D"]
