"""What an import did, written down so that it can be undone: the import itself, and each instrument or expert of it.

What it did to listings is written down by the statements that do it (`writing`).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.experts.facts import ExpertErased
from marketplace.imports.models import FileImport, ImportedRecord, Upload
from marketplace.imports.writing import Wish
from marketplace.kernel import clock
from marketplace.kernel.operations import ENDED, Operation
from marketplace.kernel.refusals import Conflict, refusing
from marketplace.labs.models import Instrument
from schemas.imports import ImportKind
from schemas.labs import clock_written


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


async def created(session: AsyncSession, wish: Wish, before: int, made: Sequence[tuple[Any, ...]]) -> None:
    """Remember new records, each with its place and whether it was published; `before` of them were written already."""
    await _write(session, wish, before, [(at, one, published, True, {}, {}) for at, one, published in made])


async def changed(session: AsyncSession, wish: Wish, before: int, made: Sequence[tuple[Any, ...]]) -> None:
    """Remember what was changed: the place, the record, whether it was published, what it said and says since."""
    await _write(session, wish, before, [(at, one, published, False, *said) for at, one, published, *said in made])


async def _write(session: AsyncSession, wish: Wish, before: int, rows: Sequence[tuple[Any, ...]]) -> None:
    # What a person is called stands in their profile alone.
    nameless = wish.kind is ImportKind.EXPERT
    await session.execute(
        insert(ImportedRecord),
        [
            {
                "import_id": wish.import_id, "number": number, "sheet": at[0], "row": at[1], "record_id": one.id,
                "name": "" if nameless else one.name, "created": is_new, "published": published, "before": was, "after": now,
                "version": one.version,
            }
            for number, (at, one, published, is_new, was, now) in enumerate(rows, before + 1)
        ],
    )  # fmt: skip


async def forget(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Of records that are gone nothing is remembered but that an import touched something."""
    await session.execute(
        update(ImportedRecord).where(ImportedRecord.record_id.in_(ids)).values(name="", before={}, after={}),
        execution_options={"synchronize_session": False},
    )


async def expert_erased(session: AsyncSession, fact: ExpertErased, _by: UUID | None) -> None:
    """Whoever was erased is in no import any more, nor in a file that was tried and waits to be confirmed."""
    await forget(session, [fact.expert_id])
    ended = select(Operation.id).where(Operation.state.in_(ENDED))
    await session.execute(
        delete(Upload).where(
            Upload.organisation_id == fact.organisation_id,
            Upload.wish["kind"].astext == ImportKind.EXPERT,
            Upload.operation_id.in_(ended),
        ),
        execution_options={"synchronize_session": False},
    )
