"""What is kept beside a listing so that filters and search are one index look-up."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from matching import likeness
from schemas import codes


def _up(table: str, marks: Iterable[str | None], letter: str) -> set[str]:
    found = set()
    for code in marks:
        if code is not None:
            found |= {f"{letter}:{step.code}" for step in codes.TABLES[table].ancestors(code)} | {f"{letter}:{code}"}
    return found


def facets(values: dict[str, Any]) -> list[str]:
    """The codes of a record with everything above them: `i:38` (industry), `d:` discipline, `r:` region, `m:` mode, `s:` stage."""
    return sorted(
        _up("industries", values.get("industries") or (), "i")
        | _up("disciplines", values.get("disciplines") or (), "d")
        | _up("regions", (values.get("region"),), "r")
        | {f"m:{mode}" for mode in values.get("cooperation_modes") or ()}
        | ({f"s:{values['stage']}"} if values.get("stage") else set())
    )


def wanted(letter: str, chosen: Sequence[str]) -> list[str]:
    """The facets that a filter's values ask for; any of them will do."""
    return [f"{letter}:{value}" for value in chosen]


def folded(text: str) -> str:
    """How text is compared: width and case do not count."""
    return unicodedata.normalize("NFKC", text).casefold()


def asked(q: str | None) -> list[str]:
    """The words of a search, each once."""
    return list(dict.fromkeys(folded(q or "").split()))


_SEARCHED = ("title", "summary", "background", "description")


def words(values: dict[str, Any]) -> str:
    """The text that `q` searches: only public fields are named here, so the confidential part cannot get in."""
    parts = [values.get(name) or "" for name in _SEARCHED] + list(values.get("keywords") or ())
    return folded("\n".join(part for part in parts if part))


def kept(values: dict[str, Any]) -> dict[str, Any]:
    """All that is kept beside a record, by column."""
    searched = words(values)
    return {"facets": facets(values), "words": searched, "sketch": likeness.sketch(searched)}
