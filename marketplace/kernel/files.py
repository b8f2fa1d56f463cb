"""Files as answers: how they are described and how they leave."""

from typing import Any
from urllib.parse import quote

from fastapi import Request, Response


def binary(media_type: str) -> dict[int | str, dict[str, Any]]:
    """A file of this type, for a route's `responses`."""
    return {200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}}


def attached(content: bytes, name: str, media_type: str) -> Response:
    """A file to be kept under this name."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, media_type=media_type, headers=headers)


def shown(
    request: Request, content: bytes, media_type: str, tag: str, *, name: str | None = None, inline: bool = True
) -> Response:
    """A file that a browser may keep for a while and ask about again. It runs nothing of it, wherever it stands."""
    headers = {
        "ETag": tag,
        # Who may see it can change: nobody between us keeps it, and the browser not for long.
        "Cache-Control": "private, max-age=300",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Type": media_type,
    }
    if name is not None:
        how = "inline" if inline else "attachment"
        headers["Content-Disposition"] = f"{how}; filename*=UTF-8''{quote(name, safe='')}"
    asked = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in asked:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers)
