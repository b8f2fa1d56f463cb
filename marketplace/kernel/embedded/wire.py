"""Just enough of PostgreSQL's protocol to ask a local server whether it is there.

Readiness is a real startup packet, because nothing else tells the truth: a pid file outlives a killed server, a pid
can belong to a zombie or to somebody else, and a socket file stays behind. Written by hand so that joining costs
milliseconds and needs neither an event loop nor a driver.
"""

import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432"
PROTOCOL_3_0 = 196608


class ServerSaidError(Exception):
    """An error the server itself sent, with its SQLSTATE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code

    @property
    def passing(self) -> bool:
        """57P0x: it starts, recovers or was just shot down; 53300: all connections are taken, so it is alive."""
        return self.code.startswith("57P0") or self.code == "53300"


class Connection:
    """One synchronous session as the superuser over the Unix socket in `run`."""

    def __init__(self, run: Path, database: str, timeout: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(run / SOCKET_NAME))
            words = ("user", SUPERUSER, "database", database, "client_encoding", "UTF8")
            body = struct.pack("!i", PROTOCOL_3_0) + b"".join(word.encode() + b"\0" for word in words) + b"\0"
            self._socket.sendall(struct.pack("!i", len(body) + 4) + body)
            self._answer()
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        try:
            self._socket.sendall(b"X" + struct.pack("!i", 4))
        except OSError:
            pass  # the server went first
        finally:
            self._socket.close()

    def query(self, sql: str) -> list[list[str | None]]:
        """The rows of one simple query, every value as text."""
        body = sql.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack("!i", len(body) + 4) + body)
        return self._answer()

    def _answer(self) -> list[list[str | None]]:
        rows: list[list[str | None]] = []
        said: ServerSaidError | None = None
        while True:
            kind, length = struct.unpack("!ci", self._exactly(5))
            body = self._exactly(length - 4)
            if kind == b"Z":
                if said:
                    raise said
                return rows
            if kind == b"D":
                rows.append(_values(body))
            elif kind == b"E":
                said = _error(body)
                if said.code.startswith(("28", "3D", "53", "57")):  # the session is over: no ReadyForQuery follows
                    raise said
            elif kind == b"R" and struct.unpack("!i", body[:4])[0] != 0:
                raise ServerSaidError("28000", "the server asks for a password, so it is not the embedded one")

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._socket.recv(size - len(parts))
            if not part:
                raise ConnectionResetError("the server closed the connection")
            parts += part
        return bytes(parts)


def _values(body: bytes) -> list[str | None]:
    count = struct.unpack_from("!h", body)[0]
    at, values = 2, list[str | None]()
    for _ in range(count):
        size = struct.unpack_from("!i", body, at)[0]
        at += 4
        values.append(None if size < 0 else body[at : at + size].decode())
        at += max(size, 0)
    return values


def _error(body: bytes) -> ServerSaidError:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return ServerSaidError(fields.get(b"C", "XX000"), fields.get(b"M", "no message"))
