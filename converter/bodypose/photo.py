"""Photos to network inputs, and places on maps back to photos, in TAO's three aspect modes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np

from converter.bodypose.candidates import Array
from converter.bodypose.people import People

STRIDE = 8
GREY = 128  # what pads an image; zero after normalisation


def decode_image(data: bytes, reduced: bool = False) -> Array:
    """(H, W, 3) uint8 RGB.

    Args:
        data: a JPEG, PNG or other file that OpenCV knows.
        reduced: decode an eighth of the size in grey, which is a quick check: (H/8, W/8).

    Raises:
        ValueError: not an image, cut off, or larger than OpenCV takes.
    """
    if data.startswith(b"\xff\xd8") and b"\xff\xd9" not in data[-1024:]:
        raise ValueError("the JPEG is cut off")
    flags = cv2.IMREAD_REDUCED_GRAYSCALE_8 if reduced else cv2.IMREAD_COLOR
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error as error:
        raise ValueError(f"not an image that can be decoded ({error.err})") from None
    if image is None:
        raise ValueError("not an image that can be decoded")
    return image if reduced else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


class Scaling(Protocol):
    """Whatever says how a network wants its images scaled, per channel."""

    @property
    def image_scale(self) -> Sequence[float]:
        """RGB values are divided by these."""

    @property
    def image_offset(self) -> Sequence[float]:
        """And these are subtracted."""


class Normaliser:
    """x / scale - offset per channel."""

    def __init__(self, scaling: Scaling) -> None:
        self._factor = (1 / np.asarray(scaling.image_scale)).astype(np.float32)
        self._offset = np.asarray(scaling.image_offset, np.float32)

    def __call__(self, image: Array) -> Array:
        """(H, W, 3) uint8 RGB -> float32."""
        return np.asarray(image * self._factor - self._offset)


@dataclass(frozen=True)
class Placement:
    """Where a photo lies in a network input: input = (photo + pad) * scale, per axis.

    Attributes:
        scale: (2,) x, y, input pixels per photo pixel.
        pad: (2,) x, y, photo pixels that were added before the photo's first.
    """

    scale: tuple[float, float]
    pad: tuple[float, float] = (0.0, 0.0)

    def to_photo(self, points: Array, pixels_per_point: float = 1.0) -> Array:
        """(..., 2) pixels of an input, or of its map at another scale -> photo pixels.

        Args:
            points: x, y, where whole numbers are the centres of pixels.
            pixels_per_point: input pixels per pixel of the points' grid.
        """
        inside = (points + 0.5) * pixels_per_point / self.scale
        return np.asarray(inside - self.pad - 0.5, np.float32)

    def people_in_photo(self, people: People, pixels_per_point: float = 1.0) -> People:
        """The same for the joints of people; those that were not found stay zeros."""
        points = self.to_photo(people.keypoints, pixels_per_point)
        found = people.joint_scores[..., np.newaxis] > 0
        return replace(people, keypoints=np.where(found, points, np.float32(0)))


def fit_photo(photo: Array, input_shape: tuple[int, int], mode: str) -> tuple[Array, Placement]:
    """Make a network input of a photo.

    Args:
        photo: (H, W, 3) uint8.
        input_shape: the network's height and width.
        mode: `adjust_network_input` matches the side that makes the input larger and lets the
            other grow; `pad_image_input` pads the photo to the network's aspect; `None` stretches.

    Returns:
        (H', W', 3) uint8 with H' and W' multiples of the stride, and where the photo is in it.
    """
    height, width = photo.shape[:2]
    pad_x = pad_y = 0
    if mode == "adjust_network_input":
        wide = width / height > input_shape[1] / input_shape[0]
        scale = input_shape[0] / height if wide else input_shape[1] / width
        size = (round(height * scale), round(width * scale))
    else:
        size = input_shape
    if mode == "pad_image_input":
        aspect = input_shape[1] / input_shape[0]
        pad_x = max(round(height * aspect) - width, 0) // 2
        pad_y = max(round(width / aspect) - height, 0) // 2
        photo = cv2.copyMakeBorder(
            photo, pad_y, pad_y, pad_x, pad_x, cv2.BORDER_CONSTANT, value=(GREY,) * 3
        )
    placement = Placement((size[1] / photo.shape[1], size[0] / photo.shape[0]), (pad_x, pad_y))
    resized = cv2.resize(photo, size[::-1], interpolation=cv2.INTER_CUBIC)
    bottom, right = -size[0] % STRIDE, -size[1] % STRIDE
    if bottom or right:
        resized = cv2.copyMakeBorder(
            resized, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=(GREY,) * 3
        )
    return resized, placement
