"""The code tables: complete, walkable, searchable in one order, and fields that take their codes only."""

import csv
import json
import time
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest
from pydantic import TypeAdapter, ValidationError

import schemas.standards
from schemas import codes
from schemas.codes import (
    DISCIPLINES,
    INDUSTRIES,
    INSTRUMENT_CLASSES,
    REGIONS,
    TABLES,
    TRL,
    expand_section,
    industry_ancestors,
)

FOLDER = Path(schemas.standards.__file__).parent


def paths(table, q, limit=20, **narrowed):
    return [table.path(row.code) for row in table.search(q, limit, **narrowed)]


# --- the tables --------------------------------------------------------------------------------------------------


def test_every_packaged_file_is_a_table_and_the_other_way_round():
    assert {path.stem for path in FOLDER.glob("*.csv")} == set(TABLES)
    assert (FOLDER / "NOTICE").is_file()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_keeps_every_row_of_its_file_in_order(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    key = {"trl": "level", "instrument_classes": "local_key"}.get(name, "code")
    assert [row.code for row in TABLES[name]] == [row[key] for row in rows]
    assert len(TABLES[name]) == len(rows)
    assert all(row.name and row.name == row.name.strip() for row in TABLES[name])


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("industries", {"section": 20, "division": 97, "group": 473, "class": 1381}),
        ("disciplines", {"0": 5, "1": 62, "2": 740, "3": 2750}),
        ("regions", {"province": 34, "prefecture": 333, "county": 2846}),
        ("trl", {str(level): 1 for level in range(1, 10)}),
        ("contract_types", {"1": 5, "2": 16}),
        ("ip_types", {"1": 9, "2": 3}),
        ("tech_fields", {"1": 11}),
        ("instrument_classes", {"1": 15, "2": 93}),
    ],
)
def test_a_table_has_as_many_rows_a_level_as_its_standard(name, counts):
    assert Counter(row.level for row in TABLES[name]) == counts


@pytest.mark.parametrize("name", TABLES)
def test_every_parent_exists_and_no_row_stands_above_itself(name):
    table = TABLES[name]
    for row in table:
        above = table.ancestors(row.code)
        assert row.parent == (above[-1].code if above else None)
        assert row not in above
        assert table.path(row.code).endswith(row.name)
        assert all(table.within(row.code, step.code) for step in (*above, row))


@pytest.mark.parametrize("name", TABLES)
def test_children_and_descendants_cover_a_table_once(name):
    table = TABLES[name]
    top = table.children()
    assert top
    below = [code for row in top for code in (row.code, *table.descendants(row.code))]
    assert sorted(below) == sorted(row.code for row in table)
    assert table.children("nothing") == ()
    assert table.descendants("nothing") == ()


def test_an_unknown_code_is_nowhere():
    assert REGIONS.get("999999") is None
    assert "999999" not in REGIONS
    assert REGIONS.ancestors("999999") == ()
    assert REGIONS.path("999999") == ""
    assert not REGIONS.within("999999", "220000")
    assert not REGIONS.within("220104", "620000")


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("220104", "吉林省长春市朝阳区"),
        ("222400", "吉林省延边朝鲜族自治州"),
        ("620200", "甘肃省嘉峪关市"),
        ("110105", "北京市朝阳区"),
        ("429004", "湖北省仙桃市"),
        ("710000", "台湾省"),
    ],
)
def test_a_region_is_called_by_its_whole_name(code, path):
    assert REGIONS.path(code) == path


def test_an_industry_is_called_by_its_steps():
    assert INDUSTRIES.path("3612") == "制造业 › 汽车制造业 › 汽车整车制造 › 新能源车整车制造"


def test_an_industry_knows_what_stands_above_and_a_section_what_stands_below():
    assert industry_ancestors("3612") == ("C", "36", "361")
    assert industry_ancestors("C") == ()
    assert expand_section("B") == ("06", "07", "08", "09", "10", "11", "12")
    assert expand_section("06") == ()
    assert expand_section("Z") == ()
    assert sum(len(expand_section(letter)) for letter in "ABCDEFGHIJKLMNOPQRST") == 97


