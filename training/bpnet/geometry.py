"""Photos to network inputs and places on maps back to photos, in TAO's three aspect modes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.bpnet.arrays import Array

STRIDE = 8
GREY = 128  # what pads an image; zero after normalisation


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
        size = (max(round(height * scale), 1), max(round(width * scale), 1))
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


def resample(maps: Array, source: Placement, target: Placement, shape: tuple[int, int]) -> Array:
    """Maps of one input as another input of the same photo would have them.

    Args:
        maps: (h, w, C) float32, cells of `STRIDE` pixels.
        source: where the photo is in the maps' input.
        target: where it is in the other.
        shape: (h', w') of the result.
    """
    x = _cells(shape[1], 0, source, target)
    y = _cells(shape[0], 1, source, target)
    grid_x, grid_y = np.meshgrid(x, y)
    parts = [  # OpenCV takes at most four channels here
        cv2.remap(
            np.ascontiguousarray(maps[..., first : first + 4]),
            grid_x,
            grid_y,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        ).reshape(*shape, -1)
        for first in range(0, maps.shape[2], 4)
    ]
    return np.concatenate(parts, axis=2)


def _cells(count: int, axis: int, source: Placement, target: Placement) -> Array:
    """Where the target's cells lie among the source's, along one axis."""
    centres = (np.arange(count) + 0.5) * STRIDE  # target input pixels, edge convention
    photo = centres / target.scale[axis] - target.pad[axis]
    inside = (photo + source.pad[axis]) * source.scale[axis]
    return np.asarray(inside / STRIDE - 0.5, np.float32)
