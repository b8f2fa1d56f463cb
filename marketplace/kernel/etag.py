"""Which version a client changes: `ETag` out, `If-Match` in."""

import re
from typing import Annotated

from fastapi import Depends, Header
from starlette.responses import Response

from marketplace.kernel.refusals import StaleVersion, VersionMissing

_FORM = re.compile(r'(?:W/)?"(0|[1-9][0-9]{0,8})"')


def stamp(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'


async def _wanted(if_match: Annotated[str | None, Header(description='the ETag you read, e.g. `"3"`')] = None) -> int:
    if if_match is None:
        raise VersionMissing
    found = _FORM.fullmatch(if_match.strip())
    if found is None:
        raise StaleVersion
    return int(found[1])


async def _wanted_if_said(
    if_match: Annotated[str | None, Header(description='the ETag you looked at, e.g. `"3"`')] = None,
) -> int | None:
    return None if if_match is None else await _wanted(if_match)


IfMatch = Annotated[int, Depends(_wanted)]
# For verbs that are safe without it, and safer with it.
MaybeIfMatch = Annotated[int | None, Depends(_wanted_if_said)]


def check(wanted: int, current: int) -> None:
    if wanted != current:
        raise StaleVersion
