"""What an import did, written down so that it can be undone: the import itself, and each instrument of it.

What it did to listings is written down by the statements that do it (`writing`).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from pydantic_core import to_jsonable_python
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.imports.models import FileImport, ImportedRecord
from marketplace.imports.writing import Wish
from marketplace.kernel import clock
from marketplace.kernel.refusals import Conflict, refusing
from marketplace.labs.models import Instrument
from schemas.labs import InstrumentState, clock_written


class DoneAlready(Conflict):
    """这次导入已经写入。 · That import was written already."""


CALENDAR: Final = frozenset({"hours", "exceptions"})


def said(instrument: Instrument, fields: Iterable[str]) -> dict[str, Any]:
    """What an instrument says in some fields, as a patch would say it."""
    found = {name: _calendar(instrument, name) if name in CALENDAR else getattr(instrument, name) for name in fields}
    told: dict[str, Any] = to_jsonable_python(found)
    return told


def _calendar(instrument: Instrument, name: str) -> list[dict[str, Any]]:
    if name == "hours":
        hours = sorted(instrument.hours, key=lambda one: (one.weekday, one.opens))
        return [
            {"weekday": one.weekday, "opens": clock_written(one.opens), "closes": clock_written(one.closes)}
            for one in hours
        ]
    return [
        {
            "day": one.day,
            "opens": None if one.opens is None else clock_written(one.opens),
            "closes": None if one.closes is None else clock_written(one.closes),
            "reason": one.reason,
        }
        for one in sorted(instrument.exceptions, key=lambda one: (one.day, one.opens or 0))
    ]


async def begin(session: AsyncSession, wish: Wish) -> None:
    """Remember the import itself; what was written under its id already is not written again."""
    made = FileImport(
        id=wish.import_id, kind=wish.kind, organisation_id=wish.organisation_id, name=wish.name, by=wish.by, at=clock.now()
    )  # fmt: skip
    with refusing(instrument_import_pkey=DoneAlready):
        async with session.begin_nested():
            session.add(made)


async def created(
    session: AsyncSession, wish: Wish, before: int, made: Sequence[tuple[tuple[str | None, int], Instrument]]
) -> None:
    """Remember new instruments; `before` of them were written already."""
    rows: list[tuple[Any, ...]] = [(at, one, one.state is InstrumentState.PUBLISHED, True, {}, {}) for at, one in made]
    await _write(session, wish, before, rows)


async def changed(session: AsyncSession, wish: Wish, before: int, made: Sequence[tuple[Any, ...]]) -> None:
    """Remember what was changed: the place, the instrument, whether it was published, what it said and says since."""
    await _write(session, wish, before, [(at, one, published, False, *said) for at, one, published, *said in made])


async def _write(session: AsyncSession, wish: Wish, before: int, rows: Sequence[tuple[Any, ...]]) -> None:
    await session.execute(
        insert(ImportedRecord),
        [
            {
                "import_id": wish.import_id, "number": number, "sheet": at[0], "row": at[1], "record_id": one.id,
                "name": one.name, "created": is_new, "published": published, "before": was, "after": now,
                "version": one.version,
            }
            for number, (at, one, published, is_new, was, now) in enumerate(rows, before + 1)
        ],
    )  # fmt: skip
