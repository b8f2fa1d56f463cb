"""Which checker a kind of record has."""

from marketplace.imports.checking import Checker, ListingChecker
from marketplace.imports.findings import Findings
from marketplace.imports.instrument_checking import InstrumentChecker
from schemas.imports import ImportKind


def checker_of(kind: ImportKind, source: str | None, findings: Findings, *, publish: bool) -> Checker:
    of = InstrumentChecker if kind is ImportKind.INSTRUMENT else ListingChecker
    return of(kind, source, publish, findings)
