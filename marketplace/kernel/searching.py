"""Text that holds a word, letter for letter, found by an index whatever the word's length.

`grams` (an SQL function) takes a text apart into its letters and pairs of neighbours, a number for each; the index of these
finds the texts that have all pairs of a word, and the texts themselves are compared. Threes of letters (pg_trgm) have nothing
to look up for words of one letter or two, which most Chinese words are, and take more than twice the room.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, and_, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import SQLCoreOperations


def _grams(text: SQLCoreOperations[str]) -> ColumnElement[Any]:
    return func.grams(text, type_=ARRAY(Integer))


def _number(first: str, second: str) -> int:
    """What `grams` makes of a pair of letters: 32 bits with a sign."""
    whole = (ord(first) << 16) ^ ord(second)
    return (whole + (1 << 31)) % (1 << 32) - (1 << 31)


def holds(text: InstrumentedAttribute[str], word: str) -> ColumnElement[bool]:
    """The texts with this word, of a letter at least, in them; for columns with an index of `grams`.

    The word stands in the statement itself, so that every plan is made for it: how often a word stands in the texts decides
    between the index and the order of the list.
    """
    numbers = {_number(*pair) for pair in pairwise(word)} or {ord(word)}
    written = [bindparam(None, number, Integer, literal_execute=True) for number in sorted(numbers)]
    there = func.strpos(text, bindparam(None, word, String, literal_execute=True)) > 0
    return and_(there, _grams(text).contains(array(written)))


def holds_all(text: InstrumentedAttribute[str], words: Iterable[str]) -> list[ColumnElement[bool]]:
    """The texts with every one of these words in them; as ``holds``."""
    return [holds(text, word) for word in words]


def holds_in_any_case(text: InstrumentedAttribute[str], phrase: str) -> ColumnElement[bool]:
    """The texts with this phrase in them, in small or capital letters; for columns with an index of `grams(lower(…))`."""
    return and_(text.icontains(phrase, autoescape=True), _grams(func.lower(text)).contains(_grams(func.lower(phrase))))
