"""Codes by the names that people use."""

import pytest

from marketplace.imports.degrees import DEGREE_DISCIPLINES
from marketplace.imports.naming import Ambiguous, Unnamed, code_of, discipline_of
from schemas.codes import DISCIPLINES, INDUSTRIES, REGIONS


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("吉林省长春市", "220100"),
        ("长春", "220100"),
        ("吉林", "220000"),
        ("吉林市", "220200"),
        ("吉林省/长春市/朝阳区", "220104"),
        ("长春朝阳区", "220104"),
        ("内蒙古", "150000"),
        ("海南", "460000"),
        ("延边", "222400"),
        ("北京市东城区", "110101"),
        ("２２０１００", "220100"),
        ("220100 长春市", "220100"),
        ("长春市（220100）", "220100"),
        ("仙桃市", "429004"),
    ],
)
def test_regions(name, code) -> None:
    assert code_of(REGIONS, name) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("C", "C"),
        ("c36", "36"),
        ("C3612", "3612"),
        ("汽车制造业", "36"),
        ("36 汽车制造业", "36"),
        ("其他农业", "019"),
        ("制造业", "C"),
    ],
)
def test_industries(name, code) -> None:
    assert code_of(INDUSTRIES, name) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("园艺学", "21040"),
        ("计算机科学与技术", "520"),
        ("畜牧学/兽医学", "230"),
        ("基础医学/临床医学", "C"),
        ("D", "D"),
        ("4602535", "4602535"),
    ],
)
def test_disciplines_also_by_the_degree_catalogue(name, code) -> None:
    assert discipline_of(name) == code


@pytest.mark.parametrize(
    ("table", "name", "why"),
    [
        (REGIONS, "朝阳区", Ambiguous),
        (REGIONS, "220200 长春市", Ambiguous),
        (REGIONS, "不存在市", Unnamed),
        (REGIONS, "长" * 101, Unnamed),
        (REGIONS, "", Unnamed),
        (INDUSTRIES, "D36", Unnamed),
        (INDUSTRIES, "没有（99）", Unnamed),
    ],
)
def test_what_cannot_be_told(table, name, why) -> None:
    with pytest.raises(why):
        code_of(table, name)


def test_two_fields_with_nothing_in_common_are_not_one() -> None:
    with pytest.raises(Ambiguous):
        discipline_of("化学/化学工程与技术")
    with pytest.raises(Unnamed):
        discipline_of("甲/乙")


def test_the_degree_catalogue_points_at_codes_and_repeats_no_name() -> None:
    assert all(code in DISCIPLINES for code in DEGREE_DISCIPLINES.values())
    assert not {row.name for row in DISCIPLINES} & DEGREE_DISCIPLINES.keys()


@pytest.mark.parametrize("table", [REGIONS, INDUSTRIES, DISCIPLINES], ids=lambda table: table.name)
def test_every_code_and_every_whole_name_is_found(table) -> None:
    for row in table:
        assert code_of(table, row.code) == row.code
        assert code_of(table, f"{row.code} {row.name}") == row.code
        if table is REGIONS:
            assert table.within(row.code, code_of(table, table.path(row.code)))
