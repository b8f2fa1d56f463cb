"""Which runs of characters are terms of their own, from the texts alone: candidates for ``lexicon``, for people to decide.

New-word discovery by cohesion and branching entropy (Sornil and Chaiwanarom 2004 and Jin and Tanaka-Ishii 2006 for the
entropy of neighbours; Church and Hanks 1990 for mutual information). A run is a term where its parts hold together, however
it is divided, while what stands to its left and right is free:

    cohesion = min over divisions of ln(f(whole) · N / (f(left) · f(right)))
    entropy  = -Σ p ln p over the tokens that stand before it, and over those behind it; the lesser of both counts

A token is an ideograph or a run of Latin letters and digits, so that SiC陶瓷 has three. Whatever else stands between two
tokens ends a run, and is a neighbour unlike any other. A run that is longer can only be frequent where both runs of one token
less are: so the texts are gone over once for each length, and only what was frequent before is counted. Time is linear in
the texts. In memory are the counts of one length, at most ``MOST_COUNTED``; what was seen once is forgotten when they are
more, so that of very many texts rare runs may be told too rare by a few. On disk, meanwhile, 4 bytes a token and length.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.asides import ASIDES
from matching.lexicon import Lexicon
from matching.stopwords import STOPWORDS
from matching.style import REPORTED, REQUESTED
from matching.text import cut, normalise

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

LONGEST: Final = 8
"""Tokens of a candidate."""
MOST_COUNTED: Final = 8_000_000
_BLOCK: Final = 1 << 21
_TOKEN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]|[a-z0-9]*[a-z][a-z0-9]*")
_GENERAL: Final = ASIDES | REPORTED | REQUESTED


class Compound(NamedTuple):
    """A candidate. ``frequency``: how often it stands in the texts, ``texts``: in how many of them. ``cohesion`` and the
    entropies in nats."""

    text: str
    frequency: int
    texts: int
    cohesion: float
    left: float
    right: float

    @property
    def worth(self) -> float:
        """What they are told in order of: whether a text that has it comes back to it, as texts do to what they are about,
        and how free it stands."""
        return (self.frequency / self.texts) * min(self.left, self.right)


@dataclass(frozen=True, slots=True)
class Demands:
    """What a candidate has to reach."""

    frequency: int = 10
    texts: int = 4
    cohesion: float = 4.0
    entropy: float = 1.5


DEMANDS: Final = Demands()


def nobody_hears(_done: int, _of: int) -> None:
    """Told of progress, says nothing."""


def discovered(
    texts: Iterable[str],
    *,
    demands: Demands = DEMANDS,
    known: Lexicon | None = None,
    told: Callable[[int, int], object] = nobody_hears,
    folder: Path | None = None,
) -> list[Compound]:
    """The candidates, best first: of 3 to 8 ideographs, or Latin runs and ideographs together.

    Left out: what the dictionary or ``known`` has whole; what begins or ends with a function word, or has a word in it that
    belongs to requests and reports whatever their matter; what hardly stands but within a longer candidate. ``told`` hears
    how many of the steps are done; ``folder``: where to keep what is counted meanwhile.
    """
    with TemporaryDirectory(dir=folder, prefix="compounds-") as place:
        corpus = _Corpus.written(texts, Path(place))
        found = list(_found(corpus, demands, told))
    has = frozenset(known.terms) if known else frozenset()
    return _chosen([one for one in found if one.text not in has and is_term(one.text)])


def is_term(text: str) -> bool:
    """Whether a candidate may be a term by its words alone."""
    words = cut(text)
    if len(words) == 1 or words[0] in STOPWORDS or words[-1] in STOPWORDS:
        return False
    return not any(word in _GENERAL for word in words)


def _chosen(found: Sequence[Compound]) -> list[Compound]:
    """Without those that stand within a longer one more than half of the time."""
    inside: dict[str, int] = {}
    for one in found:
        for start in range(len(one.text)):
            for end in range(start + 2, len(one.text) + 1):
                if end - start < len(one.text):
                    part = one.text[start:end]
                    inside[part] = max(inside.get(part, 0), one.frequency)
    kept = [one for one in found if 2 * inside.get(one.text, 0) < one.frequency]
    return sorted(kept, key=lambda one: (-one.worth, one.text))


class _Counts:
    """How often each key was met: sorted keys and their numbers."""

    def __init__(self) -> None:
        self.keys: I64 = np.zeros(0, np.int64)
        self.numbers: I64 = np.zeros(0, np.int64)

    def add(self, keys: I64) -> None:
        new, times = np.unique(keys, return_counts=True)
        every = np.concatenate([self.keys, new])
        order = np.argsort(every, kind="stable")  # two sorted runs: merged, not sorted
        every, numbers = every[order], np.concatenate([self.numbers, times])[order]
        first = np.ones(len(every), np.bool_)
        first[1:] = every[1:] != every[:-1]
        starts = np.flatnonzero(first)
        self.keys = every[starts]
        self.numbers = np.add.reduceat(numbers, starts) if len(starts) else numbers
        least = 1
        while len(self.keys) > MOST_COUNTED:
            some = self.numbers > least
            self.keys, self.numbers, least = self.keys[some], self.numbers[some], least + 1


class _Corpus:
    """Texts as numbers of tokens, 0 between two runs; and in which text each stands."""

    def __init__(self, folder: Path, tokens: list[str]) -> None:
        self.folder, self.tokens = folder, tokens
        self.codes = self._read("codes")
        self.of_text = self._read("texts")
        self.running = int(np.count_nonzero(self.codes))

    def _read(self, name: str) -> I32:
        path = self.folder / name
        return np.memmap(path, np.int32, "r") if path.stat().st_size else np.zeros(0, np.int32)

    @classmethod
    def written(cls, texts: Iterable[str], folder: Path) -> "_Corpus":
        tokens, numbers = [""], dict[str, int]()
        with (folder / "codes").open("wb") as codes, (folder / "texts").open("wb") as of_text:
            for number, text in enumerate(texts):
                line = [0]
                end = 0
                for token in _TOKEN.finditer(normalise(text)):
                    if token.start() > end:
                        line.append(0)
                    end = token.end()
                    code = numbers.setdefault(token.group(), len(tokens))
                    if code == len(tokens):
                        tokens.append(token.group())
                    line.append(code)
                line.append(0)
                np.array(line, np.int32).tofile(codes)
                np.full(len(line), number, np.int32).tofile(of_text)
        return cls(folder, tokens)

    def level(self, length: int) -> I32:
        """For each place the number of the frequent run of so many tokens that begins there, -1 for none."""
        return self._read(f"level-{length}")

    def writing(self, length: int) -> BinaryIO:
        return (self.folder / f"level-{length}").open("wb")

    def blocks(self, beyond: int) -> Iterator[tuple[int, int]]:
        """From which place to before which, so that ``beyond`` more stand behind each."""
        last = len(self.codes) - beyond
        for start in range(0, max(last, 0), _BLOCK):
            yield start, min(start + _BLOCK, last)


def _found(corpus: _Corpus, demands: Demands, told: Callable[[int, int], object]) -> Iterator[Compound]:
    counts: dict[int, I64] = {}
    firsts: dict[int, I64] = {}
    for length in range(1, LONGEST + 1):
        counts[length], firsts[length] = _level(corpus, length, demands.frequency)
        told(length, 2 * LONGEST)
    for length in range(2, LONGEST + 1):
        numbers, first = counts[length], firsts[length]
        if len(numbers):
            cohesion = _cohesion(corpus, counts, first, length)
            some = np.flatnonzero(cohesion >= demands.cohesion)
            left, right, texts = _around(corpus, length, some, numbers)
            free = np.minimum(left, right) >= demands.entropy
            for n in np.flatnonzero(free & (texts >= demands.texts)).tolist():
                number = int(some[n])
                text, mixed = _spelled(corpus, int(first[number]), length)
                if mixed or length > 2:
                    yield Compound(
                        text, int(numbers[number]), int(texts[n]), float(cohesion[number]), float(left[n]), float(right[n])
                    )  # fmt: skip
        told(LONGEST + length, 2 * LONGEST)


def _spelled(corpus: _Corpus, at: int, length: int) -> tuple[str, bool]:
    """A run's text, and whether it has Latin and ideographs."""
    tokens = [corpus.tokens[code] for code in corpus.codes[at : at + length].tolist()]
    return "".join(tokens), len({token.isascii() for token in tokens}) > 1


