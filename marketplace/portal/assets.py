"""The portal's own files: served from memory with a strong ETag, under an address that changes when they do."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response

from marketplace.kernel.refusals import NotFound

router = APIRouter(include_in_schema=False)

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
A_YEAR: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "public, no-cache"


@dataclass(frozen=True)
class Asset:
    """One file and the mark of what it holds."""

    name: str
    content: bytes

    @cached_property
    def mark(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:16]

    @cached_property
    def zipped(self) -> bytes:
        return gzip.compress(self.content, 6, mtime=0)

    @property
    def media_type(self) -> str:
        return TYPES["." + self.name.rpartition(".")[2]]


@cache
def assets() -> dict[str, Asset]:
    """Every file of the folder, by name; nothing else can be asked for."""
    folder = files("marketplace.portal") / "static"
    return {
        file.name: Asset(file.name, file.read_bytes())
        for file in folder.iterdir()
        if "." + file.name.rpartition(".")[2] in TYPES
    }


def address(name: str) -> str:
    """Where a page finds the file, for as long as it holds what it holds now."""
    return f"/static/{name}?v={assets()[name].mark}"


@router.get("/static/{name}", response_class=Response)
async def static(name: str, request: Request) -> Response:
    asset = assets().get(name)
    if asset is None:
        raise NotFound
    packed = "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{asset.mark}{"-gz" if packed else ""}"'
    headers = {
        "ETag": tag,
        "Cache-Control": A_YEAR if request.query_params.get("v") == asset.mark else ASK_AGAIN,
        "Vary": "Accept-Encoding",
    }
    asked = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in asked:
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.zipped if packed else asset.content, headers=headers, media_type=asset.media_type)


@router.get("/favicon.ico", response_class=Response)
async def icon(request: Request) -> Response:
    return await static("mark.svg", request)
