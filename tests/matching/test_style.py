"""How a text is read, and what that changes."""

import pytest

from matching import Document, Index, Query
from matching.weighting import NEAREST
from tests.matching.given import NOW

ABSTRACT = (
    "以钛合金叶片为对象，研究了激光冲击对其疲劳性能的影响，测量了表层残余应力与显微硬度的分布。结果表明，冲击两次后表层"
    "残余压应力明显增大，裂纹萌生由表面移至次表层，疲劳寿命较未处理叶片提高约一倍。"
)
REQUIREMENT = (
    "我公司现有钛合金叶片生产线两条，产品疲劳寿命不足，希望与高校合作，研发激光冲击强化工艺与装备，"
    "预期叶片疲劳寿命提高一倍以上，项目投入三百万元，满足批量生产的需求。"
)


@pytest.mark.parametrize(
    ("text", "style"),
    [
        (ABSTRACT, "report"),
        (REQUIREMENT, "request"),
        ("激光冲击强化钛合金叶片的疲劳性能", "request"),
        (
            "激光冲击 钛合金 叶片 疲劳寿命 残余应力 显微硬度 裂纹萌生 表面强化 喷丸 数值模拟 有限元 温度场 应力场",
            "request",
        ),
        (ABSTRACT + REQUIREMENT, "request"),
        ("", "request"),
        (
            "铝合金热锻模具打到五六千件就出现网状龟裂，想找型腔表面强化办法，既硬又不脆，旧模具也能修复后继续使用。",
            "request",
        ),
    ],
    ids=["abstract", "requirement", "title", "keywords", "both", "nothing", "as people speak"],
)
def test_a_text_tells_how_it_is_written(text, style):
    assert Query(body=text).reading.style == style


def test_what_is_named_counts_more_than_what_the_text_tells():
    assert Query(body=ABSTRACT, style="request").reading.style == "request"
    assert Query(body=REQUIREMENT, style="report").reading.style == "report"
    assert Query(body=ABSTRACT, side="achievement").reading.style == "request"  # it looks for problems


def _records():
    """One about the same; one that says thrice what all of them share; and many more of the field."""
    kin = "叶片经激光冲击后裂纹萌生移至次表层，残余压应力增大。"
    loud = "钛合金叶片疲劳，钛合金叶片疲劳性能，钛合金叶片疲劳寿命，研究其影响。"
    others = [
        f"钛合金叶片疲劳寿命的第{n}种{name}。"
        for n, name in enumerate(["检测", "评价", "设计", "制造", "维修", "模拟"])
    ]
    index = Index()
    index.put("kin", Document("", kin))
    index.put("loud", Document("", loud))
    index.put_many((f"other{n}", Document("", text)) for n, text in enumerate(others))
    index.put_many((f"far{n}", Document("", f"水稻第{chr(0x4E00 + n)}个品种的产量。")) for n in range(200))
    return index.refresh()


def test_a_report_finds_its_kin_and_a_request_its_field():
    snapshot = _records()
    as_report, as_request = (
        snapshot.rank(Query(body=ABSTRACT, style=style), k=3, now=NOW) for style in ("report", "request")
    )
    assert as_report.style == "report"
    assert as_request.style == "request"
    scores = {}
    for ranking in (as_report, as_request):
        found = {match.key: match.text for match in ranking.items}
        assert found.keys() >= {"kin", "loud"}
        scores[ranking.style] = found["kin"] / found["loud"]
    assert scores["report"] > 1.1 * scores["request"]
    assert as_report.items[0].key == "kin"


def test_what_the_nearest_share_tells_them_apart_least():
    snapshot = _records()
    reasons = snapshot.explain(Query(body=ABSTRACT, style="report"), "kin", now=NOW, top=1000)
    apart = {part.term: part.apart for group in reasons.terms for part in group.parts}
    assert apart["叶片"] < apart["次表层" if "次表层" in apart else "裂纹"]
    nearest = min(NEAREST, sum(1 for entry in snapshot.entries if not entry.key.startswith("far")))
    assert apart["萌生"] == pytest.approx(((nearest + 1) / 2) ** 0.3)
    request = snapshot.explain(Query(body=ABSTRACT, style="request"), "kin", now=NOW, top=1000)
    assert {part.apart for group in request.terms for part in group.parts} == {1.0}


def test_a_name_in_latin_letters_weighs_more_than_its_spelling():
    index = Index()
    index.put_many(
        (str(n), Document("", text)) for n, text in enumerate(["采用PECVD镀膜", "采用溅射镀膜", "焊接机器人"])
    )
    (group, *_) = index.refresh().explain(Query(body="寻求PECVD镀膜"), "0", now=NOW).terms
    emphasis = {part.kind + part.term: part.emphasis for part in group.parts}
    assert emphasis["wordpecvd"] == 2.5
    assert {emphasis["pair" + pair] for pair in ("pe", "ec", "cv", "vd")} == {0.5}
    assert emphasis["word镀膜"] == emphasis["pair镀膜"] == emphasis["pair d镀".replace(" ", "")] == 1.0
