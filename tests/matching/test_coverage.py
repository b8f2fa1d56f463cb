"""Must-meet indicators against what a record says: supported, partly, not found, with the figure it rests on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import Document
from matching.coverage import Indicator, coverage
from matching.units import normal_unit, quantities


def figures(text: str) -> list[tuple[float, float, str, str | None]]:
    return [(q.low, q.high, q.unit, q.bound) for q in quantities(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("表面硬度达到2600 HV", [(2600, 2600, "HV", ">=")]),
        ("基体62HRC以上", [(62, 62, "HRC", ">=")]),
        ("含水率不超过12.5%", [(12.5, 12.5, "%", "<=")]),
        ("0.5%～1.2%之间", [(0.5, 1.2, "%", None)]),
        ("55—60℃", [(55, 60, "℃", None)]),
        ("寿命由0.8万次提高到1.5万次", [(8000, 8000, "次", None), (15000, 15000, "次", None)]),
        ("年产10万吨", [(100000, 100000, "吨", None)]),
        ("厚度0.1—0.3毫米", [(0.1, 0.3, "毫米", None)]),
        ("1,200 MPa", [(1200, 1200, "MPa", None)]),
        ("5.2×10^-6 kg", [(pytest.approx(5.2e-6), pytest.approx(5.2e-6), "kg", None)]),
        ("氟离子21毫克每升", [(21, 21, "毫克每升", None)]),
        ("使用42CrMo钢，按GB/T 2260，型号L10", []),
        ("没有数字", []),
        ("", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_are_read_with_unit_and_bound(text, found) -> None:
    assert figures(text) == found


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.2 GPa", "MPa", 1200),
        ("0.02 g/L", "mg/L", 20),
        ("21毫克每升", "mg/L", 21),
        ("3 天", "h", 72),
        ("50 ℃", "℃", 50),
        ("2万元", "元", 20000),
        ("500 kPa", "兆帕", 0.5),
        ("3 mm", "μm", 3000),
    ],
)
def test_units_are_converted(text, unit, value) -> None:
    converted = next(quantities(text)).in_unit_of(normal_unit(unit))
    assert converted is not None
    assert converted.low == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit"), [("62 HRC", "HV"), ("3 次", "件"), ("5 mm", "MPa"), ("5 mm", ""), ("5 %", "℃"), ("5", "mm")]
)
def test_different_kinds_are_never_compared(text, unit) -> None:
    assert next(quantities(text)).in_unit_of(unit) is None


HARD = Indicator("表面硬度", ">=", "60", unit="HRC")


@pytest.mark.parametrize(
    ("indicator", "said", "verdict", "found"),
    [
        (HARD, "渗层表面硬度62 HRC。", "supported", "62 HRC"),
        (HARD, "渗层表面硬度58 HRC。", "partly", "58 HRC"),
        (HARD, "表面硬度明显提高。", "partly", None),
        (HARD, "表面硬度2600 HV。", "partly", None),
        (HARD, "耐磨性好。", "not_found", None),
        (HARD, "表面硬度58～62 HRC。", "partly", "58～62 HRC"),
        (Indicator("抗拉强度", ">=", "1000", unit="MPa"), "抗拉强度1.2 GPa。", "supported", "1.2 GPa"),
        (Indicator("误报率", "<=", "3", unit="%"), "检出率99.2%，误报率为2.6%。", "supported", "2.6%"),
        (Indicator("误报率", "<", "2.6", unit="%"), "误报率2.6%。", "partly", "2.6%"),
        (Indicator("温度", "between", "50", "60", "℃"), "干燥温度52～58℃。", "supported", "52～58℃"),
        (Indicator("温度", "between", "50", "60", "℃"), "干燥温度45～58℃。", "partly", "45～58℃"),
        (Indicator("孔径", "=", "5", unit="μm"), "孔径5微米。", "supported", "5微米"),
        (Indicator("二氧化硫残留", "<=", "10", unit="mg/kg"), "成品未检出二氧化硫残留。", "supported", "未检出"),
        (Indicator("氟离子浓度", "<=", "100", unit="mg/L"), "测得氟离子浓度，氰化物未检出。", "partly", None),
        (Indicator("外观", "=", "无裂纹"), "外观检查无裂纹。", "supported", None),
        (Indicator("熔覆层或渗层表面硬度", ">=", "55", unit="HRC"), "处理后表面硬度58 HRC。", "supported", "58 HRC"),
        (Indicator("综合运行成本", "<=", "30", unit="%"), "综合运行成本降低25%。", "partly", None),
        (Indicator("运行成本降低", ">=", "20", unit="%"), "运行成本降低25%。", "supported", "25%"),
        (Indicator("寿命", ">=", "12000", unit="件"), "寿命不超过15000件。", "partly", "不超过15000件"),
    ],
)
def test_an_indicator_is_judged_by_the_sentence_that_speaks_of_it(indicator, said, verdict, found) -> None:
    (one,) = coverage([indicator], Document("标题", f"开头一句。{said}结尾一句。"))
    assert (one.verdict, one.found) == (verdict, found)
    assert (one.sentence is None) == (verdict == "not_found")


def test_the_comparison_is_shown_in_the_indicators_unit() -> None:
    (one,) = coverage([Indicator("抗拉强度", ">=", "1000", unit="MPa")], Document("", "抗拉强度1.2 GPa。"))
    assert one.converted == pytest.approx((1200, 1200))


def test_verdicts_come_in_the_indicators_order() -> None:
    wanted = [HARD, Indicator("厚度", "<=", "2", unit="mm")]
    assert [one.indicator for one in coverage(wanted, Document("", "厚度1.5毫米；表面硬度61HRC。"))] == wanted


@given(
    st.text(max_size=200),
    st.text(max_size=20),
    st.text(max_size=20),
    st.sampled_from([">=", "<=", ">", "<", "=", "between"]),
)
def test_any_text_gets_a_verdict(said, name, value, operator) -> None:
    (one,) = coverage(
        [Indicator(name, operator, value, value if operator == "between" else None, "mm")], Document("题", said)
    )
    assert one.verdict in {"supported", "partly", "not_found"}


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_at_least_and_at_most_agree_with_the_numbers(wanted, has) -> None:
    body = f"抗拉强度{has!r} MPa。"
    at_least, at_most = coverage(
        [Indicator("抗拉强度", operator, repr(wanted), unit="MPa") for operator in (">=", "<=")], Document("", body)
    )
    if "e" not in repr(wanted) + repr(has):
        assert (at_least.verdict == "supported") == (has >= wanted * (1 - 1e-9))
        assert (at_most.verdict == "supported") == (has <= wanted * (1 + 1e-9))


@pytest.mark.parametrize(
    ("name", "unit", "sentence", "verdict", "figure"),
    [
        ("相对湿度80%下甲苯动态吸附量", "mg/g", "相对湿度80%时甲苯动态吸附量比颗粒炭高三成。", "partly", None),
        ("相对湿度80%下甲苯动态吸附量", "mg/g", "相对湿度80%时甲苯动态吸附量95 mg/g。", "supported", "95 mg/g"),
        ("200℃下保温后硬度", "HRC", "200℃下保温后硬度62HRC。", "supported", "62HRC"),
        ("80%载荷下含水率", "%", "80%载荷下含水率85%。", "supported", "85%"),
    ],
    ids=["repeated alone", "beside the answer", "of another unit", "of the same unit"],
)
def test_the_condition_in_an_indicators_name_is_no_answer_to_it(name, unit, sentence, verdict, figure) -> None:
    (one,) = coverage([Indicator(name, ">=", "60" if unit == "HRC" else "80", None, unit)], Document("", sentence))
    assert (one.verdict, one.found) == (verdict, figure)


@pytest.mark.parametrize(
    ("name", "asked", "unit", "sentence", "verdict", "figure"),
    [
        (
            "甲苯动态吸附量",
            "80",
            "mg/g",
            "甲苯动态吸附容量每克86毫克，经一百次脱附后容量保持95%；",
            "supported",
            "每克86毫克",
        ),
        ("甲苯动态吸附量", "80", "mg/g", "甲苯动态吸附容量保持95%；", "partly", None),
        (
            "焦炭产率下降",
            "0.4",
            "百分点",
            "氢气与甲烷比下降31%，焦炭产率降0.45个百分点。",
            "supported",
            "0.45个百分点",
        ),
        ("焦炭产率下降", "0.4", "百分点", "焦炭产率下降0.45百分点。", "supported", "0.45百分点"),
        ("单件成本降低", "5", "元", "单件成本每件降低，每件6元。", "supported", "每件6元"),
        ("铅含量", "10", "ppm", "铅含量0.002%。", "supported", "0.002%"),
    ],
    ids=["per gram in front", "a share is no ratio", "points counted", "points", "per piece", "a share in ppm"],
)
def test_a_figure_is_of_the_unit_that_stands_around_it(name, asked, unit, sentence, verdict, figure) -> None:
    (one,) = coverage([Indicator(name, ">=", asked, None, unit)], Document("", sentence))
    assert (one.verdict, one.found) == (verdict, figure)
