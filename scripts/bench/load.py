"""A small HTTP/1.1 load generator: keep-alive connections, one request at a time on each, nothing parsed but the length.

It costs the client about 40 µs a request, so that on two cores the server under test is what is measured.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Run:
    """What one run saw. Times in seconds."""

    took: float
    latencies: list[float] = field(repr=False)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.took

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def _one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lowered = head.lower()
    at = lowered.index(b"content-length:") + 15
    await reader.readexactly(int(lowered[at : lowered.index(b"\r\n", at)]))
    return int(head[9:12])


def get(path: str, headers: Sequence[str] = ()) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


async def drive(ports: int | Sequence[int], requests: Sequence[bytes], *, connections: int) -> Run:
    """Send all `requests` over so many connections, shared out evenly; each takes the next when its last is answered."""
    ports = [ports] if isinstance(ports, int) else ports
    waiting = iter(requests)
    latencies: list[float] = []
    statuses: dict[int, int] = {}

    async def client(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        for request in waiting:
            started = time.perf_counter()
            status = await _one(reader, writer, request)
            latencies.append(time.perf_counter() - started)
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()
        await writer.wait_closed()

    started = time.perf_counter()
    await asyncio.gather(*(client(ports[number % len(ports)]) for number in range(connections)))
    return Run(time.perf_counter() - started, latencies, statuses)
