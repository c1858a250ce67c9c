"""The square, turned region of a frame that holds one person."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from video.people import Image

# How much larger than the circle around the person the region is (MediaPipe's pose graphs).
MARGIN = 1.25


@dataclass(frozen=True)
class Roi:
    """A square region.

    Attributes:
        x: Its centre, in pixels.
        y: Its centre, in pixels.
        size: Length of a side in pixels.
        angle: By how much it is turned, in radians, clockwise in the image.
    """

    x: float
    y: float
    size: float
    angle: float = 0.0

    @classmethod
    def around(cls, points: NDArray[Any]) -> Roi:
        """The region of a person whose two alignment points are known.

        Args:
            points: (2, >=2) in pixels: the middle of the hips, and a point above the head on the
                circle around the whole body.
        """
        (x, y), (top_x, top_y) = points[:, :2].tolist()
        angle = pi / 2 - atan2(y - top_y, top_x - x)
        angle -= 2 * pi * ((angle + pi) // (2 * pi))
        return cls(x, y, 2 * hypot(top_x - x, top_y - y) * MARGIN, angle)

    @property
    def scale(self) -> float:
        """Diameter in pixels of the circle around the person."""
        return self.size / MARGIN

    def is_near(self, other: Roi) -> bool:
        """Whether the two are about the same person: equal middle of the hips, equal size."""
        larger, smaller = max(self.size, other.size), min(self.size, other.size)
        apart = hypot(self.x - other.x, self.y - other.y)
        return apart < 0.15 * larger and smaller > 0.5 * larger

    def crop(self, image: Image, side: int, border: int = cv2.BORDER_CONSTANT) -> Image:
        """Cut the region out, upright, as (side, side, 3).

        Args:
            image: (H, W, 3).
            side: Of the result, in pixels.
            border: What lies outside the image; OpenCV's `BORDER_CONSTANT` is black.
        """
        matrix = self._matrix() * np.array([self.size / side, self.size / side, 1.0])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(image, matrix, (side, side), flags=flags, borderMode=border)
        return np.asarray(cut, dtype=np.uint8)

    def to_image(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Move points from the region to the image.

        Args:
            points: (..., 3) x, y in 0..1 of the region, and depth in its sides.

        Returns:
            (..., 3) in pixels.
        """
        matrix = self._matrix() * np.array([self.size, self.size, 1.0])
        moved = points[..., :2] @ matrix[:, :2].T + matrix[:, 2]
        placed = np.concatenate([moved, points[..., 2:] * self.size], axis=-1)
        return np.asarray(placed, dtype=np.float32)

    def turn(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn metric points (..., 3) from the upright region to the image's axes."""
        turned = points.copy()
        turned[..., :2] = points[..., :2] @ self._rotation().T
        return turned

    def _rotation(self) -> NDArray[np.float64]:
        c, s = cos(self.angle), sin(self.angle)
        return np.array([[c, -s], [s, c]])

    def _matrix(self) -> NDArray[np.float64]:
        """(2, 3): from pixels of the region, whose corner is the origin, to pixels of the image.

        The last column belongs to coordinates that are scaled to the region's size already.
        """
        rotation = self._rotation()
        corner = np.array([self.x, self.y]) - rotation @ np.full(2, self.size / 2)
        return np.column_stack([rotation, corner])
