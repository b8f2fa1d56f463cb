"""Photos: what they are by their content, and the same made small for lists."""

import io
import warnings
from typing import Final, NamedTuple

from PIL import Image, ImageOps

from marketplace.listings.attachments import FileRefused

FORMATS: Final = {"PNG": "image/png", "JPEG": "image/jpeg"}
MOST_SIDE: Final = 12_000
MOST_PIXELS: Final = 24_000_000
"""Decoded, about 72 MB: what a small file could unpack to is looked at before it is unpacked."""
PREVIEW: Final = (480, 360)
ORIENTATION: Final = 0x0112
SIDEWAYS: Final = range(5, 9)
PREVIEW_TYPE: Final = "image/jpeg"


class Picture(NamedTuple):
    """Its measures as it is looked at, whichever way up the camera was held."""

    media_type: str
    width: int
    height: int
    preview: bytes


def _broken() -> FileRefused:
    return FileRefused(
        "photo_broken",
        "照片打不开：请用看图软件另存为 PNG 或 JPEG。 · The photo cannot be opened: save it anew as PNG or JPEG.",
    )


def read(content: bytes) -> Picture:
    """The photo measured and made small, turned upright; refused when it is none, or too large to unpack."""
    try:
        # What PIL only warns of (a bomb, a truncated file) is looked at here by its measures.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(content)
    except FileRefused:
        raise
    # Whatever a broken file makes a decoder raise; each of them raises others.
    except Exception:  # noqa: BLE001
        raise _broken() from None


def _read(content: bytes) -> Picture:
    with Image.open(io.BytesIO(content), formats=tuple(FORMATS)) as image:
        media_type = FORMATS[image.format or ""]
        width, height = image.size
        if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
            raise FileRefused(
                "photo_too_large",
                f"照片最多 {MOST_PIXELS // 10**6} 百万像素，请缩小后再上传。"
                f" · A photo has at most {MOST_PIXELS // 10**6} million pixels; make it smaller.",
            )
        if image.getexif().get(ORIENTATION, 1) in SIDEWAYS:
            width, height = height, width
        # A JPEG is decoded at about the size that is wanted; a PNG cannot be.
        image.draft("RGB", PREVIEW)
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail(PREVIEW)
        if "A" in upright.getbands() or "transparency" in upright.info:
            upright = upright.convert("RGBA")
            ground = Image.new("RGB", upright.size, "white")
            ground.paste(upright, mask=upright.getchannel("A"))
            upright = ground
        made = io.BytesIO()
        # Written anew, without what a camera says of place and time.
        upright.convert("RGB").save(made, "JPEG", quality=82, optimize=True)
    return Picture(media_type, width, height, made.getvalue())
