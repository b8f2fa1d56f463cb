"""Files as answers: how they are described and how they leave."""

from typing import Any
from urllib.parse import quote

from fastapi import Response


def binary(media_type: str) -> dict[int | str, dict[str, Any]]:
    """A file of this type, for a route's `responses`."""
    return {200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}}


def attached(content: bytes, name: str, media_type: str) -> Response:
    """A file to be kept under this name."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, media_type=media_type, headers=headers)
