"""A text that tells no field is read as of the field of what is nearest to it."""

from hypothesis import given
from hypothesis import strategies as st

from matching.fields import Field, field_of

codes = st.sampled_from(["3841", "C3841", "382", "38", "C", "0111", "?"])
disciplines = st.sampled_from(["4604010", "460", "520", "D", "x"])
nearest = st.lists(
    st.tuples(st.integers(1, 100).map(float), st.lists(codes, max_size=3), st.lists(disciplines, max_size=2)),
    max_size=8,
)


def test_what_a_quarter_of_the_nearest_is_of_counts_and_the_rest_does_not():
    found = [(0.4, ["3841", "3670"], ["4604010"]), (0.4, ["C382"], ["460"]), (0.2, ["0111"], ["520"]), (0.1, ["A"], [])]
    assert field_of(found) == Field(("38", "36"), ("460",))
    assert field_of(found[2:]) == Field(("01",), ("520",))
    assert field_of([(0.4, [], []), (0.1, ["3841"], ["460"])]) == Field(), "the nearest tells none"
    assert field_of([]) == Field()


@given(found=nearest)
def test_it_is_the_same_in_whatever_order_they_come(found):
    field = field_of(found)
    assert set(field.industries) <= {"38", "01"}
    assert set(field.disciplines) <= {"460", "520"}
    assert {*field_of(reversed(found)).industries} == {*field.industries}
