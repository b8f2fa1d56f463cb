"""Which checker a kind of record has."""

from typing import Final

from marketplace.imports.checking import Checker, ListingChecker
from marketplace.imports.expert_checking import ExpertChecker
from marketplace.imports.findings import Findings
from marketplace.imports.instrument_checking import InstrumentChecker
from schemas.imports import ImportKind

_OF: Final[dict[ImportKind, type[Checker]]] = {
    ImportKind.ACHIEVEMENT: ListingChecker,
    ImportKind.PROBLEM: ListingChecker,
    ImportKind.INSTRUMENT: InstrumentChecker,
    ImportKind.EXPERT: ExpertChecker,
}


def checker_of(kind: ImportKind, source: str | None, findings: Findings, *, publish: bool) -> Checker:
    return _OF[kind](kind, source, publish, findings)
