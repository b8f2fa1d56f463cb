"""What is drawn in a PDF of ours."""

import re
import zlib
from base64 import a85decode


def drawn_in(pdf: bytes) -> str:
    """What the pages draw: the streams, unpacked, with the text of our font."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        plain = zlib.decompress(a85decode(stream.strip().removesuffix(b"~>")))
        found.append(plain.decode("latin-1"))
    return "\n".join(found)


def written(text: str) -> str:
    """A text as the font's encoding writes it into a page."""
    return "".join(
        f"\\{byte:03o}" if byte < 32 or byte > 126 else f"\\{chr(byte)}" if chr(byte) in "()\\" else chr(byte)
        for byte in text.encode("utf-16-be")
    )
