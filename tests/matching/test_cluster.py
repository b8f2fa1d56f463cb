"""The rematch on several processes, one of which is killed while it works."""

import os
import signal
import socket
from pathlib import Path

import pytest

from matching.segments.rematch import Run
from tests.matching.segments.test_rematch import assert_whole, corpus, published

distributed = pytest.importorskip("distributed", reason="dask is not installed: pip install 'duijie[scale]'")
pytestmark = pytest.mark.filterwarnings("default")  # of a library that starts and loses processes


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    ) as running:
        yield running


def answers(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.folder.glob("*.answers")}


def begun(folder: Path, stores, name: str) -> Run:
    return Run.begin(folder / name, *stores, k=5, block=1)


def test_a_killed_worker_changes_nothing_in_what_is_found(cluster, tmp_path):
    from matching import cluster as machines

    stores = published(tmp_path / "p", corpus(1, 23)), published(tmp_path / "a", corpus(2, 37))
    alone, run = begun(tmp_path, stores, "alone"), begun(tmp_path, stores, "run")
    alone.work(threads=2)  # first, and compiles what the workers need
    killed = []
    with machines.reached(cluster.scheduler_address) as client:
        workers = client.run(os.getpid)
        assert len(workers) == 2

        def kill_one(done, of):
            if done == 5:
                killed.append(done)
                os.kill(next(iter(workers.values())), signal.SIGKILL)

        machines.work(client, run, told=kill_one)
    assert killed
    assert_whole(run, stores)
    assert answers(alone) == answers(run)


def test_a_run_that_is_begun_again_in_the_same_folder_is_answered_from_its_own_records(cluster, tmp_path):
    """The market's runs all stand in one folder, and a worker keeps open what it worked on."""
    import shutil

    from matching import cluster as machines

    stores = published(tmp_path / "p", corpus(1, 11)), published(tmp_path / "a", corpus(2, 13))
    with machines.reached(cluster.scheduler_address) as client:
        machines.work(client, begun(tmp_path, stores, "run"))
        shutil.rmtree(tmp_path / "run")
        stores = published(tmp_path / "p2", corpus(3, 11)), published(tmp_path / "a2", corpus(4, 13))
        run, alone = begun(tmp_path, stores, "run"), begun(tmp_path, stores, "alone")
        machines.work(client, run)
    alone.work()
    assert answers(alone) == answers(run)


def test_a_cluster_that_is_away_or_empty_is_said_at_once():
    from matching import cluster as machines

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        with pytest.raises(ConnectionRefusedError), machines.reached(f"tcp://127.0.0.1:{taken.getsockname()[1]}"):
            pass
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, protocol="tcp://", dashboard_address=":0", host="127.0.0.1"
        ) as empty,
        pytest.raises(OSError, match="no worker"),
        machines.reached(empty.scheduler_address),
    ):
        pass


def test_a_scheduler_that_is_lost_ends_the_work_and_keeps_what_has_landed(tmp_path):
    from matching import cluster as machines

    stores = published(tmp_path / "p", corpus(1, 23)), published(tmp_path / "a", corpus(2, 37))
    run = begun(tmp_path, stores, "run")
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", dashboard_address=":0", host="127.0.0.1"
    ) as lost:

        def lose(done, of):
            if done == 3:
                lost.close()

        with pytest.raises(OSError, match="gave up"), machines.reached(lost.scheduler_address) as client:
            machines.work(client, run, told=lose)
    assert 3 <= run.progress()[0] < run.progress()[1]
    run.work()
    assert_whole(run, stores)
