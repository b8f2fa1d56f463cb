"""How a record's question differs from its own terms: what synonyms ask for besides, and what misled people before.

For those who ask with thousands of records whose terms were counted long ago: a few words of difference each are all that
has to be known of their texts. ``queries`` and ``tuning`` say what the differences are; nothing is decided here.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from matching.lexicon import NO_LEXICON, Lexicon
from matching.records import Query
from matching.synonyms import Synonyms, added
from matching.text import normalise
from matching.tuning import NOTHING, STARTING, Tuning


class Rewording(NamedTuple):
    """``more``: terms that synonyms ask for, and how often; those that the text has itself count as it has them.
    ``lowered``: the factors of misleading terms, among its own and those."""

    more: Mapping[str, int]
    lowered: Mapping[str, float]


PLAIN = Rewording({}, NOTHING)
"""Asks by its own terms."""


def reworded(query: Query, tuning: Tuning = STARTING, lexicon: Lexicon = NO_LEXICON) -> Rewording:
    """The difference between a query's question and the terms of its text, as they were counted with a lexicon. A text in
    which no lowered phrase stands is not cut."""
    normalised = normalise(query.text)
    widenings = query.synonyms.widened(normalised)
    if tuning.lowered.may_stand_in("\n".join([normalised, *(one.other for one in widenings)])):
        reading = query.read_with(lexicon)
        more = {term: reading.counts[term] for term in reading.through}
        return Rewording(more, tuning.factors(reading, tuning.kinds(query)))
    return Rewording(added(widenings, {}, lexicon.count_terms)[0], NOTHING) if widenings else PLAIN


def name_of(synonyms: Synonyms, tuning: Tuning) -> str:
    """The same for two pairs of these that reword every question in the same way."""
    return sha256(repr((synonyms.groups, tuning.lowered.listed())).encode("utf-8", "surrogatepass")).hexdigest()
