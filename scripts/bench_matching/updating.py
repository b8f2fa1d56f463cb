"""How long a change takes until it counts: 1,000 new records, one edited, one withdrawn; and what queries cost then."""

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from matching.segments.collection import Collection
from matching.segments.store import Store
from scripts.bench_matching import corpus
from scripts.bench_matching.one import memory_mb, spread, timed

MANY = 1000


def measured(work: Path) -> dict[str, Any]:
    written = corpus.records(corpus.written(MANY, work.parent), MANY)
    texts = [(record.key, record.text) for record in islice(written, MANY)]
    collection = Collection(Store(work / "duijie"))
    queries = json.loads((work / "queries.json").read_text(encoding="utf-8"))["long"]
    view = collection.view
    for terms in queries[:5]:
        view.best(view.ask(dict.fromkeys(terms, 1)), 10)

    def put(key: str, text: str) -> None:
        counts = {word: n for word, n in corpus.words(text).items() if corpus.has_letter("", word)}
        collection.put(key, counts, mark=1)

    def add_many() -> None:
        for key, text in texts:
            put(f"new-{key}", text)
        assert f"new-{texts[-1][0]}" in collection.refresh()

    def edit_one(number: int) -> None:
        put(f"s{number}", texts[number + 1][1])
        collection.refresh()

    def withdraw_one(number: int) -> None:
        collection.drop(f"s{number}", mark=1)
        assert f"s{number}" not in collection.refresh()

    for number in range(2):  # once, so that no kernel is compiled while the clock runs
        put(f"warm-{number}", texts[number][1])
        collection.refresh()
    figures: dict[str, Any] = {"add_1000": timed(add_many)}
    for name, act in (("edit", edit_one), ("withdraw", withdraw_one)):
        took = [timed(lambda number=number, act=act: act(number)) for number in range(20)]  # type: ignore[misc]
        figures[name] = spread([each["cpu"] for each in took], [each["wall"] for each in took])
    view = collection.view
    took = [timed(lambda terms=terms: view.best(view.ask(dict.fromkeys(terms, 1)), 10)) for terms in queries]  # type: ignore[misc]
    figures["long_after"] = spread([each["cpu"] for each in took], [each["wall"] for each in took])
    figures["memory_mb"] = memory_mb("RssAnon")
    return figures


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]))))
