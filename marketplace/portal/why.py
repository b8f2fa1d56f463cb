"""A pairing made ready to be shown: its reasons, and the sum that makes its score."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketplace.portal import say, words
from schemas.event_rankings import EventPairing
from schemas.funding_rankings import FundingPairing
from schemas.pairings import ExpertPairing, InstrumentPairing, Pairing, TermPart

Reasoned = Pairing | InstrumentPairing | ExpertPairing | EventPairing | FundingPairing

CHIPS = 8
STRENGTHS = ((0.3, "strong"), (0.12, "middling"))


@dataclass(frozen=True)
class Row:
    """One line of the sum."""

    what: str
    how: str
    contribution: Decimal
    parts: Sequence[TermPart] = ()
    group: str = "term"


@dataclass(frozen=True)
class Chip:
    term: str
    contribution: float
    strength: str
    synonym_of: str | None
    lowered: float
    raised: float


def chips(pairing: Reasoned) -> list[Chip]:
    """The matched terms that weigh most, each as strong as its share of the text score."""
    text = pairing.reasons.text or 1.0

    def strength(contribution: float) -> str:
        return next((name for share, name in STRENGTHS if contribution / text >= share), "weak")

    return [
        Chip(term.term, term.contribution, strength(term.contribution), term.synonym_of, term.lowered, term.raised)
        for term in pairing.reasons.terms[:CHIPS]
    ]


def telling(pairing: Reasoned) -> list[str]:
    """The terms that can be called misleading: words and phrases, not the line of single characters."""
    return [one.term for one in pairing.reasons.terms if any(len(part) > 1 for part in one.term.split("·"))]


def rows(pairing: Reasoned) -> tuple[list[Row], Decimal]:
    """Every part of the score and the score, as numbers that add up as they are written."""
    reasons = pairing.reasons
    values = [
        *(term.contribution for term in reasons.terms),
        reasons.other.contribution,
        *(signal.contribution for signal in reasons.signals),
    ]
    shown, total = say.adding_up(values, pairing.score)
    numbers = iter(shown)
    made = [Row(term.term, "", next(numbers), term.parts or ()) for term in reasons.terms]
    other = next(numbers)
    if reasons.other.terms:
        made.append(Row(say.t("其余 {n} 个词 · {n} other terms", n=reasons.other.terms), "", other, group="other"))
    for signal in reasons.signals:
        how = say.signal(signal.name, signal.detail, known=signal.known)
        if signal.known:
            how += f" — {reasons.text:.4f} × {signal.weight:.3f} × {signal.value:.2f}"
        made.append(Row(say.t(words.SIGNALS.get(signal.name, signal.name)), how, next(numbers), group="signal"))
    return made, total


def bar(pairing: Reasoned, best: float) -> tuple[float, float]:
    """How long the bar's two parts are, text and signals, beside the best of the list (in hundredths)."""
    full = max(best, pairing.score, 1e-9)
    text = 100 * pairing.reasons.text / full
    return round(text, 2), round(100 * pairing.score / full - text, 2)