def test_a_discipline_is_placed_by_its_parent_and_not_by_its_prefix():
    assert DISCIPLINES.get("19035") is None
    assert [row.code for row in DISCIPLINES.ancestors("1903510")] == ["A", "190", "19030"]


def test_readiness_is_told_in_two_languages_with_its_stage():
    row = TRL.get("6")
    assert row is not None
    assert row.name_en is not None
    assert row.name_en.startswith("System/subsystem model")
    assert [level.stage for level in TRL] == ["初期"] * 3 + ["中期"] * 3 + ["成熟应用"] * 3


# --- searching ---------------------------------------------------------------------------------------------------


def test_the_better_fit_comes_first():
    assert [row.code for row in INDUSTRIES.search("36", 3)] == ["36", "361", "362"]
    assert paths(REGIONS, "吉林") == ["吉林省", "吉林省吉林市"]
    assert paths(REGIONS, "朝阳区") == ["北京市朝阳区", "吉林省长春市朝阳区"]
    assert paths(REGIONS, "朝阳") == ["北京市朝阳区", "辽宁省朝阳市", "辽宁省朝阳市朝阳县", "吉林省长春市朝阳区"]


def test_an_exact_name_goes_before_a_longer_one_and_that_before_one_that_contains_it():
    names = [row.name for row in INDUSTRIES.search("林业", 10)]
    assert names[0] == "林业"
    beginning = [name for name in names if name.startswith("林业")]
    assert names[: len(beginning)] == beginning


def test_all_words_are_looked_for_in_a_row_and_what_stands_above_it():
    assert paths(REGIONS, "吉林 朝阳") == ["吉林省长春市朝阳区"]
    assert paths(REGIONS, "长春市朝阳区") == ["吉林省长春市朝阳区"]
    assert paths(INDUSTRIES, "汽车 零部件") == ["制造业 › 汽车制造业 › 汽车零部件及配件制造"]
    assert REGIONS.search("吉林 深圳") == []


def test_readiness_is_found_in_english_and_by_stage():
    assert [row.code for row in TRL.search("PROTOTYPE")] == ["6", "7"]
    assert [row.code for row in TRL.search("中期")] == ["4", "5", "6"]


@pytest.mark.parametrize("q", ["２２０１０４", " 220104 ", "\u3000220104"])
def test_full_width_digits_are_read_as_digits(q):
    assert paths(REGIONS, q) == ["吉林省长春市朝阳区"]


def test_letters_are_found_in_either_case():
    assert [row.code for row in INDUSTRIES.search("c", 1)] == ["C"]
    assert [row.code for row in codes.IP_TYPES.search("PATENT", 2)] == ["patent", "patent_application"]


def test_without_words_a_table_is_told_in_its_own_order():
    assert [row.code for row in REGIONS.search(limit=3)] == ["110000", "110101", "110102"]
    assert [row.code for row in REGIONS.search("  ", level="province", limit=3)] == ["110000", "120000", "130000"]
    assert [row.code for row in INDUSTRIES.search(under="C", level="division", limit=100)] == list(expand_section("C"))


def test_a_search_stays_under_a_code_and_on_a_level():
    assert paths(REGIONS, "朝阳", under="220000") == ["吉林省长春市朝阳区"]
    assert paths(REGIONS, "朝阳", level="prefecture") == ["辽宁省朝阳市"]
    assert REGIONS.search("吉林省", under="220000") == []
    assert REGIONS.search("朝阳", under="nothing") == []
    assert REGIONS.search("朝阳", level="nothing") == []


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_finds_nothing(limit):
    assert REGIONS.search("朝阳", limit) == []


@pytest.mark.parametrize("q", ["%", "_", "\\", "'", "\0", "[", "\ud800", "字" * 100_000, "a b " * 50_000])
def test_odd_words_find_nothing_and_break_nothing(q):
    assert REGIONS.search(q) == []


