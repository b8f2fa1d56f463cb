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


IfMatch = Annotated[int, Depends(_wanted)]


def check(wanted: int, current: int) -> None:
    if wanted != current:
        raise StaleVersion
