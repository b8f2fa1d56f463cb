"""The full rematch on several machines: the block function of ``matching.segments.rematch``, on Dask distributed.

An optional extra (``duijie[scale]``). All machines see the run's folder under the same path; each worker maps the segments
from there, and what it finds lands there under the block's name. So results do not travel through the scheduler, a worker
that is killed leaves nothing that counts, and its blocks are computed by another.
"""

from collections.abc import Callable

from distributed import Client, as_completed

from matching.segments.rematch import Run, land, nobody_hears


def work(client: Client, run: Run, *, told: Callable[[int, int], object] = nobody_hears) -> None:
    """Do what is left of a run on the client's cluster. ``told`` hears how many blocks are done, and of how many.

    Returns when every block has landed; an error of a block is raised here, and what has landed stays. Blocks of workers
    that were lost are given to others, as often as the scheduler's ``allowed-failures`` says.
    """
    left, every = run.left(), len(run.plan.blocks())
    folder = str(run.folder.resolve())
    # The name of a task is the block's: asked for twice at once, it is computed once.
    futures = [
        client.submit(land, folder, block.way.value, block.first, key=f"rematch-{folder}-{block.way}-{block.first}")
        for block in left
    ]
    for done, future in enumerate(as_completed(futures), 1):  # type: ignore[no-untyped-call, unused-ignore]  # where distributed is installed
        future.result()
        told(every - len(left) + done, every)
    run.sweep()
