"""Reading photos: whole, RGB, or a `ValueError` that says what is wrong."""

from __future__ import annotations

from pathlib import Path

from converter.bodypose.photo import decode_image
from training.bpnet.arrays import Array

EXTENSIONS = (".jpg", ".jpeg", ".png")


def read_image(path: Path, reduced: bool = False) -> Array:
    """(H, W, 3) uint8 RGB.

    Args:
        path: a JPEG, PNG or other format that OpenCV knows.
        reduced: decode an eighth of the size in grey, which is a quick check: (H/8, W/8).

    Raises:
        ValueError: not there, not an image, or cut off.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the image: {error.strerror}") from None
    return decode_image(data, reduced)
