"""The rematch on several processes, one of which is killed while it works."""

import os
import signal

import pytest

from matching.segments.rematch import Run
from tests.matching.segments.test_rematch import assert_whole, corpus, published

distributed = pytest.importorskip("distributed", reason="dask is not installed: pip install 'duijie[scale]'")


@pytest.mark.filterwarnings("default")  # of a library that starts and loses processes
def test_a_killed_worker_changes_nothing_in_what_is_found(tmp_path):
    from matching.cluster import work

    stores = published(tmp_path / "p", corpus(1, 23)), published(tmp_path / "a", corpus(2, 37))
    alone = Run.begin(tmp_path / "alone", *stores, k=5, block=1)
    alone.work(threads=2)  # first, and compiles what the workers need
    run = Run.begin(tmp_path / "run", *stores, k=5, block=1)
    killed = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = client.run(os.getpid)

        def kill_one(done, of):
            if done == 5:
                killed.append(done)
                os.kill(next(iter(workers.values())), signal.SIGKILL)

        work(client, run, told=kill_one)
        assert len(workers) == 2
    assert killed
    assert_whole(run, stores)
    for path in alone.folder.glob("*.answers"):
        assert path.read_bytes() == (run.folder / path.name).read_bytes()
