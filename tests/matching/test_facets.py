import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import Facets, Filters
from matching.codes import discipline_path, industry_path, region_path, shared_levels
from matching.facets import FacetTable
from tests.matching.given import DAY, NOW, about, asking, facets, indexed, unhurried


class TestPaths:
    @pytest.mark.parametrize(
        ("code", "path"),
        [
            ("3841", ("C", "38", "384", "3841")),
            ("C3841", ("C", "38", "384", "3841")),
            ("c38", ("C", "38")),
            ("C", ("C",)),
            ("01", ("A", "01")),
            ("9700", ("T", "97", "970", "9700")),
            ("99", ("?", "99")),
            ("38411", ("38411",)),
            ("车", ("车",)),
            ("", ("",)),
        ],
    )
    def test_of_industries(self, code, path):
        assert industry_path(code) == path

    @pytest.mark.parametrize(
        ("code", "path"),
        [
            ("4604010", ("D", "460", "46040", "4604010")),
            ("460", ("D", "460")),
            ("910", ("E", "910")),
            ("D", ("D",)),
            ("46", ("46",)),
            ("010", ("010",)),
        ],
    )
    def test_of_disciplines(self, code, path):
        assert discipline_path(code) == path

    @pytest.mark.parametrize(
        ("code", "path"),
        [
            ("220000", ("22",)),
            ("220100", ("22", "2201")),
            ("220102", ("22", "2201", "220102")),
            ("110000", ("11", "11")),
            ("110100", ("11", "11")),
            ("110101", ("11", "11", "110101")),
            ("429004", ("42", "429004")),
            ("2201", ("2201",)),
            ("吉林省", ("吉林省",)),
        ],
    )
    def test_of_regions(self, code, path):
        assert region_path(code) == path

    def test_go_together_from_the_top(self):
        assert shared_levels(region_path("220102"), region_path("220104")) == 2
        assert shared_levels(region_path("220102"), region_path("620102")) == 0


def below(code: str, wanted: str) -> bool:
    """The hierarchy said another way: as what the code begins with."""
    if not (code[-1:].isdigit() and wanted[-1:].isdigit()):
        return code == wanted or (wanted in "CAD" and code[-1:].isdigit() and SECTION(code) == wanted)
    return code.lstrip("C").startswith(wanted.lstrip("C"))


def SECTION(code: str) -> str:  # noqa: N802
    return {"3": "C", "0": "A"}.get(code.lstrip("C")[:1], "")


def in_region(code: str, wanted: str) -> bool:
    end = 2 if wanted.endswith("0000") else 4 if wanted.endswith("00") else 6
    return code == wanted or (code[:end] == wanted[:end] and code.isdigit())


filters = st.builds(
    Filters,
    regions=st.lists(st.sampled_from(["220000", "220100", "220102", "620000", "110000", "?"]), max_size=2).map(tuple),
    industries=st.lists(st.sampled_from(["3841", "384", "38", "C", "A", "39", "?"]), max_size=2).map(tuple),
    disciplines=st.lists(st.sampled_from(["460", "46040", "4604010", "x"]), max_size=2).map(tuple),
    trl_min=st.none() | st.integers(1, 9),
    trl_max=st.none() | st.integers(1, 9),
    stages=st.lists(st.sampled_from(["early", "mature"]), max_size=2).map(tuple),
    modes=st.lists(st.sampled_from(["transfer", "equity"]), max_size=2).map(tuple),
    confirmed_within=st.none() | st.sampled_from([DAY, 100 * DAY, 1000 * DAY]),
)


def admits(wanted: Filters, facts: Facets) -> bool:
    return all(
        [
            facts.confirmed_until is None or facts.confirmed_until > NOW,
            not wanted.regions or any(in_region(facts.region or "", each) for each in wanted.regions),
            not wanted.industries or any(below(code, each) for code in facts.industries for each in wanted.industries),
            not wanted.disciplines
            or any(code.startswith(each) for code in facts.disciplines for each in wanted.disciplines),
            wanted.trl_min is None or (facts.trl is not None and facts.trl >= wanted.trl_min),
            wanted.trl_max is None or (facts.trl is not None and facts.trl <= wanted.trl_max),
            not wanted.stages or facts.stage in wanted.stages,
            not wanted.modes or bool(facts.modes & set(wanted.modes)),
            wanted.confirmed_within is None
            or (facts.confirmed_at is not None and NOW - facts.confirmed_at < wanted.confirmed_within),
        ]
    )


class TestFilters:
    @unhurried
    @given(rows=st.lists(facets, max_size=8), wanted=filters)
    def test_admit_what_a_plain_reading_of_them_admits(self, rows, wanted):
        mask = FacetTable.build(rows).admitted(wanted, NOW)
        assert mask.tolist() == [admits(wanted, row) for row in rows]

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({"regions": ("220000",)}, {"changchun", "siping"}),
            ({"regions": ("220100", "620000")}, {"changchun", "lanzhou"}),
            ({"regions": ("220102",)}, {"changchun"}),
            ({"industries": ("C",)}, {"changchun", "lanzhou"}),
            ({"industries": ("38", "01")}, {"changchun", "siping"}),
            ({"disciplines": ("460",)}, {"changchun"}),
            ({"trl_min": 4}, {"changchun", "lanzhou"}),
            ({"trl_max": 4}, {"siping", "lanzhou"}),
            ({"stages": ("mature",)}, {"changchun"}),
            ({"modes": ("licence", "equity")}, {"changchun", "siping"}),
            ({"regions": ("220000",), "modes": ("transfer",)}, set()),
            ({"confirmed_within": 30 * DAY}, {"changchun"}),
            ({"confirmed_within": 31 * DAY}, {"changchun", "siping"}),
        ],
        ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
    )
    def test_by_example(self, wanted, found):
        corpus = {
            "changchun": about(
                "电池",
                region="220102",
                industries=("3841",),
                disciplines=("4604010",),
                trl=7,
                stage="mature",
                modes=frozenset({"licence"}),
                confirmed_at=NOW - 29 * DAY,
            ),
            "siping": about(
                "电池",
                region="220300",
                industries=("0111",),
                trl=3,
                modes=frozenset({"equity", "own"}),
                confirmed_at=NOW - 30 * DAY,
            ),
            "lanzhou": about("电池", region="620102", industries=("C39", "E"), trl=4, modes=frozenset({"transfer"})),
            "says nothing": about("电池"),
        }
        ranking = indexed(corpus).rank(asking("电池"), now=NOW, filters=Filters(**wanted))
        assert {match.key for match in ranking.items} == found
        assert ranking.considered == len(found)


def test_a_table_of_nothing_admits_nothing():
    assert np.array_equal(FacetTable.build([]).admitted(Filters(regions=("220000",)), NOW), np.zeros(0, bool))
