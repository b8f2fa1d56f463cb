"""One act of a form: done, or every reason why not in the reader's words, with nothing half done."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import validation
from marketplace.kernel.language import told
from marketplace.kernel.refusals import Refusal
from marketplace.portal import say
from marketplace.portal.sent import Typed
from schemas.base import FieldError

# What is told beside the form; anything else has a page of its own.
BESIDE: Final = frozenset({403, 409, 412, 422})


class Refused:
    """Why a form was not taken."""

    def __init__(self, status: int, wrong: list[str]) -> None:
        self.status, self.wrong = status, wrong


def _where(one: FieldError, names: Mapping[str, str]) -> str:
    """Which field, and which row of it, something is about."""
    name, *rest = one.pointer.strip("/").split("/")
    if one.pointer in names:
        name, rest = one.pointer, []
    parts = [say.t(names[name])] if name in names else []
    if rest and rest[0].isdigit():
        parts.append(say.t("第 {n} 行 · row {n}", n=int(rest[0]) + 1))
        rest = rest[1:]
    parts += [say.t(names[step]) for step in rest if step in names]
    return say.t("， · , ").join(parts) + say.t("： · : ") if parts else ""


def wrong_of(refusal: Refusal, names: Mapping[str, str]) -> list[str]:
    """Every reason of a refusal; one that is about a field of the form is led by what the field is called."""
    wrong = [_where(one, names) + told(one.detail) for one in refusal.errors]
    return wrong or [told(refusal.detail or refusal.title())]


async def to(
    session: AsyncSession,
    work: Callable[[], Awaitable[Any]],
    names: Mapping[str, str] | None = None,
    *,
    beside: Collection[int] = BESIDE,
) -> Refused | None:
    """Do it within the request's transaction. `names` tells the fields of the form by the names (or the pointers) of
    the wire, `beside` which refusals are told there."""
    known = names or {}
    try:
        async with session.begin_nested():
            await work()
    except ValidationError as error:
        return Refused(422, wrong_of(validation.as_refusal(error), known))
    except Refusal as refusal:
        if refusal.status not in beside:
            raise
        return Refused(refusal.status, wrong_of(refusal, known))
    return None


def said(typed: Typed, name: str) -> str:
    return next(iter(typed.get(name, ())), "").strip()


def number(typed: Typed, name: str) -> int | str | None:
    """A whole number as it was typed; what is none is left to the message to refuse, and blank is not said."""
    text = said(typed, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else (text or None)


def given(typed: Typed, *names: str) -> dict[str, Any]:
    """Numbers that were written in, by name; those left blank keep what the message takes for granted."""
    found = {name: number(typed, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}