def _keys(corpus: _Corpus, length: int, start: int, end: int) -> tuple[I64, NDArray[np.intp]]:
    """What tells the runs of a block apart, and where each begins; only those whose shorter runs are frequent."""
    if length == 1:
        codes = corpus.codes[start:end]
        places = np.flatnonzero(codes)
        return codes[places].astype(np.int64), places
    shorter = corpus.level(length - 1)[start : end + 1]
    places = np.flatnonzero((shorter[:-1] >= 0) & (shorter[1:] >= 0))
    return shorter[places].astype(np.int64) << 32 | shorter[places + 1], places


def _level(corpus: _Corpus, length: int, least: int) -> tuple[I64, I64]:
    """Numbers the frequent runs of a length, everywhere; answers how often each stands, and where first."""
    counting = _Counts()
    for start, end in corpus.blocks(length - 1):
        counting.add(_keys(corpus, length, start, end)[0])
    some = counting.numbers >= least
    keys, numbers = counting.keys[some], counting.numbers[some]
    firsts = np.full(len(keys), -1, np.int64)
    with corpus.writing(length) as file:
        for start, end in corpus.blocks(length - 1):
            met, places = _keys(corpus, length, start, end)
            at = np.minimum(np.searchsorted(keys, met), max(len(keys) - 1, 0))
            known = keys[at] == met if len(keys) else np.zeros(len(met), np.bool_)
            at, places = at[known], places[known]
            level = np.full(end - start, -1, np.int32)
            level[places] = at
            level.tofile(file)
            new, there = np.unique(at, return_index=True)
            unseen = firsts[new] < 0
            firsts[new[unseen]] = places[there[unseen]] + start
        np.full(min(length - 1, len(corpus.codes)), -1, np.int32).tofile(file)
    return numbers, firsts


