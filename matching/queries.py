"""A query's text, read once for its ranking and all its explanations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from matching.lexicon import NO_LEXICON, Lexicon
from matching.measuring import NO_MEASURING, Measuring
from matching.style import Style, style_of
from matching.synonyms import NO_SYNONYMS, Synonyms, added
from matching.text import normalise


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """``normalised``: the text, followed by the spellings that synonyms add, each on a line of its own. ``counts`` of
    both, in the order of the terms. ``through``: for each term that came of a synonym alone, what the text said instead.
    ``style``: how it is written. ``raised``: how many times as much some terms count, those of the tests that the text needs.
    """

    normalised: str
    counts: Mapping[str, int]
    through: Mapping[str, str]
    style: Style = "request"
    raised: Mapping[str, float] = field(default_factory=dict)


@lru_cache(maxsize=16)
def read(
    text: str,
    synonyms: Synonyms = NO_SYNONYMS,
    style: Style | None = None,
    lexicon: Lexicon = NO_LEXICON,
    measuring: Measuring = NO_MEASURING,
) -> Reading:
    """The last few texts are kept, since a ranking is usually followed by the explanation of each of its items.
    ``style``: None leaves it to the text. ``lexicon``: of the index that is asked. ``measuring``: tests are asked for as well."""
    normalised = normalise(text)
    tests = measuring.asked(normalised)
    widenings = [*synonyms.widened(normalised), *tests]
    own = lexicon.count_all(normalised)
    counts, through = added(widenings, own, lexicon.count_terms)
    style = style or style_of(text, own, len(own))
    return Reading(
        "\n".join([normalised, *(one.other for one in widenings)]), counts, through, style, measuring.raised(tests)
    )
