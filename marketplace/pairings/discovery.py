"""New terms out of the open records: read, searched in a thread for what holds together, written down as proposals."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.identity.models import Organisation
from marketplace.kernel import clock, operations, work
from marketplace.kernel.actor import Actor
from marketplace.kernel.db import Database
from marketplace.kernel.jobs import Place
from marketplace.kernel.operations import Operation
from marketplace.kernel.paging import Paging
from marketplace.lexicon import proposals
from marketplace.lexicon.models import TermProposal
from marketplace.lexicon.policy import require_keeper
from marketplace.listings.models import Listing
from marketplace.listings.policy import listing_open
from marketplace.pairings import reading
from matching.lexicon import Lexicon
from matching.text import normalise
from schemas.lexicon import TermProposalExample, TermProposalFilter, TermProposalView
from schemas.listings import ListingKind
from schemas.operations import OperationState

if TYPE_CHECKING:  # only wanted by whoever discovers
    from matching.compounds import Compound

JOB: Final = "pairings.discover_terms"
BATCH: Final = 1000
STEPS: Final = 18
"""Reading the records, 16 of the search, and looking for examples."""
LOOK_SECONDS: Final = 0.5


async def start(session: AsyncSession, actor: Actor) -> Operation:
    """Have the open records searched for new terms. Nothing is ranked by what comes of it."""
    require_keeper(actor)
    return await work.start(session, actor, "term_discovery", JOB)


async def run(place: Place, args: dict[str, Any]) -> None:
    """Discover once. Done twice it has one effect: its end stands in the transaction of its result."""
    operation_id = UUID(args["operation_id"])
    async with place.database.writing.begin() as session:
        if not await work.begin(session, operation_id):
            return
        by = (await session.get_one(Operation, operation_id)).person_id
    try:
        with TemporaryDirectory(prefix="terms-") as folder:
            searching = _Searching(place.database, operation_id, Path(folder))
            records = await searching.read()
            found, examples = await searching.search()
        async with place.database.writing.begin() as session:
            await work.still_wanted(session, operation_id)
            proposed = await proposals.find(session, found, examples, by=by)
            await operations.progress(session, operation_id, STEPS, STEPS)
            result = {"records": records, "found": len(found), "proposed": proposed}
            await operations.end(session, operation_id, OperationState.DONE, result=result)
    except work.Stopped:
        async with place.database.writing.begin() as session:
            await operations.end(session, operation_id, OperationState.CANCELLED)


class _Searching:
    """The texts are written into a folder first, so that no connection waits for the search, nor memory holds them."""

    def __init__(self, database: Database, operation_id: UUID, folder: Path) -> None:
        self._database, self._operation_id, self._folder = database, operation_id, folder
        self._texts = folder / "texts"
        self._done = 0
        self._stop = threading.Event()

    async def read(self) -> int:
        """The public texts of all open achievements and problems; answers of how many."""
        count = 0
        with self._texts.open("w", encoding="utf-8") as file:
            for kind in ListingKind:
                key, statement = reading.open_records(kind)
                some, after = statement.order_by(key).limit(BATCH), None
                while True:
                    async with self._database.reading() as session:
                        rows = (await session.execute(some if after is None else some.where(key > after))).all()
                    if not rows:
                        break
                    after = rows[-1].id
                    for row in rows:
                        file.write(json.dumps([str(row.id), reading.document(row).text]) + "\n")
                    count += len(rows)
                    await self._told()
        self._done = 1
        return count

    async def search(self) -> "tuple[list[Compound], dict[str, list[UUID]]]":
        """The best candidates, and some records that have each."""
        following = asyncio.create_task(self._follow())
        try:
            return await anyio.to_thread.run_sync(self._search)
        finally:
            self._stop.set()
            await following

    async def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                await self._told()
            except work.Stopped:
                self._stop.set()
            await asyncio.sleep(LOOK_SECONDS)

    async def _told(self) -> None:
        async with self._database.writing.begin() as session:
            if not await operations.progress(session, self._operation_id, self._done, STEPS):
                raise work.Stopped

    def _lines(self) -> Iterator[tuple[str, str]]:
        with self._texts.open(encoding="utf-8") as file:
            for line in file:
                if self._stop.is_set():
                    raise work.Stopped
                key, text = json.loads(line)
                yield key, text

    def _step(self, done: int, _of: int) -> None:
        self._done = 1 + done
        if self._stop.is_set():
            raise work.Stopped

    def _search(self) -> "tuple[list[Compound], dict[str, list[UUID]]]":
        from matching.compounds import discovered  # noqa: PLC0415 -- see above

        found = discovered((text for _, text in self._lines()), told=self._step, folder=self._folder)
        return found, self._examples(found)

    def _examples(self, found: "Sequence[Compound]") -> dict[str, list[UUID]]:
        examples: dict[str, list[UUID]] = {one.text: [] for one in found}
        if found:
            sought = Lexicon.of(examples)
            for key, text in self._lines():
                for term in set(sought.standing(normalise(text))):
                    if len(examples[term]) < proposals.EXAMPLES:
                        examples[term].append(UUID(key))
        return examples


async def listed(
    session: AsyncSession, actor: Actor, wish: TermProposalFilter, paging: Paging
) -> tuple[list[TermProposalView], str | None]:
    """Proposals, the best first, with those of their examples that are open still."""
    rows, marker = await proposals.listed(session, actor, wish, paging)
    known = await _open(session, {id_ for row in rows for id_ in row.examples})
    return [_shown(row, known) for row in rows], marker


async def _open(session: AsyncSession, ids: set[UUID]) -> dict[UUID, TermProposalExample]:
    found = await session.execute(
        select(Listing.id, Listing.kind, Listing.title)
        .join(Organisation, Organisation.id == Listing.organisation_id)
        .where(Listing.id.in_(ids), listing_open(), Listing.confirmed_until > clock.now())
    )
    return {row.id: TermProposalExample(id=row.id, kind=row.kind, title=row.title) for row in found.all()}


def _shown(row: TermProposal, known: dict[UUID, TermProposalExample]) -> TermProposalView:
    plain = set(TermProposalView.model_fields) - {"text", "examples"}
    return TermProposalView(
        text=row.key,
        examples=[known[id_] for id_ in row.examples if id_ in known],
        **{name: getattr(row, name) for name in plain},
    )
