"""What people write in cells, and what it means."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from marketplace.imports import cells, money
from marketplace.imports.cells import Surroundings, Unreadable
from marketplace.imports.fields import FIELDS, header, known, names
from schemas.imports import ImportKind


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def around(told) -> Surroundings:
    return Surroundings(notice=lambda code, _: told.append(code))


@pytest.mark.parametrize(
    ("written", "price", "budget"),
    [
        ("50万", {"kind": "fixed", "low": "500000.00"}, {"low": None, "high": "500000.00"}),
        ("５０万元", {"kind": "fixed", "low": "500000.00"}, {"low": None, "high": "500000.00"}),
        ("￥500,000", {"kind": "fixed", "low": "500000.00"}, {"low": None, "high": "500000.00"}),
        ("约1.2亿元人民币", {"kind": "fixed", "low": "120000000.00"}, {"low": None, "high": "120000000.00"}),
        (500000.0, {"kind": "fixed", "low": "500000.00"}, {"low": None, "high": "500000.00"}),
        (Decimal("12.50"), {"kind": "fixed", "low": "12.50"}, {"low": None, "high": "12.50"}),
        (
            "50-100万",
            {"kind": "range", "low": "500000.00", "high": "1000000.00"},
            {"low": "500000.00", "high": "1000000.00"},
        ),
        (
            "50万～1亿",
            {"kind": "range", "low": "500000.00", "high": "100000000.00"},
            {"low": "500000.00", "high": "100000000.00"},
        ),
        ("面议", {"kind": "negotiable"}, None),
    ],
)
def test_amounts_are_read_as_people_write_them(written, price, budget, around) -> None:
    assert money.price(written, around) == price
    assert money.budget(written, around) == budget


@pytest.mark.parametrize(
    ("written", "budget"),
    [
        ("不超过80万", {"low": None, "high": "800000.00"}),
        ("80万以内", {"low": None, "high": "800000.00"}),
        ("≥30万", {"low": "300000.00", "high": None}),
        ("30万起", {"low": "300000.00", "high": None}),
    ],
)
def test_one_end_of_a_budget_is_enough_and_of_a_price_is_not(written, budget, around) -> None:
    assert money.budget(written, around) == budget
    with pytest.raises(Unreadable) as wrong:
        money.price(written, around)
    assert wrong.value.code == "price_one_end"


def test_the_unit_in_the_header_counts_unless_the_cell_has_one(around) -> None:
    ten_thousand = Surroundings(around.notice, header("预算上限（万元）").unit)
    assert money.one_amount("50", ten_thousand) == "500000.00"
    assert money.one_amount("50万", ten_thousand) == "500000.00"
    assert money.one_amount(0.5, ten_thousand) == "5000.00"


@pytest.mark.parametrize("written", ["很多", "1e5", "-5", "1" * 20, "5" * 500, "50万,", "五十万", True])
def test_what_is_no_amount_is_said_to_be_none(written, around) -> None:
    if written is True:
        assert money.price(written, around) is True
        return
    if written == "50万,":
        assert money.one_amount(written, around) == "500000.00"
        return
    with pytest.raises(Unreadable):
        money.one_amount(written, around)


def test_a_single_amount_is_neither_a_range_nor_open(around) -> None:
    for written in ("1-2万", "面议"):
        with pytest.raises(Unreadable) as wrong:
            money.one_amount(written, around)
        assert wrong.value.code == "money_one"
    with pytest.raises(Unreadable) as wrong:
        money.one_amount("99999999亿", around)
    assert wrong.value.code == "yuan_too_much"
    assert money.one_amount({"not": "text"}, around) == {"not": "text"}
    assert money.budget(["not text"], around) == ["not text"]
    assert money.price({"kind": "negotiable"}, around) == {"kind": "negotiable"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2027-06-30", "2027-06-30"),
        ("２０２７／６／３０", "2027-06-30"),
        ("2027年6月30日", "2027-06-30"),
        ("2027.6.30", "2027-06-30"),
        ("20270630", "2027-06-30"),
        (20270630.0, "2027-06-30"),
        (46568, "2027-06-30"),
        ("2027-06-30 00:00:00", "2027-06-30"),
        (date(2027, 6, 30), "2027-06-30"),
        (datetime(2027, 6, 30, 12), "2027-06-30"),  # noqa: DTZ001 -- a workbook knows no zone
        ({"a": 1}, {"a": 1}),
    ],
)
def test_days_are_read_in_every_usual_spelling(written, read, around) -> None:
    assert cells.day(written, around) == read


@pytest.mark.parametrize("written", ["长期", "2027-06", "46568", "明年"])
def test_what_is_no_day_is_refused(written, around) -> None:
    with pytest.raises(Unreadable) as wrong:
        cells.day(written, around)
    assert wrong.value.code == "day_expected"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("7", 7),
        ("TRL7", 7),
        ("trl-7", 7),
        ("第七级", 7),
        ("７级", 7),
        (7.0, 7),
        (7, 7),
        (Decimal("7.0"), 7),
        (True, True),
        ([1], [1]),
    ],
)
def test_readiness_levels(written, read, around) -> None:
    assert cells.readiness(written, around) == read


def test_what_is_no_level_is_refused(around) -> None:
    with pytest.raises(Unreadable):
        cells.readiness("高", around)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (12, "12"),
        (True, "TRUE"),
        (False, "FALSE"),
        (datetime(2027, 6, 30), "2027-06-30"),  # noqa: DTZ001 -- a workbook knows no zone
        (datetime(2027, 6, 30, 8, 30), "2027-06-30 08:30:00"),  # noqa: DTZ001 -- a workbook knows no zone
        (date(2027, 6, 30), "2027-06-30"),
        (time(8, 30), "08:30:00"),
        (timedelta(hours=1), "1:00:00"),
        ("甲", "甲"),
        (["甲"], ["甲"]),
    ],
)
def test_typed_cells_as_text(value, text, around) -> None:
    assert cells.text(value, around) == text


def test_a_failed_formula_is_said_to_have_failed(around) -> None:
    with pytest.raises(Unreadable) as wrong:
        cells.text("#N/A", around)
    assert wrong.value.code == "cell_failed"


def test_lists_are_divided_and_each_entry_stands_once(around) -> None:
    assert cells.words("电池；电解质;薄膜，电池、界面,流延\n涂布", around) == [
        "电池",
        "电解质",
        "薄膜",
        "界面",
        "流延",
        "涂布",
    ]
    assert cells.words(["甲", "乙"], around) == ["甲", "乙"]
    assert cells.words(5.0, around) == ["5"]
    assert cells.lines("一等奖，2020；二等奖", around) == ["一等奖，2020", "二等奖"]
    assert cells.lines(["甲"], around) == ["甲"]


def _reader(kind: ImportKind, name: str):
    return next(field for field in FIELDS[kind] if field.name == name).read


def test_choices_in_chinese_and_in_the_api_s_words(around) -> None:
    stage = _reader(ImportKind.ACHIEVEMENT, "stage")
    assert [stage(word, around) for word in ("初期", "中试", "成熟应用", "mature", " 成熟 ")] == [
        "early",
        "pilot",
        "mature",
        "mature",
        "mature",
    ]
    modes = _reader(ImportKind.ACHIEVEMENT, "cooperation_modes")
    assert modes("转让；许可、作价入股，合作开发/技术服务", around) == [
        "transfer",
        "licence",
        "equity",
        "joint_development",
        "service",
    ]
    assert modes(["转让", "service"], around) == ["transfer", "service"]
    assert modes({"a": 1}, around) == {"a": 1}
    assert stage(["mature"], around) == ["mature"]
    with pytest.raises(Unreadable) as wrong:
        stage("很好", around)
    assert wrong.value.code == "choice_unknown"
    assert "很好" not in wrong.value.detail


def test_yes_and_no(around) -> None:
    assert [cells.yes_or_no(word, around) for word in ("是", "Ｙ", "√", True, 1.0)] == [True] * 5
    assert [cells.yes_or_no(word, around) for word in ("否", "无", False, "0")] == [False] * 4
    assert cells.yes_or_no([1], around) == [1]
    with pytest.raises(Unreadable):
        cells.yes_or_no("也许", around)


def test_intellectual_property_is_read_part_by_part(around) -> None:
    written = "发明专利|ZL202010000000.0|已授权|示例大学；软著｜2021SR0001｜已登记；know_how||有效"
    assert cells.intellectual_property(written, around) == [
        {"kind": "patent.invention", "number": "ZL202010000000.0", "status": "granted", "holder": "示例大学"},
        {"kind": "software_copyright", "number": "2021SR0001", "status": "granted", "holder": None},
        {"kind": "know_how", "number": None, "status": "granted", "holder": None},
    ]
    assert cells.intellectual_property([{"kind": "other"}], around) == [{"kind": "other"}]
    for wrong in ("发明专利一件", "发明专利|1|已授权|甲|乙", "发明|1|没写|", "图书|1|授权"):
        with pytest.raises(Unreadable):
            cells.intellectual_property(wrong, around)


def test_people_of_a_team(around) -> None:
    assert cells.team("张三（项目负责人）；李四、王五：工艺", around) == [
        {"name": "张三", "role": "项目负责人"},
        {"name": "李四", "role": None},
        {"name": "王五", "role": "工艺"},
    ]
    assert cells.team([{"name": "张三"}], around) == [{"name": "张三"}]
    with pytest.raises(Unreadable):
        cells.team("（无名）", around)
    assert cells.contact("张三", around) == {"name": "张三"}
    assert cells.contact({"name": "张三"}, around) == {"name": "张三"}


@pytest.mark.parametrize(
    ("written", "name", "operator", "value", "upper", "unit"),
    [
        ("硬度>=60 HRC", "硬度", ">=", "60", None, "HRC"),
        ("温度：≤ 300℃", "温度", "<=", "300", None, "℃"),
        ("寿命不低于12000件", "寿命", ">=", "12000", None, "件"),
        ("误报率＜3%", "误报率", "<", "3", None, "%"),
        ("孔隙率 2~5 %", "孔隙率", "between", "2", "5", "%"),
        ("厚度介于0.1至0.2mm", "厚度", "between", "0.1", "0.2", "mm"),
        ("Ra=1.6", "Ra", "=", "1.6", None, None),
    ],
)
def test_indicators(written, name, operator, value, upper, unit, around) -> None:
    (found,) = cells.indicators(written, around)
    assert (found["name"], found["operator"], found["value"], found.get("upper"), found["unit"]) == (
        name,
        operator,
        value,
        upper,
        unit,
    )


def test_what_is_no_indicator_is_refused_and_typed_ones_pass(around) -> None:
    with pytest.raises(Unreadable):
        cells.indicators("越硬越好", around)
    assert cells.indicators([{"name": "硬度"}], around) == [{"name": "硬度"}]


@pytest.mark.parametrize(
    ("read", "written", "code"),
    [
        (cells.region, "220100", "220100"),
        (cells.region, "吉林省长春市", "220100"),
        (cells.industry, "汽车制造业", "36"),
        (cells.discipline, "材料科学与工程", "430"),
        (cells.discipline, 430.0, "430"),
        (cells.region, ["x"], ["x"]),
        (cells.discipline, ["x"], ["x"]),
        (cells.disciplines, {"x": 1}, {"x": 1}),
    ],
)
def test_codes_by_code_or_name(read, written, code, around) -> None:
    assert read(written, around) == code


def test_several_codes(around, told) -> None:
    assert cells.industries("36；通用设备制造业", around) == ["36", "34"]
    assert cells.disciplines("材料科学；机械工程、不存在的学科", around) == ["430", "460"]
    assert told == ["discipline_left_out"]


@pytest.mark.parametrize(
    ("read", "written", "code"),
    [
        (cells.region, "朝阳区", "ambiguous_region"),
        (cells.region, "月球", "unknown_region"),
        (cells.industry, "9999", "unknown_industry"),
        (cells.discipline, "999", "unknown_discipline"),
    ],
)
def test_codes_that_cannot_be_told(read, written, code, around) -> None:
    with pytest.raises(Unreadable) as wrong:
        read(written, around)
    assert wrong.value.code == code


@pytest.mark.parametrize("kind", list(ImportKind))
def test_no_name_stands_for_two_fields(kind) -> None:
    seen: dict[str, str] = {}
    for field in FIELDS[kind]:
        for name in names(field):
            assert seen.setdefault(header(name).name, field.name) == field.name, name
    assert known(kind)["id"].name == "external_id"


@pytest.mark.parametrize("kind", [ImportKind.ACHIEVEMENT, ImportKind.PROBLEM])
def test_a_name_is_known_however_it_is_written(kind) -> None:
    assert known(kind)[header(" 标题 * ").name].name == "title"
    assert known(kind)[header("ＴＩＴＬＥ").name].name == "title"
    assert known(kind)["text"].name == "description"
