"""Waking the workers of other processes, beside the transactions that enqueue something for them.

PostgreSQL commits one transaction at a time of those that notify somebody, however many there are: each waits for the
disk by itself, and all others behind it. So a transaction that enqueues notifies nobody. Once it stands, its process
does: for all that was enqueued in the meantime at once, and without waiting for the disk. Whatever is lost of this is
found by the workers, who look by themselves every second.
"""

import asyncio
from typing import Final

import structlog
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from marketplace.kernel.log import said

# The least time between two rings, in seconds.
PAUSE: Final = 0.05
CLOSING: Final = 3
KEY: Final = "duijie.bell"
_RUNG: Final = "duijie.enqueued"
# What the queue's own trigger says.
_TOLD: Final = text("""
select set_config('synchronous_commit', 'off', true), pg_notify('ch_pgqueuer', json_build_object(
    'channel', 'ch_pgqueuer', 'operation', 'insert', 'sent_at', now(), 'table', 'pgqueuer',
    'type', 'table_changed_event'
)::text)
""")
log = structlog.get_logger("bell")


class Bell:
    """Rung as often as one likes; heard at most every `PAUSE`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._asked = False
        self._ringing: asyncio.Task[None] | None = None

    def ring(self) -> None:
        self._asked = True
        loop = asyncio.get_running_loop()
        if self._ringing is None or self._ringing.done() or self._ringing.get_loop() is not loop:
            self._ringing = loop.create_task(self._ring())

    async def _ring(self) -> None:
        while self._asked:
            self._asked = False
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(_TOLD)
            except Exception as error:  # noqa: BLE001 -- workers look by themselves; a courtesy breaks nothing
                log.info("not_rung", because=said(error))
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Ring no more. A database that has fallen silent is not waited for."""
        if self._ringing is not None:
            self._ringing.cancel()
            await asyncio.wait({self._ringing}, timeout=CLOSING)


def ring_after_commit(session: AsyncSession) -> None:
    """Ring once what this session is about to commit stands."""
    session.info[_RUNG] = True


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    if _RUNG in session.info and session.get_nested_transaction() is None:
        del session.info[_RUNG]
        bell: Bell | None = session.info.get(KEY)
        if bell is not None:
            bell.ring()
