"""The wire between a program and PostgreSQL, which a test can silence, cut, or hold at a word."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import URL, make_url

SOCKET = ".s.PGSQL.5432"


class Wire:
    """A socket that passes everything on, for as long as it is told to."""

    def __init__(self, to: URL) -> None:
        self._to = to
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._word = b""
        self.held = asyncio.Event()
        self.refusing = False

    def silence(self) -> None:
        """Nothing goes through in either direction, new connections are taken and not answered."""
        self._open.clear()

    def resume(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """Every connection breaks."""
        for writer in self._writers:
            writer.transport.abort()

    def cut_at_the_answer_to(self, word: bytes) -> None:
        """What says `word` reaches PostgreSQL; its answer does not come back, and the connection breaks."""
        self._word = word
        self.held.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        host = self._to.query.get("host") or self._to.host
        if isinstance(host, str) and host.startswith("/"):
            behind = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{self._to.port or 5432}")
        else:
            behind = await asyncio.open_connection(host, self._to.port or 5432)
        doomed = asyncio.Event()
        for source, target, asks in ((reader, behind[1], True), (behind[0], writer, False)):
            self._writers.add(target)
            pump = asyncio.create_task(self._pump(source, target, doomed, asks=asks))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, doomed: asyncio.Event, *, asks: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._open.wait()
                if asks and self._word and self._word in data:
                    self._word = b""
                    doomed.set()
                if doomed.is_set() and not asks:
                    self.held.set()
                    target.transport.abort()
                    break
                target.write(data)
                await target.drain()
        target.close()
        self._writers.discard(target)

    async def close(self) -> None:
        self.cut()
        self.resume()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


@contextlib.asynccontextmanager
async def a_wire_to(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server of `url`, and the address to reach it by."""
    target = make_url(url)
    wire = Wire(target)
    with tempfile.TemporaryDirectory(prefix="wire-") as folder:
        server = await asyncio.start_unix_server(wire.serve, Path(folder) / SOCKET)
        there = URL.create("postgresql+asyncpg", target.username, target.password, None, None, target.database)
        there = there.set(query={"host": folder})
        try:
            yield wire, there.render_as_string(hide_password=False)
        finally:
            server.close()
            await wire.close()
