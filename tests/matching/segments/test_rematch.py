import threading

import numpy as np
import pytest

from matching.segments.collection import Collection
from matching.segments.files import Damaged
from matching.segments.rematch import Block, Run, Way
from matching.segments.store import Store

WORDS = [f"w{n:02}" for n in range(30)]


def corpus(seed, n):
    rng = np.random.default_rng(seed)
    return {
        f"{seed}-{row:03}": {WORDS[place]: int(rng.integers(1, 4)) for place in rng.choice(30, 6, replace=False)}
        for row in range(n)
    }


def published(folder, records):
    """A store of these records in two segments, one of them gone again."""
    collection = Collection(Store(folder))
    keys = sorted(records)
    for key in [*keys[:-2], "gone"]:
        collection.put(key, records.get(key, {"w01": 1}))
    collection.publish()
    for key in keys[-2:]:
        collection.put(key, records[key])
    collection.drop("gone")
    collection.publish()
    return Store(folder)


@pytest.fixture
def stores(tmp_path):
    return published(tmp_path / "p", corpus(1, 23)), published(tmp_path / "a", corpus(2, 37))


def expected(asking, answering, k):
    """Each record's own question, one by one."""
    view = Collection(answering).view
    out = {}
    for key, counts in asking.items():
        found = view.best(view.ask(counts), k)
        out[key] = [
            (view.key(row), score) for row, score in zip(found.rows.tolist(), found.scores.tolist(), strict=True)
        ]
    return out


def assert_whole(run, stores, k=5):
    problems, achievements = stores
    assert dict(run.found(Way.PROBLEMS)) == expected(corpus(1, 23), achievements, k)
    assert dict(run.found(Way.ACHIEVEMENTS)) == expected(corpus(2, 37), problems, k)
    assert run.left() == []
    assert not list(run.folder.glob("*.answers.*"))


def begun(tmp_path, stores):
    return Run.begin(tmp_path / "run", *stores, k=5, block=7)


def test_everyone_is_matched_both_ways(tmp_path, stores):
    run = begun(tmp_path, stores)
    heard = []
    run.work(threads=2, told=lambda done, of: heard.append((done, of)))
    assert_whole(run, stores)
    assert heard == [(n, len(run.plan.blocks())) for n in range(1, len(run.plan.blocks()) + 1)]


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path, stores):
    run = Run.begin(tmp_path / "run", *stores, k=5, block=1)

    def stop(done, of):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.work(told=stop)
    landed = {path.name: path.read_bytes() for path in run.folder.glob("*.answers")}
    assert 4 <= len(landed) < len(run.plan.blocks())
    (run.folder / "problems-000000000000.answers.dead.unfinished").write_bytes(b"half a block")
    again = Run(run.folder)
    assert again.progress()[0] == len(landed)
    again.work()
    assert_whole(again, stores)
    assert {name: (run.folder / name).read_bytes() for name in landed} == landed


def test_what_is_published_meanwhile_changes_nothing(tmp_path, stores):
    run = begun(tmp_path, stores)
    before = {way: dict(found) for way, found in _all(run).items()}
    for store in stores:
        collection = Collection(store)
        for n in range(4):  # the files of the version that the run began with are swept
            collection.put(f"late-{n}", {"w01": 1})
            collection.publish()
    assert Run.begin(run.folder, *stores, k=9, block=3).plan == run.plan
    for path in run.folder.glob("*.answers"):
        path.unlink()
    assert _all(Run(run.folder)) == before


def _all(run):
    run.work()
    return {way: dict(run.found(way)) for way in Way}


def test_a_block_that_two_compute_at_once_is_the_same_block(tmp_path, stores):
    run = begun(tmp_path, stores)
    block = Block(Way.PROBLEMS, 7)
    threads = [threading.Thread(target=Run(run.folder).land, args=(block,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in run.folder.glob("*.answers*")] == ["problems-000000000007.answers"]
    assert run.answers(block).rows.tolist() == run.compute(block).rows.tolist()


def test_a_landed_block_that_was_damaged_is_noticed(tmp_path, stores):
    run = begun(tmp_path, stores)
    run.work()
    path = next(run.folder.glob("*.answers"))
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged):
        _ = {way: dict(run.found(way)) for way in Way}


def test_refuses_what_cannot_be_run(tmp_path, stores):
    with pytest.raises(LookupError, match="never published"):
        Run.begin(tmp_path / "run", stores[0], Store(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="at least 1"):
        Run.begin(tmp_path / "run", *stores, k=0)
    with pytest.raises(FileNotFoundError):
        Run(tmp_path / "elsewhere")
