"""What is typed becomes a value, and a value becomes words."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st

from marketplace.kernel import clock, language
from marketplace.portal import coding, forms, say
from schemas.problems import ProblemBody


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("80万", "800000"),
        ("80 万元", "800000"),
        ("1.25亿", "125000000"),
        ("0.123456万", "1234.56"),
        ("1,200,000", "1200000"),
        ("12000.50", "12000.50"),
        ("300元", "300"),
        ("0万", "0"),
        ("很多", "很多"),
        ("万", "万"),
        ("-5万", "-5万"),
        ("", ""),
    ],
)
def test_amounts_are_read_as_people_write_them(typed, read):
    assert forms.amount(typed) == read


@for_any(
    st.lists(st.floats(min_value=0, max_value=0.3, allow_nan=False), min_size=1, max_size=60),
)
def test_parts_written_with_six_digits_add_up_and_stay_true(values):
    shown, total = say.adding_up(values, sum(values))
    assert sum(shown) == total
    assert all(abs(Decimal(value) - one) <= Decimal("0.000001") for value, one in zip(values, shown, strict=True))
    assert all(one.as_tuple().exponent == -6 for one in (*shown, total))


def test_a_total_below_its_parts_still_adds_up():
    shown, total = say.adding_up([0.0000004, 0.0000004], 0.0000004)
    assert sum(shown) == total == 0


@pytest.mark.parametrize(
    ("amount", "chinese", "english"),
    [
        (Decimal(800000), "80 万元", "CNY 800,000"),
        (Decimal("120000.50"), "120,000.50 元", "CNY 120,000.50"),
        (Decimal(150000000), "1.5 亿元", "CNY 150,000,000"),
        (Decimal(123450000), "12345 万元", "CNY 123,450,000"),
        (Decimal(999), "999 元", "CNY 999"),
        (Decimal(0), "0 元", "CNY 0"),
        (None, "—", "—"),
    ],
)
def test_amounts_are_told_as_people_say_them(amount, chinese, english):
    assert say.yuan(amount) == chinese
    language.reading.set("en")
    assert say.yuan(amount) == english


def test_ranges_of_money():
    low, high = Decimal(100000), Decimal(300000)
    assert say.span_of_money(low, high) == "10 万元 – 30 万元"
    assert say.span_of_money(None, high) == "至多 30 万元"
    assert say.span_of_money(low, None) == "至少 10 万元"
    assert say.span_of_money(low, low) == "10 万元"
    assert say.span_of_money(None, None) == "—"


def test_days_are_chinas():
    late = datetime(2027, 3, 1, 20, 30, tzinfo=UTC)
    assert say.day(late) == "2027-03-02"
    assert say.moment(late) == "2027-03-02 04:30"
    assert say.day(date(2027, 3, 1)) == "2027-03-01"
    assert (say.day(None), say.moment(None)) == ("—", "—")
    assert say.ago(clock.now() - timedelta(days=3, hours=1)) == "3 天前"
    assert say.ago(clock.now()) == "今天"
    assert say.ago(None) == "从未"


@pytest.mark.parametrize(("count", "told"), [(10, "10 B"), (20480, "20 kB"), (5 * 1024**2, "5.0 MB")])
def test_sizes_of_files(count, told):
    assert say.size(count) == told


SIGNALS = [
    ("field", {"level": "class"}, "同一行业小类"),
    ("field", {"level": None}, "行业与学科都不同"),
    ("region", {"level": "prefecture"}, "同市州"),
    ("region", {"level": None}, "不同省份"),
    ("budget", {"level": "partly"}, "低价在预算内"),
    ("trl", {"needed": 6.0, "has": 8.0}, "需 6 级，现有 8 级"),
    ("freshness", {"confirmed_at": 0.0, "confirmed_until": 1.0}, "天前确认有效"),
]


@pytest.mark.parametrize(("name", "detail", "told"), SIGNALS)
def test_signals_say_what_they_compared(name, detail, told):
    assert told in say.signal(name, detail, known=True)
    assert say.signal(name, detail, known=False) == "一方未填写"


@pytest.mark.parametrize(
    ("typed", "table", "code"),
    [
        ("3525 模具制造", "industries", "3525"),
        ("C3525", "industries", "3525"),
        ("c", "industries", "C"),
        ("３５２５", "industries", "3525"),
        ("模具制造", "industries", "3525"),
        ("吉林省长春市", "regions", "220100"),
        ("长春市", "regions", "220100"),
        ("C220100", "regions", None),
        ("", "regions", None),
        ("a\x00b", "regions", None),
        ("\ud800", "regions", None),
        ("朝阳区", "regions", None),
    ],
)
def test_codes_are_read_by_code_or_name(typed, table, code):
    read = coding.read(typed, table)
    assert read.code == code
    assert bool(read.said) == (code is None)


def test_names_of_codes():
    assert say.code_name("220104", "regions") == "吉林省长春市朝阳区"
    assert say.code_name("3525", "industries") == "模具制造"
    assert say.code_name("3525", "industries", whole=True).startswith("制造业 › ")
    assert say.code_name("gone", "industries") == "gone"
    assert say.code_name(None, "industries") == "—"
    language.reading.set("en")
    assert say.code_name("7", "trl").startswith("System prototype")


def test_what_two_people_changed_is_kept_apart():
    before = {"title": ["旧"], "tried": ["旧"], "keywords": ["旧"], "background": ["旧\r\n行"]}
    mine = before | {"title": ["我"], "keywords": ["同"], "background": ["旧\n行 "]}
    theirs = before | {"title": ["他"], "tried": ["他"], "keywords": ["同"], "background": ["旧\n行"]}
    made, both = forms.merged(forms.fields_of(ProblemBody), before, mine, theirs)
    assert made["title"] == ["我"]
    assert made["tried"] == ["他"]
    assert made["keywords"] == ["同"]
    assert both == {"title": "他"}


def test_an_emptied_field_is_told_as_empty():
    _, both = forms.merged(forms.fields_of(ProblemBody), {"title": ["旧"]}, {"title": ["我"]}, {"title": [""]})
    assert both == {"title": "（空）"}


def test_indicators_are_read_as_they_are_asked_for():
    assert say.asked_for({"operator": "between", "value": "2", "upper": "5", "unit": "%"}) == "2 – 5 %"
    assert say.asked_for({"operator": ">=", "value": "60", "upper": None, "unit": None}) == "≥ 60"
