"""The mathematics of matching: texts and codes in, ranked keys with scores and reasons out. No web, no database."""

from matching.blend import DEFAULT_WEIGHTS, TEXT_ONLY, Weights
from matching.explain import OtherTerms, Reasons, Sentence, Signal, TermGroup, TermPart
from matching.index import Index, Snapshot, fits_from
from matching.records import Document, Facets, Filters, Query, Ranking, Side
from matching.tfidf import Match

__all__ = [
    "DEFAULT_WEIGHTS",
    "TEXT_ONLY",
    "Document",
    "Facets",
    "Filters",
    "Index",
    "Match",
    "OtherTerms",
    "Query",
    "Ranking",
    "Reasons",
    "Sentence",
    "Side",
    "Signal",
    "Snapshot",
    "TermGroup",
    "TermPart",
    "Weights",
    "fits_from",
]