def _cohesion(corpus: _Corpus, counts: dict[int, I64], first: I64, length: int) -> NDArray[np.float64]:
    whole = np.log(counts[length].astype(np.float64)) + np.log(max(corpus.running, 1))
    least = np.full(len(first), np.inf)
    for split in range(1, length):
        left = counts[split][corpus.level(split)[first]]
        right = counts[length - split][corpus.level(length - split)[first + split]]
        least = np.minimum(least, whole - np.log(left) - np.log(right))
    return least


def _around(
    corpus: _Corpus, length: int, some: NDArray[np.intp], numbers: I64
) -> tuple[NDArray[np.float64], NDArray[np.float64], I64]:
    """The entropies left and right of some runs, and in how many texts each stands."""
    left, right, texts = _Counts(), _Counts(), _Counts()
    place_of = np.full(len(numbers), -1, np.int64)
    place_of[some] = np.arange(len(some))
    level = corpus.level(length)
    for start, end in corpus.blocks(length):
        begins = np.flatnonzero(level[start:end] >= 0) + start
        of = place_of[level[begins]]
        begins, of = begins[of >= 0], of[of >= 0]
        for counting, beside in ((left, corpus.codes[begins - 1]), (right, corpus.codes[begins + length])):
            counting.add(of << 32 | beside)
        # A text that two blocks share counts once: its number is part of the key, and no count is asked for.
        texts.add(of << 32 | corpus.of_text[begins])
    held = np.bincount(texts.keys >> 32, minlength=len(some)).astype(np.int64)
    of_all = numbers[some].astype(np.float64)
    return _entropy(left, of_all), _entropy(right, of_all), held


def _entropy(counting: _Counts, of_all: NDArray[np.float64]) -> NDArray[np.float64]:
    of, beside = counting.keys >> 32, counting.keys & 0xFFFFFFFF
    share = counting.numbers / of_all[of]
    each: NDArray[Any] = -share * np.log(share)
    # The end of a run is a neighbour unlike any other, each time.
    ends = beside == 0
    each[ends] = share[ends] * np.log(of_all[of[ends]])
    return np.bincount(of, each, minlength=len(of_all)).astype(np.float64)
