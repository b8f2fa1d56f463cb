"""Texts, facets and corpora to be matched: written out by hand, or drawn by hypothesis."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st

from matching import Document, Facets, Index, Query, Snapshot
from matching.measuring import Measuring

NOW = 1_750_000_000.0
DAY = 86_400.0

unhurried = settings(deadline=None)  # a loaded machine is no failure; the whole folder is timed instead

_TECHNICAL = (
    "固态电解质 锂离子电池 石墨烯 复合材料 疲劳试验 人参皂苷 提取工艺 汽车 轻量化 铝合金 焊接 机器人 视觉检测 秸秆 还田"
)
_FUNCTION = "的 和 在 了 基于 一种 以及 进行 目前 我公司"
_LATIN = "LoRa SiC/Al 42CrMo CBN 5G 3.5mm 10-20℃ ＡＢＣ １２３ ≥60HRC ㎡ ﬁ Ω ß İ"
_MARKS = "。 ， ； ： ！ ？ 、 . , ( ) 「 」 … — ~ # _"
_TELLING = [*_TECHNICAL.split(), *_FUNCTION.split(), *_LATIN.split()]
_ODD = [" ", "\n", "\r\n", "\t", "\u3000", "e\u0301", "\u0301", "각", "\u1100\u1161", "𠀀𪛖", "😀", "한국어", "данные"]

pieces = st.sampled_from([*_TELLING, *_MARKS.split(), *_ODD])
any_text = st.text(st.characters(codec="utf-8"), max_size=60)
texts = st.one_of(st.lists(pieces, max_size=25).map("".join), any_text)
telling_texts = st.lists(st.sampled_from(_TELLING), min_size=1, max_size=25).map("".join)

_amounts = st.none() | st.integers(0, 9_000_000).map(float)
facets = st.builds(
    Facets,
    industries=st.lists(st.sampled_from(["3841", "C3841", "384", "38", "C", "C39", "3940", "A", "0111", "?"]), max_size=3).map(tuple),
    disciplines=st.lists(st.sampled_from(["460", "46040", "4604010", "520", "D", "110", "x"]), max_size=3).map(tuple),
    region=st.none() | st.sampled_from(["220000", "220100", "220102", "220202", "620000", "429004", "110101", "110000", "?"]),
    trl=st.none() | st.integers(1, 9),
    stage=st.none() | st.sampled_from(["early", "middle", "mature"]),
    modes=st.frozensets(st.sampled_from(["transfer", "licence", "equity"])),
    money=st.none() | st.tuples(_amounts, _amounts),
    confirmed_at=st.none() | st.floats(NOW - 400 * DAY, NOW + DAY),
    confirmed_until=st.none() | st.floats(NOW - 10 * DAY, NOW + 400 * DAY),
)  # fmt: skip
TESTS = Measuring.of([(["焊接", "铝合金", "LoRa"], ["疲劳试验", "视觉检测", "5G"]), (["汽车"], ["CBN", "秸秆还田"])])
documents = st.builds(Document, title=telling_texts, body=texts, facets=facets)
queries = st.builds(
    Query,
    title=telling_texts,
    body=texts,
    facets=facets,
    side=st.sampled_from(["problem", "achievement"]),
    style=st.sampled_from([None, "request", "report"]),
)
of_labs = queries | st.builds(replace, queries, measuring=st.just(TESTS))
keys = st.text("abc01", min_size=1, max_size=2)
corpora = st.dictionaries(keys, documents, max_size=8)


def indexed(corpus: dict[str, Document]) -> Snapshot:
    index = Index()
    index.put_many(corpus.items())
    return index.refresh()


def emphasis(term: str, *, report: bool = False) -> float:
    """Of one term, looked at by itself."""
    bare = term.removeprefix("~")
    latin = bare.isascii() and not term.startswith("^")
    if bare != term:
        return 0.5 if latin else 0.7 if report else 1.0
    return 2.5 if latin and len(term) > 1 and "a" <= term[0] <= "z" else 1.0


def about(body: str, title: str = "", **facts: object) -> Document:
    return Document(title, body, Facets(**facts))


def asking(body: str, title: str = "", side: str = "problem", **facts: object) -> Query:
    return Query(title, body, Facets(**facts), side)
