"""Pictures of two sample instruments, drawn here: small, free to use, and the same each time."""

import io
from typing import Final

from PIL import Image, ImageDraw

_SIZE: Final = (640, 480)
_WALL, _FLOOR, _STEEL, _DARK, _LIGHT, _BLUE, _RED = (
    "#e8eef2", "#c9d1d6", "#9aa7b0", "#3b4650", "#f7fafb", "#24587f", "#a3402d",
)  # fmt: skip


def _room() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", _SIZE, _WALL)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 390, 640, 480), fill=_FLOOR)
    return image, draw


def _written(image: Image.Image) -> bytes:
    held = io.BytesIO()
    # A few flat colours: as a palette they take some kilobytes.
    image.convert("P", palette=Image.Palette.ADAPTIVE, colors=32).save(held, "PNG", optimize=True)
    return held.getvalue()


def _microscope() -> bytes:
    """A column on its chamber, beside the desk with two screens."""
    image, draw = _room()
    draw.rectangle((90, 290, 310, 420), fill=_STEEL, outline=_DARK, width=3)
    draw.rectangle((120, 200, 280, 290), fill=_LIGHT, outline=_DARK, width=3)
    draw.ellipse((165, 220, 215, 270), fill=_DARK)
    for top, wide in ((60, 34), (95, 42), (130, 50), (165, 58)):
        draw.rectangle((200 - wide, top, 200 + wide, top + 35), fill=_LIGHT, outline=_DARK, width=3)
    draw.rectangle((185, 30, 215, 60), fill=_BLUE, outline=_DARK, width=3)
    draw.rectangle((350, 330, 610, 345), fill=_DARK)
    for left in (370, 595):
        draw.rectangle((left, 345, left + 8, 430), fill=_DARK)
    for left, shade in ((365, "#182026"), (490, "#182026")):
        draw.rectangle((left, 215, left + 110, 305), fill=shade, outline=_STEEL, width=4)
        draw.rectangle((left + 48, 305, left + 62, 330), fill=_STEEL)
    for number in range(26):
        x, y = 380 + number * 37 % 84, 228 + number * 53 % 64
        draw.ellipse((x, y, x + 6 + number % 9, y + 5 + number % 7), fill=("#5c6b75", "#7d8c96", "#aab6be")[number % 3])
    return _written(image)


def _fatigue_machine() -> bytes:
    """A load frame with a specimen between its grips."""
    image, draw = _room()
    draw.rectangle((150, 370, 490, 430), fill=_DARK)
    for left in (190, 420):
        draw.rectangle((left, 70, left + 30, 370), fill=_STEEL, outline=_DARK, width=3)
    draw.rectangle((170, 60, 470, 120), fill=_BLUE, outline=_DARK, width=3)
    draw.rectangle((300, 120, 340, 190), fill=_STEEL, outline=_DARK, width=3)
    draw.polygon(((285, 190), (355, 190), (340, 220), (300, 220)), fill=_DARK)
    draw.rectangle((312, 220, 328, 280), fill=_RED)
    draw.polygon(((300, 280), (340, 280), (355, 310), (285, 310)), fill=_DARK)
    draw.rectangle((295, 310, 345, 370), fill=_STEEL, outline=_DARK, width=3)
    draw.rectangle((530, 300, 600, 420), fill=_LIGHT, outline=_DARK, width=3)
    draw.ellipse((550, 320, 580, 350), fill=_RED, outline=_DARK, width=2)
    return _written(image)


def _fracture() -> bytes:
    """What the microscope sees: facets of a broken surface."""
    image = Image.new("RGB", _SIZE, "#6f7880")
    draw = ImageDraw.Draw(image)
    for number in range(150):
        x, y = number * 197 % 680 - 20, number * 131 % 520 - 20
        wide, high = 26 + number * 13 % 50, 20 + number * 29 % 44
        grey = 70 + number * 47 % 140
        draw.polygon(
            ((x, y), (x + wide, y + high // 3), (x + wide * 2 // 3, y + high), (x - wide // 4, y + high * 2 // 3)),
            fill=(grey, grey, grey),
        )
    draw.rectangle((0, 440, 640, 480), fill="#101418")
    draw.rectangle((40, 455, 160, 461), fill="white")
    return _written(image)


def of(external_id: str) -> list[tuple[str, str, bytes]]:
    """The photos of a sample instrument: name, what it shows, content."""
    if external_id == "S-I001":
        return [
            ("电镜.png", "扫描电子显微镜的镜筒和样品室，旁边是两块屏幕（示意图）", _microscope()),
            ("断口.png", "断口形貌的背散射图像（示意图）", _fracture()),
        ]
    if external_id == "S-I002":
        return [("疲劳试验机.png", "疲劳试验机的加载框架，夹头间是一根试样（示意图）", _fatigue_machine())]
    return []
