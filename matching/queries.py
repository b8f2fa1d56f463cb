"""A query's text, read once for its ranking and all its explanations."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from matching.lexicon import NO_LEXICON, Lexicon
from matching.style import Style, style_of
from matching.synonyms import NO_SYNONYMS, Synonyms, added
from matching.text import normalise


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """``normalised``: the text, followed by the spellings that synonyms add, each on a line of its own. ``counts`` of
    both, in the order of the terms. ``through``: for each term that came of a synonym alone, what the text said instead.
    ``style``: how it is written.
    """

    normalised: str
    counts: Mapping[str, int]
    through: Mapping[str, str]
    style: Style = "request"


@lru_cache(maxsize=16)
def read(
    text: str, synonyms: Synonyms = NO_SYNONYMS, style: Style | None = None, lexicon: Lexicon = NO_LEXICON
) -> Reading:
    """The last few texts are kept, since a ranking is usually followed by the explanation of each of its items.
    ``style``: None leaves it to the text. ``lexicon``: of the index that is asked."""
    normalised = normalise(text)
    widenings = synonyms.widened(normalised)
    own = lexicon.count_all(normalised)
    counts, through = added(widenings, own, lexicon.count_terms)
    style = style or style_of(text, own, len(own))
    return Reading("\n".join([normalised, *(one.other for one in widenings)]), counts, through, style)
