"""People in a frame, and the one interface of everything that finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

# Millimetres per unit of relative depth in `pose25d`: there BodyPose3DNet's mean skeleton has the
# length 1 from the pelvis to the neck, and in `pose3d` 492.69 mm.
MM_PER_DEPTH_UNIT = 492.69


@dataclass(frozen=True, eq=False)
class Person:
    """One person in one frame, as DeepStream's bodypose-3d app describes it.

    Attributes:
        bbox: (4,) float32 left, top, width, height in pixels of the frame.
        pose25d: (34, 4) float32 x, y in pixels, depth relative to the pelvis (0 where the source
            knows none), confidence; layout `nvidia`; zeros where a joint is missing.
        pose3d: (34, 4) float32 x (right), y (down), z (forward) in mm from the camera,
            confidence; None where the source sees the image plane only.
    """

    bbox: Floats
    pose25d: Floats
    pose3d: Floats | None = None

    def to_object(self, object_id: int) -> dict[str, Any]:
        """The person as an object of DeepStream's JSON."""
        found = {
            "object_id": object_id,
            "bbox": self.bbox,
            "pose25d": self.pose25d.ravel(),
        }
        return found if self.pose3d is None else found | {"pose3d": self.pose3d.ravel()}


class PoseSource(Protocol):
    """Finds people in the frames of one video, which come in their order."""

    @property
    def producer(self) -> str:
        """What made the poses, for the file."""

    def people(self, image: Image, seconds: float) -> list[Person]:
        """Find the people in a frame.

        Args:
            image: (H, W, 3) uint8, BGR as OpenCV reads it; the same size in every frame.
            seconds: When the frame was taken, from any zero.

        Returns:
            The people, in no order that means anything.
        """


def box_around(points: NDArray[Any], size: tuple[int, int]) -> Floats:
    """Return the box around a person's joints, widened by a tenth of its height.

    Args:
        points: (K, 2) x, y in pixels, K >= 1.
        size: (width, height) of the frame, to which the box is cut.

    Returns:
        (4,) float32 left, top, width, height.
    """
    low, high = points.min(0), points.max(0)
    margin = (high[1] - low[1]) / 10
    low, high = np.clip((low - margin, high + margin), 0, size)
    return np.asarray([*low, *(high - low)], dtype=np.float32)
