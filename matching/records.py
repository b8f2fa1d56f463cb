"""What is matched: documents, queries, filters, and the answer to a query."""

from dataclasses import dataclass, field
from typing import Literal

from matching.lexicon import NO_LEXICON, Lexicon
from matching.measuring import NO_MEASURING, Measuring
from matching.queries import Reading, read
from matching.style import Style
from matching.synonyms import NO_SYNONYMS, Synonyms
from matching.tfidf import Match

Side = Literal["problem", "achievement"]


@dataclass(frozen=True, slots=True)
class Facets:
    """What is known of a record beside its text. Whatever is missing stays unknown and counts neither way.

    ``industries``: GB/T 4754 codes (C, 38, 384, 3841 or C3841). ``disciplines``: GB/T 13745 codes (D, 460, 46040,
    4604010). ``region``: GB/T 2260, six digits. ``trl``: 1–9; for a problem, the least readiness that would do.
    ``money``: (lowest, highest) in CNY; a problem's budget or an achievement's price. ``confirmed_at`` and
    ``confirmed_until``: seconds since 1970.
    """

    industries: tuple[str, ...] = ()
    disciplines: tuple[str, ...] = ()
    region: str | None = None
    trl: int | None = None
    stage: str | None = None
    modes: frozenset[str] = frozenset()
    money: tuple[float | None, float | None] | None = None
    confirmed_at: float | None = None
    confirmed_until: float | None = None


NO_FACETS = Facets()


@dataclass(frozen=True, slots=True)
class Document:
    """A record that can be found. Everything in it may be shown as a reason, so nothing confidential belongs here."""

    title: str
    body: str
    facets: Facets = NO_FACETS

    @property
    def text(self) -> str:
        return f"{self.title}。{self.body}"


@dataclass(frozen=True, slots=True)
class Query:
    """A record that looks for its counterpart. ``side`` says which one this is; the documents are the other.

    ``synonyms``: the spellings that mean the same while this is asked. ``style``: how it is written, where that is known; a
    text that looks for achievements is recognised, anything else looks for its counterpart, as a request does.
    ``measuring``: the tests that are asked for as well, by whoever looks for instruments.
    """

    title: str = ""
    body: str = ""
    facets: Facets = NO_FACETS
    side: Side = "problem"
    synonyms: Synonyms = NO_SYNONYMS
    style: Style | None = None
    measuring: Measuring = NO_MEASURING

    @property
    def text(self) -> str:
        return f"{self.title}。{self.body}"

    @property
    def reading(self) -> Reading:
        """Its text as the matcher reads it without a lexicon; see ``read_with``."""
        return self.read_with(NO_LEXICON)

    def read_with(self, lexicon: Lexicon) -> Reading:
        """Its text as an index with this lexicon is asked; the same object while it is among the last few that were read."""
        style: Style | None = self.style or (None if self.side == "problem" else "request")
        return read(self.text, self.synonyms, style, lexicon, self.measuring)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a document must be to be ranked at all. Empty admits everything; a document that does not say is left out.

    ``regions``, ``industries``, ``disciplines`` admit everything below the code: 220000 admits 220102, C and 38 admit
    3841. Inside one field any value does; all fields must agree. TRL bounds are inclusive. ``confirmed_within``: seconds;
    admits what was confirmed less than so long before it is asked.
    """

    regions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    disciplines: tuple[str, ...] = ()
    trl_min: int | None = None
    trl_max: int | None = None
    stages: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    confirmed_within: float | None = None


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer to a query.

    ``items``: best first, none that shares no term with the query. ``considered``: documents that passed the filters
    and are still confirmed. ``best_text``: the highest text score among them. ``known``: the share of the query's
    (squared) weight in terms that any document has at all.
    ``fits``: whether ``best_text`` · ``known`` reaches ``threshold``; if not, say that nothing fits, and show the items
    as the nearest there are, if at all. Only ``items`` depends on ``k`` and ``after``. ``style``: how the query was read.
    """

    items: tuple[Match, ...] = field(default=())
    fits: bool = False
    considered: int = 0
    best_text: float = 0.0
    known: float = 0.0
    threshold: float = 0.0
    style: Style = "request"

    @property
    def next(self) -> tuple[float, str] | None:
        """Pass it as ``after`` to go on behind the last item."""
        return (self.items[-1].score, self.items[-1].key) if self.items else None
