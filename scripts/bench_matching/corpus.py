"""What is searched and asked: texts, their tokens as one matrix, and queries of two lengths; the same for every engine."""

import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.segments.bulk import Analysis, Record
from matching.segments.ranking import View
from matching.text import cut, normalise

ROOT: Final = Path(__file__).resolve().parents[2]
SHARED: Final = ROOT.parent / "shared"
SYNTHESIS: Final = SHARED / "tools" / "synth_corpus.py"
TITLES: Final = SHARED / "data" / "known_item" / "title.jsonl"
REQUIREMENTS: Final = SHARED / "data" / "real" / "problems.jsonl"

SHORT: Final = 7
LONG: Final = range(70, 129)
"""How many distinct terms a long query has: 94 on average."""

_SENTENCE = re.compile(r"[^。；]{8,}[。；]")


def words(text: str) -> Counter[str]:
    return Counter(cut(normalise(text)))


def pieces(text: str) -> list[tuple[str, list[str]]]:
    return [("", cut(normalise(text)))]


def has_letter(_mark: str, word: str) -> bool:
    return word.isalpha() or any(map(str.isalpha, word))


WORDS: Final = Analysis(pieces, has_letter)
"""Plain words, function words included: what all engines are given, so that none gains by leaving some out."""


def terms(text: str) -> list[str]:
    return [word for word in words(text) if has_letter("", word)]


def source() -> str:
    """Where the texts come from, in words."""
    if SYNTHESIS.exists():
        return "sentences of real abstracts, drawn anew for each record; asked with real titles and requirements"
    return "sentences of the sample data, drawn anew for each record; asked with records of the same kind"


def written(n: int, folder: Path) -> Path:
    """A file with at least n records, one JSON object a line, of which the first n are the corpus."""
    for path in folder.glob("corpus-*.jsonl"):
        if int(path.stem.removeprefix("corpus-")) >= n:
            return path
    path = folder / f"corpus-{n}.jsonl"
    unfinished = path.with_suffix(".unfinished")
    if SYNTHESIS.exists():
        subprocess.run([sys.executable, str(SYNTHESIS), str(n), str(unfinished)], check=True)
    else:
        with unfinished.open("w", encoding="utf-8") as file:
            for number, text in zip(range(n), _drawn(1), strict=False):
                file.write(json.dumps({"id": f"s{number}", "text": text}, ensure_ascii=False) + "\n")
    return unfinished.replace(path)


def records(path: Path, n: int) -> Iterator[Record]:
    with path.open(encoding="utf-8") as file:
        for _, line in zip(range(n), file, strict=False):
            record = json.loads(line)
            yield Record(record["id"], record["text"])


def _drawn(seed: int) -> Iterator[str]:
    """Texts without end, of sentences of the sample data."""
    found: dict[str, None] = {}
    for name in ("achievements", "problems"):
        for line in (ROOT / "marketplace" / "sample" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            for value in json.loads(line).values():
                if isinstance(value, str):
                    found.update(dict.fromkeys(_SENTENCE.findall(value)))
    sentences, rng = list(found), random.Random(seed)  # noqa: S311 -- nothing secret
    while True:
        yield "".join(rng.choices(sentences, k=rng.randint(2, 6)))


def queries(most: int) -> dict[str, list[list[str]]]:
    """Distinct terms of each query, by kind: at most so many of exactly ``SHORT`` terms, and of about 94."""
    if SYNTHESIS.exists():
        titles = [terms(record["query"]) for record in _lines(TITLES)]
        texts = [terms(f"{record['title']}。{record['text']}") for record in _lines(REQUIREMENTS)]
    else:
        drawn = _drawn(2)
        texts = [terms(next(drawn)) for _ in range(20 * most)]
        titles = [found[:SHORT] for found in texts]
    short = [found for found in titles if len(found) == SHORT]
    long = [found for found in texts if len(found) in LONG]
    return {"short": short[:most], "long": long[:most]}


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


class Matrix:
    """Documents by terms, as counts: row after row the term numbers, ascending, and how often each occurs."""

    def __init__(self, folder: Path) -> None:
        self.starts: NDArray[np.int64] = np.load(folder / "starts.npy")
        self.ids: NDArray[np.int32] = np.load(folder / "ids.npy")
        self.tf: NDArray[np.int32] = np.load(folder / "tf.npy")
        self.vocabulary: list[str] = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        self.number = dict(zip(self.vocabulary, range(len(self.vocabulary)), strict=True))

        self.documents = len(self.starts) - 1

    def forget_counts(self) -> None:
        """Only the vocabulary is still needed, and memory is measured."""
        self.starts, self.ids, self.tf = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32)

    @staticmethod
    def save(view: View, folder: Path) -> None:
        """The documents of an index of one segment, row for row."""
        (part,) = view.parts
        starts, ids, tf = part.segment.decoded(np.arange(len(part)))
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "starts.npy", starts)
        np.save(folder / "ids.npy", ids)
        np.save(folder / "tf.npy", tf)
        vocabulary = [part.segment.vocabulary.term(number) for number in range(len(part.segment.vocabulary))]
        (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
