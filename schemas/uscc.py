"""统一社会信用代码, the 18-character identifier of a Chinese organisation (GB 32100-2015).

A right check character shows that the code was typed correctly; it says nothing about who typed it.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas import codes
from schemas.text import fold, refuse_unless_clean

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_FORM = r"^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"

# Registering department and kind of body. Letters were added after 2015, so the unknown is only remarked upon.
_KINDS_BY_DEPARTMENT = {
    "1": "1239",
    "2": "19",
    "3": "123459",
    "4": "19",
    "5": "1239",
    "6": "12",
    "7": "129",
    "8": "19",
    "9": "123",
    "A": "19",
    "N": "1239",
    "Y": "1",
}
KINDS = frozenset(department + kind for department, kinds in _KINDS_BY_DEPARTMENT.items() for kind in kinds)
CENTRAL_REGISTRATION = "100000"


def normalise(text: str) -> str:
    """The form that is stored: no white space around, ASCII, upper case."""
    return fold(text).upper()


def make_check_digit(first17: str) -> str:
    """The 18th character that belongs to the first 17; ValueError when those are not of the alphabet."""
    if len(first17) != LENGTH - 1 or not _VALUE.keys() >= set(first17):
        raise ValueError("17 characters of the alphabet are needed")
    total = sum(_VALUE[character] * weight for character, weight in zip(first17, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def make_organisation_check(first8: str) -> str:
    """The check character of a GB 11714 organisation code (place 17 of the 18), from its first eight."""
    if not re.fullmatch(r"[0-9A-Z]{8}", first8):
        raise ValueError("8 digits or capital letters are needed")
    total = sum(int(character, 36) * weight for character, weight in zip(first8, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]


def is_valid(code: str) -> bool:
    """Whether a code in its normal form has the right shape and the right check character."""
    return re.fullmatch(_FORM, code) is not None and make_check_digit(code[:17]) == code[17]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something unusual about a valid code that a person should look at; no reason to refuse it."""

    code: str
    detail: str


def warnings(code: str) -> list[Doubt]:
    """What is unusual about a valid code, in the order of its characters."""
    doubts = []
    if code[:2] not in KINDS:
        doubts.append(
            Doubt(
                "unknown_kind",
                "前两位（登记管理部门与机构类别）不常见 · its first two characters are not a known kind of body",
            )
        )
    if code[2:8] != CENTRAL_REGISTRATION and codes.REGIONS.get(code[2:8]) is None:
        doubts.append(
            Doubt(
                "unknown_region",
                "第 3–8 位不是现行的行政区划代码，可能已撤并 · characters 3–8 are no division code in force; it may have been abolished",
            )
        )
    if make_organisation_check(code[8:16]) != code[16]:
        doubts.append(
            Doubt(
                "organisation_check",
                "第 9–17 位不符合组织机构代码的校验规则 · characters 9–17 fail the check of an organisation code (GB 11714)",
            )
        )
    return doubts


def _read(value: object) -> str:
    code = normalise(refuse_unless_clean(value))
    if len(code) != LENGTH:
        raise PydanticCustomError(
            "uscc_length", "统一社会信用代码为 18 位 · a unified social credit code has 18 characters"
        )
    if not _VALUE.keys() >= set(code):
        raise PydanticCustomError(
            "uscc_character",
            "统一社会信用代码只用数字和大写字母，且不用 I、O、S、V、Z"
            " · a unified social credit code holds digits and capital letters, but never I, O, S, V or Z",
        )
    if not re.fullmatch(_FORM, code):
        raise PydanticCustomError(
            "uscc_region",
            "统一社会信用代码第 3–8 位为行政区划数字 · characters 3–8 of a unified social credit code are digits",
        )
    if make_check_digit(code[:17]) != code[17]:
        raise PydanticCustomError(
            "uscc_check_digit",
            "统一社会信用代码的校验位不符，请核对后重新输入"
            " · the check character of this unified social credit code does not fit; compare it with the certificate",
        )
    return code


class _Uscc:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler.resolve_ref_schema(handler(schema))
        described.update(
            format="uscc", pattern=_FORM, minLength=LENGTH, maxLength=LENGTH, examples=["12100000400000624D"]
        )
        return described


Uscc = Annotated[str, _Uscc()]
"""A unified social credit code in its normal form, its check character verified."""
