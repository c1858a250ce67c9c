"""Reading photos: whole, RGB, or a `ValueError` that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

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


def decode_image(data: bytes, reduced: bool = False) -> Array:
    """The same for the bytes of a file."""
    if data.startswith(b"\xff\xd8") and b"\xff\xd9" not in data[-1024:]:
        raise ValueError("the JPEG is cut off")
    flags = cv2.IMREAD_REDUCED_GRAYSCALE_8 if reduced else cv2.IMREAD_COLOR
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise ValueError("not an image that can be decoded")
    return image if reduced else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
