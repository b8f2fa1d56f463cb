"""What texts of 100,000 characters cost that nobody writes but somebody pastes: read, ranked, and twenty found ones explained."""

import json
import sys
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from matching import Document, Query
from matching.segments.index import SharedIndex, warm
from scripts.bench_matching import corpus
from scripts.bench_matching.one import timed

RECORDS: Final = 10_000
CHARACTERS: Final = 100_000
PAGE: Final = 20
ROUNDS: Final = 3


def _again(piece: str) -> str:
    return "".join(islice(cycle(piece), CHARACTERS))


def texts(prose: str) -> dict[str, str]:
    """By what they are."""
    return {
        "prose": prose,
        "prose without punctuation": "".join(char for char in prose if char.isalnum()),
        "each character another": "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(CHARACTERS)),
        "one character repeated": _again("电"),
        "function words alone": _again("的和在了是与"),
        "mixed scripts": _again("电池battery電池ﾃﾞﾝﾁАккумулятор배터리بطارية"),
        "full-width and traditional": _again("鋰離子電池ＡＢＣ１２３．４５，硬度≥６０ＨＲＣ。"),
        "digits and units": _again("硬度≥60 HRC，温度 1200℃±5 mm；3.5MPa 12.7kW·h/kg。"),
        "combining marks": _again("e\u0301\u0302"),
        "punctuation alone": _again("。，！"),
    }


def _least(act: Callable[[], object]) -> float:
    """CPU milliseconds, the best of a few: the others waited for somebody."""
    return min(timed(act)["cpu"] for _ in range(ROUNDS)) * 1e3


def measured(work: Path) -> dict[str, Any]:
    warm()
    lines = list(corpus.records(corpus.written(RECORDS, work.parent), RECORDS))
    documents = {record.key: Document("", record.text) for record in lines}
    index = SharedIndex()
    index.put_many(documents.items())
    snapshot = index.refresh()
    prose = "".join(record.text for record in lines)[:CHARACTERS]
    figures: dict[str, Any] = {}
    for name, text in texts(prose).items():
        rounds = iter(range(100))

        def read(text: str = text, rounds: Any = rounds) -> Query:
            """A new text each time: the last few are kept."""
            query = Query(body=f"{text}{' ' * next(rounds)}")
            assert query.reading
            return query

        def rank(query: Query, times: Any = rounds) -> None:
            snapshot.rank(query, k=PAGE + next(times), now=0.0)

        def explain(query: Query) -> None:
            for match in snapshot.rank(query, k=PAGE, now=0.0).items:
                snapshot.explain(query, match.key, documents[match.key], now=0.0, in_full=False)

        def all_of_it() -> None:
            explain(read())

        query = read()
        reading = _least(read)
        whole = _least(all_of_it)
        rank(query)
        figures[name] = {
            "terms": len(query.reading.counts),
            "read": reading,
            "rank": _least(lambda query=query: rank(query)),
            "all": whole,
        }
    return {"records": RECORDS, "characters": CHARACTERS, "texts": figures}


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1])), ensure_ascii=False))