def test_the_order_of_answers_is_always_the_same():
    for q in ("制造", "业", "其他", "1"):
        whole = INDUSTRIES.search(q, 5000)
        assert whole == INDUSTRIES.search(q, 5000)
        assert whole[:7] == INDUSTRIES.search(q, 7)
        assert len({row.code for row in whole}) == len(whole)


def test_a_search_is_quick_enough_for_a_form():
    DISCIPLINES.search("材料")
    began = time.perf_counter()
    for _ in range(20):
        DISCIPLINES.search("材料 科学")
    assert (time.perf_counter() - began) / 20 < 0.25


# --- the fields --------------------------------------------------------------------------------------------------

FIELDS = {
    "industries": codes.IndustryCode,
    "disciplines": codes.DisciplineCode,
    "regions": codes.RegionCode,
    "tech_fields": codes.TechFieldCode,
    "contract_types": codes.ContractTypeCode,
    "ip_types": codes.IpTypeCode,
    "instrument_classes": codes.InstrumentClassCode,
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_takes_every_code_of_its_table_and_its_schema_agrees(name):
    field: TypeAdapter[str] = TypeAdapter(FIELDS[name])
    described = jsonschema_rs.validator_for(field.json_schema())
    for row in TABLES[name]:
        assert field.validate_python(row.code) == row.code
        assert described.is_valid(row.code)
    for example in field.json_schema()["examples"]:
        assert example in TABLES[name]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(
    "value", ["", " ", "canary-code", "0", "999999", "9" * 1_000_000, "\0", "\ud800", "\u202e", "%", "'--", None, True, 36, 3.6, [], {}]
)  # fmt: skip
def test_a_field_refuses_what_is_not_in_its_table(name, value):
    field: TypeAdapter[str] = TypeAdapter(FIELDS[name])
    with pytest.raises(ValidationError) as caught:
        field.validate_python(value)
    [error] = caught.value.errors()
    assert " · " in error["msg"]
    assert "canary" not in error["msg"]
    if error["type"].startswith("unknown_"):
        assert error["msg"].count(f"/api/v1/codes/{name}") == 2


@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [
        ("industries", " ｃ ", "C"),
        ("industries", "３６１２", "3612"),
        ("disciplines", "a", "A"),
        ("regions", "２２０１０４", "220104"),
        ("ip_types", " Patent.Invention ", "patent.invention"),
        ("instrument_classes", "０１－０２", "01-02"),
    ],
)
def test_a_code_is_kept_in_its_normal_form(name, typed, kept):
    assert TypeAdapter(FIELDS[name]).validate_python(typed) == kept


@pytest.mark.parametrize("name", FIELDS)
def test_a_schema_is_no_longer_than_a_page(name):
    described = TypeAdapter(FIELDS[name]).json_schema()
    assert described["type"] == "string"
    assert described["format"] == f"{name.replace('_', '-')}-code"
    assert "pattern" in described or set(described["enum"]) == {row.code for row in TABLES[name]}
    assert len(json.dumps(described)) < 1500


@pytest.mark.parametrize("value", [0, 10, -1, True, False, "5", 5.5, None, 2**63])
def test_readiness_is_a_whole_number_from_one_to_nine(value):
    field: TypeAdapter[int] = TypeAdapter(codes.Trl)
    assert [field.validate_python(level) for level in range(1, 10)] == list(range(1, 10))
    with pytest.raises(ValidationError):
        field.validate_python(value)
    assert field.json_schema() == {"type": "integer", "minimum": 1, "maximum": 9}


def test_readiness_is_read_from_text_where_everything_is_text():
    assert TypeAdapter(codes.TrlWritten).validate_python("5") == 5


def test_instrument_classes_go_by_our_own_key():
    assert [row.code for row in INSTRUMENT_CLASSES.children("01")][:2] == ["01-01", "01-02"]
