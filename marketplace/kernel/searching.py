"""Text that holds a word, letter for letter, found by an index whatever the word's length.

pg_trgm takes a text apart into threes of letters, and has nothing to look up for a word of one or two, which most Chinese
words are. For those, `grams` (an SQL function) takes it apart into its letters and pairs of neighbours.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, String, Text, and_, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import SQLCoreOperations

# Letters of the longest word that pg_trgm finds nothing for.
SHORT: Final = 2


def _grams(text: SQLCoreOperations[str]) -> ColumnElement[Any]:
    return func.grams(text, type_=ARRAY(Text))


def holds(text: InstrumentedAttribute[str], word: str) -> ColumnElement[bool]:
    """The texts with this word in them; for columns with an index of threes and one of `grams`.

    A short word stands in the statement itself, so that every plan is made for it: how often a word stands in the texts
    decides between the index and the order of the list. `strpos` says the same of the few rows where the index is not
    asked, and keeps PostgreSQL from reading the whole index of threes.
    """
    if len(word) > SHORT:
        return text.contains(word, autoescape=True)
    written = bindparam(None, word, String, literal_execute=True)
    return and_(func.strpos(text, written) > 0, _grams(text).contains(array([written])))


def holds_in_any_case(text: InstrumentedAttribute[str], phrase: str) -> ColumnElement[bool]:
    """The texts with this phrase in them, in small or capital letters; for columns with an index of `grams(lower(…))`."""
    return and_(text.icontains(phrase, autoescape=True), _grams(func.lower(text)).contains(_grams(func.lower(phrase))))
