"""The full rematch on several machines: the block function of ``matching.segments.rematch``, on Dask distributed.

An optional extra (``duijie[scale]``). All machines see the run's folder under the same path; each worker maps the segments
from there, and what it finds lands there under the block's name. So results do not travel through the scheduler, a worker
that is killed leaves nothing that counts, and its blocks are computed by another.
"""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from distributed import Client, KilledWorker, as_completed

from matching.segments.rematch import Run, land, nobody_hears

PATIENCE: Final = 10.0
"""Seconds until a scheduler that does not answer is given up."""


@contextmanager
def reached(address: str) -> Iterator[Client]:
    """A client of the scheduler at an address such as ``tcp://10.0.0.1:8786``. OSError when it does not answer, or has no
    worker: work would wait for one for ever."""
    parts = urlsplit(address)
    # A client waits for a scheduler that is away without end, whatever its own timeout says (distributed 2026.8).
    socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE).close()
    with Client(address, timeout=PATIENCE) as client:  # type: ignore[no-untyped-call, unused-ignore]  # where it is installed
        if not client.scheduler_info()["workers"]:  # type: ignore[no-untyped-call, unused-ignore]
            raise OSError(f"the scheduler at {address} has no worker")
        yield client


def work(client: Client, run: Run, *, told: Callable[[int, int], object] = nobody_hears) -> None:
    """Do what is left of a run on the client's cluster. ``told`` hears how many blocks are done, and of how many.

    Returns when every block has landed; an error of a block is raised here, and what has landed stays. Blocks of workers
    that were lost are given to others, as often as the scheduler's ``allowed-failures`` says; OSError beyond that, and when
    the scheduler itself is lost.
    """
    left, every = run.left(), len(run.plan.blocks())
    folder, name = str(run.folder.resolve()), run.plan.name
    # The name of a task is the block's: asked for twice at once, it is computed once.
    futures = [
        client.submit(land, folder, name, block.way.value, block.first, key=f"rematch-{name}-{block.way}-{block.first}")
        for block in left
    ]
    for done, future in enumerate(as_completed(futures), 1):  # type: ignore[no-untyped-call, unused-ignore]  # where distributed is installed
        try:
            future.result()
        except (CancelledError, KilledWorker) as error:
            raise OSError(f"the cluster gave up on {future.key}: {type(error).__name__}") from error
        told(every - len(left) + done, every)
    run.sweep()
