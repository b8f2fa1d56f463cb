"""What a form sent, kept at hand until it is answered: whatever goes wrong, nothing that was typed is lost."""

from typing import Annotated, Final

from fastapi import Depends, Request

Typed = dict[str, list[str]]

# A form with one of these is never shown again: it holds a secret.
SECRETS: Final = frozenset({"password", "again", "current", "new", "token"})


async def note(request: Request) -> None:
    """Read the text fields of a form, in the order they stand there."""
    typed: Typed = {}
    if request.method == "POST":
        form = await request.form(max_files=4, max_fields=2000)
        for name, value in form.multi_items():
            if isinstance(value, str):
                typed.setdefault(name, []).append(value)
    request.state.typed = typed


def noted(request: Request) -> Typed:
    typed: Typed = getattr(request.state, "typed", {})
    return typed


async def _sent(request: Request) -> Typed:
    return noted(request)


def again(request: Request) -> Typed:
    """What may be sent once more with one click; nothing, where it would repeat a secret or a file."""
    typed = noted(request)
    whole = not request.headers.get("content-type", "").startswith("multipart/")
    return typed if whole and not SECRETS & typed.keys() else {}


# Filled by the visit, which every page has.
Sent = Annotated[Typed, Depends(_sent)]
