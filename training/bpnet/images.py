"""Reading photos: whole, RGB, or a `ValueError` that says what is wrong."""

from __future__ import annotations

from pathlib import Path

from converter.bodypose.photo import decode_image
from training.bpnet.arrays import Array

EXTENSIONS = (".jpg", ".jpeg", ".png")
_JPEG = b"\xff\xd8"


def read_image(path: Path) -> Array:
    """(H, W, 3) uint8 RGB.

    Args:
        path: a JPEG, PNG or other format that OpenCV knows.

    Raises:
        ValueError: not there, not an image, or cut off.
    """
    return decode_image(_read(path))


def check_image(path: Path, height: int, width: int, in_full: bool = False) -> None:
    """Check that a file is an image of this size.

    Args:
        path: a JPEG, PNG or other format that OpenCV knows.
        height: of the image, pixels.
        width: of the image, pixels.
        in_full: decode all of a JPEG; else an eighth of its size, which is quick.

    Raises:
        ValueError: it is not.
    """
    data = _read(path)
    # Of other formats OpenCV decodes everything anyway, and rounds their eighth otherwise.
    reduced = data.startswith(_JPEG) and not in_full
    scale = 8 if reduced else 1
    if decode_image(data, reduced).shape[:2] != (-(-height // scale), -(-width // scale)):
        raise ValueError(f"its size is not the annotations' {width}x{height}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read the image: {error.strerror}") from None
