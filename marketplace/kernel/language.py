"""中文 first, English beside it: a message is written once as `中文 · English` and shown in the reader's language."""

from contextvars import ContextVar
from typing import Literal

Language = Literal["zh", "en"]
SEPARATOR = " · "

_SPOKEN: dict[str, Language] = {"zh": "zh", "en": "en"}

reading: ContextVar[Language] = ContextVar("reading", default="zh")


def preferred(accept_language: str | None) -> Language:
    """The language a client asks for; Chinese when it does not say."""
    best: tuple[float, Language] | None = None
    for part in (accept_language or "").split(",")[:20]:
        tag, _, weight = part.replace(" ", "").lower().partition(";q=")
        language = _SPOKEN.get(tag.partition("-")[0])
        if language is None:
            continue
        try:
            wish = float(weight) if weight else 1.0
        except ValueError:
            continue
        if not 0 < wish <= 1:
            continue
        if best is None or wish > best[0]:
            best = (wish, language)
    return best[1] if best else "zh"


def spoken(locale: str) -> Language:
    """The language in which somebody of this locale is written to."""
    return "en" if locale == "en" else "zh"


def told(text: str, language: Language | None = None) -> str:
    """The half of `中文 · English` that this reader understands; the whole when it has one half only."""
    chinese, separator, english = text.partition(SEPARATOR)
    if not separator:
        return text
    return english if (language or reading.get()) == "en" else chinese
