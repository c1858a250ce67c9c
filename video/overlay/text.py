"""Text, smooth at every size, in any alphabet that DejaVu Sans has."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from video.overlay.style import Bgr

Picture = NDArray[np.uint8]
FONT = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def text_width(text: str, size: int) -> int:
    """Return the width of `text` in pixels."""
    return round(_font(size).getlength(_printable(text)))


def line_height(size: int) -> int:
    """Return the height in pixels of a line of text, from ascenders to descenders."""
    return sum(_font(size).getmetrics())


@lru_cache(maxsize=512)
def _coverage(text: str, size: int) -> NDArray[np.float32]:
    """Return (height, width, 1) how much of each pixel the text covers, 0..1."""
    image = Image.new("L", (max(text_width(text, size), 1), line_height(size)))
    ImageDraw.Draw(image).text((0, 0), _printable(text), 255, _font(size))
    return (np.asarray(image, dtype=np.float32) / 255)[:, :, None]


def draw_text(picture: Picture, text: str, corner: tuple[int, int], size: int, colour: Bgr) -> None:
    """Draw a line of text; what lies outside the picture is cut off.

    Args:
        picture: (height, width, 3) BGR, changed in place.
        text: The text; control characters become blanks.
        corner: Left and top of the line.
        size: Em square in pixels.
        colour: Of the letters.
    """
    _blend(picture, _coverage(text, size), *corner, colour)


def _blend(
    picture: Picture, coverage: NDArray[np.float32], left: int, top: int, colour: Bgr
) -> None:
    height, width = coverage.shape[:2]
    rows = slice(max(top, 0), max(min(top + height, picture.shape[0]), 0))
    columns = slice(max(left, 0), max(min(left + width, picture.shape[1]), 0))
    part = picture[rows, columns]
    seen = coverage[rows.start - top :, columns.start - left :][: part.shape[0], : part.shape[1]]
    part[:] = np.rint(part + (np.array(colour, dtype=np.float32) - part) * seen)
