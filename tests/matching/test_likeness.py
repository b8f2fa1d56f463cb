import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.likeness import ALIKE, BANDS, LENGTH, Compared, sketch
from matching.text import normalise
from tests.matching.given import any_text, telling_texts

TEXT = (
    "针对商用车前桥的疲劳开裂，本团队开发了感应淬火与深冷处理相结合的工艺，表面硬度稳定在五十八至六十二之间，"
    "残余压应力提高三成，台架寿命由八十万次提高到一百四十万次，已在两家企业完成小批量验证。"
)


def plainly(text: str) -> set[str]:
    """The definition, written as such."""
    kept = "".join(char for char in normalise(text) if char.isalnum())
    return {kept[at : at + LENGTH] for at in range(len(kept) - LENGTH + 1)}


@given(one=st.one_of(telling_texts, any_text), other=st.one_of(telling_texts, any_text), common=telling_texts)
def test_the_overlap_is_that_of_the_shingles(one, other, common):
    first, second = normalise(one + common), normalise(common + other)
    mine, theirs = plainly(first), plainly(second)
    found = Compared(first)(second)
    both = len(mine & theirs)
    assert found.overlap == pytest.approx(both / max(len(mine | theirs), 1))
    assert found.of_one == pytest.approx(both / max(len(mine), 1))
    assert found.of_other == pytest.approx(both / max(len(theirs), 1))
    for passage in found.passages:
        assert passage in first
        assert plainly(passage) <= mine & theirs
    assert bool(found.passages) == bool(both)


def test_blanks_and_marks_do_not_count():
    disguised = TEXT.replace("，", " , ").replace("。", "\n\n")
    assert sketch(disguised) == sketch(TEXT)
    assert Compared(TEXT)(disguised).overlap == 1.0
    assert len(sketch(TEXT)) == BANDS
    assert all(-(2**63) <= number < 2**63 for number in sketch(TEXT))
    assert sketch("前桥疲劳开裂") == [] == sketch("") == sketch("重" * 5000)


def test_the_numbers_are_for_ever():
    """They are stored: another version of the program has to find what this one wrote."""
    assert sketch(TEXT)[:2] == [-3699539313799110415, 6723376005666471460]


@pytest.mark.parametrize(("share", "least", "most"), [(0.7, 0.96, 1.0), (0.5, 0.6, 0.86), (0.15, 0.0, 0.12)])
def test_sketches_meet_as_often_as_promised(share, least, most):
    """200 pairs of random texts of a known overlap; the bounds are three standard deviations off the promise."""
    chance = random.Random(5)
    size = 400
    common = round(2 * share * size / (1 + share))
    met = 0
    for _ in range(200):
        both = "".join(chr(0x4E00 + chance.randrange(6000)) for _ in range(common))
        ends = ["".join(chr(0x4E00 + chance.randrange(6000)) for _ in range(size - common)) for _ in "ab"]
        one, other = (sketch(both + end) for end in ends)
        met += not set(one).isdisjoint(other)
    assert least <= met / 200 <= most


def test_an_edited_copy_is_alike_and_another_text_is_not():
    edited = TEXT.replace("两家企业", "三家企业").replace("本团队", "我们")
    found = Compared(TEXT)(edited)
    assert ALIKE < found.overlap < 1
    assert found.passages[0].startswith("开发了感应淬火")
    assert Compared(TEXT)("人参皂苷的提取与纯化工艺，得率提高两成，适合中小型药企改造现有生产线。").overlap == 0
