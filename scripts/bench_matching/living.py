"""How long an edited and a withdrawn record take until they count in two processes that answer queries all the while."""

import json
import sys
import time
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import numpy as np

from matching.segments.collection import Collection
from matching.segments.store import Store
from scripts.bench_matching import corpus

PROCESSES: Final = 2
CHANGES: Final = 20


def _answering(work: Path, told: Connection) -> None:
    """Long queries one after the other in a thread, and the changes that it is told; as a server does."""
    collection = Collection(Store(work / "duijie"))
    queries = json.loads((work / "queries.json").read_text(encoding="utf-8"))["long"]
    stop, took = Event(), []

    def ask(terms: dict[str, int]) -> bytes:
        view = collection.view
        return view.key_bytes_of(int(view.best(view.ask(terms), 10).rows[0]))

    def ask_on() -> None:
        for terms in cycle(queries):
            if stop.is_set():
                return
            started = time.perf_counter()
            ask(dict.fromkeys(terms, 1))
            took.append(time.perf_counter() - started)

    asking = Thread(target=ask_on)
    asking.start()
    told.send("ready")
    while (change := told.recv()) is not None:
        key, counts, sent = change
        if counts is None:
            collection.drop(key, mark=1)
            assert key not in collection.refresh()
        else:
            collection.put(key, counts, mark=1)
            collection.refresh()
            assert ask(counts) == key.encode()
        told.send(time.monotonic() - sent)
    stop.set()
    asking.join()
    told.send((len(took), float(np.mean(took)) * 1e3))


def measured(work: Path) -> dict[str, Any]:
    written = corpus.records(corpus.written(CHANGES + 1, work.parent), CHANGES + 1)
    texts = [record.text for record in islice(written, CHANGES + 1)]
    context = get_context("spawn")
    ends = [context.Pipe() for _ in range(PROCESSES)]
    processes = [context.Process(target=_answering, args=(work, theirs), daemon=True) for _, theirs in ends]
    for process in processes:
        process.start()
    ours = [end for end, _ in ends]
    for end in ours:
        end.recv()

    def changed(key: str, counts: dict[str, int] | None) -> float:
        """Milliseconds until the later of them has it."""
        for end in ours:
            end.send((key, counts, time.monotonic()))
        return max(float(end.recv()) for end in ours) * 1e3

    def counted(number: int) -> dict[str, int]:
        found = {word: n for word, n in corpus.words(texts[number]).items() if corpus.has_letter("", word)}
        return found | {f"edited{number}": 1}

    changed("s0", counted(0))  # once, so that no kernel is compiled while the clock runs
    figures: dict[str, Any] = {}
    for name in ("edit", "withdraw"):
        took = [changed(f"s{number}", counted(number + 1) if name == "edit" else None) for number in range(CHANGES)]
        figures[name] = {"mean": float(np.mean(took)), "most": max(took)}
    for end in ours:
        end.send(None)
    answered = [end.recv() for end in ours]
    figures["answered"] = sum(n for n, _ in answered)
    figures["long"] = max(mean for _, mean in answered)
    for process in processes:
        process.join()
    return figures


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]))))
