import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from matching.segments.files import Damaged
from matching.segments.ranking import Part, View
from matching.segments.store import Busy, Store
from tests.matching.segments.given import BruteForce, everyone, ranked, segment_of

QUERY = {"电": 2, "池": 1, "t3": 1, "t5": 2}


def corpus_of(mark):
    """What a version with this mark holds."""
    return {f"k{n:03}": {"电": n % 3 + 1, f"t{n % 7}": 1} | ({"池": 2} if n % 2 else {}) for n in range(mark * 3 + 5)}


def lives_of(mark):
    """The same in two segments, with some dead in the first."""
    corpus = corpus_of(mark)
    keys = sorted(corpus)
    first = {key: corpus[key] for key in keys[::2]} | {f"x{n}": {"电": 9} for n in range(3)}
    segments = [segment_of(first), segment_of({key: corpus[key] for key in keys[1::2]})]
    alive = np.array([not key.startswith(b"x") for key in segments[0].keys], np.bool_)
    return [(segments[0], alive), (segments[1], everyone(segments[1]))]


def view_of(shelved):
    lives = zip(shelved.lives, shelved.weighings, strict=True)
    parts = [Part(segment, weighing, alive.astype(np.uint8)) for (segment, alive), weighing in lives]
    return View.of(parts, shelved.manifest.collection)


def assert_whole(store):
    """The newest version is one that was published, to the last byte and rank. Answers its mark."""
    shelved = store.open()
    store.verify(shelved.manifest)
    mark = shelved.manifest.mark
    assert shelved.manifest.documents == len(corpus_of(mark))
    assert ranked(view_of(shelved), QUERY, 50) == BruteForce(corpus_of(mark)).ranked(QUERY, 50)
    return mark


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "index")


def published(store, mark):
    with store.writing() as writer:
        return writer.publish(lives_of(mark), mark)


def test_what_was_published_is_opened_and_ranks_as_the_living_alone(store):
    assert (store.latest(), store.open()) == (None, None)
    published(store, 1)
    assert assert_whole(store) == 1
    published(store, 2)
    assert assert_whole(store) == 2


def test_files_of_two_versions_stay_and_no_others(store):
    for mark in range(5):
        published(store, mark)
    left = {path.name for path in store.folder.iterdir()} - {"writer.lock"}
    manifests = [store._read(number) for number in store._numbers()]
    assert [manifest.mark for manifest in manifests] == [4, 3]
    assert left == {name for manifest in manifests for name in manifest.files()}


def test_segments_and_deaths_that_stay_the_same_are_not_written_again(store):
    published(store, 1)
    first = store.open()
    with store.writing() as writer:
        again = writer.publish(first.lives, 2)
    assert [entry.segment for entry in again.entries] == [entry.segment for entry in first.manifest.entries]
    assert [entry.alive for entry in again.entries] == [entry.alive for entry in first.manifest.entries]
    assert ranked(view_of(store.open()), QUERY, 9) == ranked(view_of(first), QUERY, 9)


def test_only_one_writes_at_a_time(store):
    with store.writing(), pytest.raises(Busy), store.writing():
        pass
    published(store, 1)


def test_a_reader_keeps_a_version_that_was_swept(store):
    published(store, 1)
    view = view_of(store.open())
    for mark in range(2, 6):
        published(store, mark)
    assert ranked(view, QUERY, 50) == BruteForce(corpus_of(1)).ranked(QUERY, 50)


@pytest.mark.parametrize("what", ["manifest", "segment", "statistics", "alive"])
@pytest.mark.parametrize("how", ["cut", "emptied", "lost"])
def test_a_version_that_lost_something_is_passed_over_for_the_one_before(store, what, how):
    published(store, 1)
    newest = published(store, 2)
    path = next(store.folder / name for name in newest.files() if what in name)
    if how == "lost":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 40 if how == "cut" else 0])
    assert assert_whole(store) == 1


def test_a_changed_byte_is_found_by_verifying(store):
    manifest = published(store, 1)
    path = store.folder / manifest.entries[0].segment
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged):
        store.verify(manifest)


class Crash(BaseException):
    """The machine stops."""


@pytest.mark.parametrize("second", range(12))
def test_a_crash_before_any_file_leaves_the_last_good_version(store, second):
    published(store, 1)
    steps = []

    def step(name):
        steps.append(name)
        if len(steps) > second:
            raise Crash

    try:
        with store.writing() as writer:
            writer.publish(lives_of(2), 2, step=step)
    except Crash:
        assert assert_whole(store) == (2 if "sweep" in steps else 1)
    else:
        assert assert_whole(store) == 2
    assert published(store, 3)
    assert assert_whole(store) == 3
    assert not list(store.folder.glob("*.unfinished"))


def test_a_file_cut_at_any_byte_while_it_is_written_is_never_seen(store, monkeypatch):
    published(store, 1)
    rng = random.Random(1)
    real = os.fsync
    for _ in range(25):
        left = rng.randrange(8)

        def torn(handle, left=[left]):  # noqa: B006 -- counts down
            left[0] -= 1
            if left[0] < 0:
                size = os.fstat(handle).st_size
                if size and not Path(f"/proc/self/fd/{handle}").resolve().is_dir():
                    os.truncate(handle, rng.randrange(size))
                raise Crash
            real(handle)

        monkeypatch.setattr(os, "fsync", torn)
        with suppress(Crash):
            published(store, 2)
        monkeypatch.setattr(os, "fsync", real)
        assert assert_whole(store) in {1, 2}
        published(store, 1)


def test_kill_9_at_any_moment_leaves_a_good_version(store):
    published(store, 1)
    rng = random.Random(7)
    seen = set()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.matching.segments.test_store", str(store.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as mother:
        for _ in range(8):
            mother.stdin.write("another\n")
            mother.stdin.flush()
            child = int(mother.stdout.readline())
            newest = max(store._numbers())
            deadline = time.monotonic() + 60
            while max(store._numbers()) < newest + 2 and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(rng.random() * 0.05)
            os.kill(child, signal.SIGKILL)
            assert mother.stdout.readline() == f"{signal.SIGKILL}\n"
            seen.add(assert_whole(store))
        mother.stdin.close()
    assert len(seen) > 1
    published(store, 1)
    assert assert_whole(store) == 1


def publish_without_end(store):
    number = store.latest().mark
    while True:
        number = number % 9 + 1
        published(store, number)


if __name__ == "__main__":  # for each line that comes, a child that publishes; answers its id, and how it ended
    folder = Store(Path(sys.argv[1]))
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            publish_without_end(folder)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.WTERMSIG(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
