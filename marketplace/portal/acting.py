"""What a form has done, and what is said on its page when that is refused: nobody loses their place or what they typed."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol
from uuid import UUID

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from marketplace.kernel import operations
from marketplace.kernel.operations import Operation
from marketplace.kernel.refusals import NotFound, StaleVersion
from marketplace.portal import forms, trying
from marketplace.portal.frame import Visit
from marketplace.portal.sent import Typed
from schemas.operations import OperationState


class Again(Protocol):
    """The page once more, with what is wrong and the status that says so."""

    def __call__(self, *, wrong: list[str], status: int) -> Awaitable[Response]: ...


# What whoever sent the form can mend, or has to read: everything else is told on a page of its own.
TOLD: Final = frozenset({409, 412, 413, 422})


async def act(
    visit: Visit,
    session: AsyncSession,
    work: Callable[[], Awaitable[str]],
    said: str,
    again: Again,
    fields: Mapping[str, str],
) -> Response:
    """Do what a form asks for and go on to where `work` says; where it is refused, its page says why."""
    onward: list[str] = []

    async def done() -> None:
        onward.append(await work())

    refused = await trying.to(session, done, fields, beside=TOLD)
    if refused is not None:
        return await again(wrong=refused.wrong, status=refused.status)
    return visit.go(onward[0], said)


def version_of(typed: Typed) -> int:
    """Which version a form was filled in from; one that does not say so is taken for an old one."""
    text = forms.first(typed, "version")
    if not text.isascii() or not text.isdigit():
        raise StaleVersion
    return int(text[:9])


def number_of(text: str) -> int | str | None:
    """A whole number; what is none is sent as it is, so that the refusal says so."""
    plain = text.strip()[:12]
    return int(plain) if plain.isascii() and plain.isdigit() else plain or None


def one_of(typed: Typed, name: str) -> str | None:
    """What stands in a field; None, where it was left blank."""
    return forms.first(typed, name).strip() or None


async def work_named(visit: Visit, session: AsyncSession) -> Operation | None:
    """The work that the address names, if its reader may see it."""
    try:
        return await operations.read(session, visit.actor, UUID(visit.request.query_params.get("work", "")))
    except (ValueError, NotFound):
        return None


async def progress(visit: Visit, session: AsyncSession, home: str, part: str = "") -> Response:
    """How far that is, asked for again and again by the page; when it is done, the whole page anew, at its `part`."""
    visit.require()
    work = await work_named(visit, session)
    answer = visit.page("parts/progress.html", work=work, at=f"{home}/work", here="/")
    if work is None or work.state is OperationState.DONE:
        answer.headers["HX-Redirect"] = home if work is None else f"{home}?work={work.id}{part}"
    return answer
