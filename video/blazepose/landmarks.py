"""BlazePose's landmark network: the joints of the one person in a region.

Bazarevsky et al.: "BlazePose: On-device Real-time Body Pose tracking", 2020. Constants are those
of MediaPipe's graph `pose_landmark_by_roi` (model "full").
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from video.blazepose.models import Network, sigmoid
from video.blazepose.roi import Roi
from video.people import Image

LANDMARKS = 33
ALIGNMENT = slice(33, 35)  # the two points that tell where the person will be in the next frame
MIN_PRESENCE = 0.5
KERNEL = 9  # side of the heatmap's window around a landmark
MIN_HEAT = 0.5

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The landmarks of one person.

    Attributes:
        image: (33, 3) x, y in pixels, depth relative to the hips on the same scale.
        world: (33, 3) metres from the middle of the hips, on the axes of the camera: x right,
            y down, z forward.
        visibility: (33,) 0..1, how sure it is that a landmark is in the image and not hidden.
        alignment: (2, 3) the two alignment points, as in `image`.
    """

    image: Floats
    world: Floats
    visibility: Floats
    alignment: Floats


class LandmarkNetwork:
    """Finds the landmarks of the person in a region."""

    def __init__(self) -> None:
        self._network = Network("pose_landmark_full.tflite", (0, 1))

    def __call__(self, image: Image, roi: Roi) -> Landmarks | None:
        """Return the landmarks, or None where the region holds nobody."""
        side = self._network.side
        raw, presence, _, heat, world = self._network(roi.crop(image, side, cv2.BORDER_REPLICATE))
        if presence.item() < MIN_PRESENCE:
            return None
        points = raw.reshape(-1, 5)
        unit = points[:, :3] / np.float32(side)
        unit[:, :2] = refine(unit[:, :2], sigmoid(heat[0]))
        placed = roi.to_image(unit)
        return Landmarks(
            image=placed[:LANDMARKS],
            world=roi.turn(world.reshape(-1, 3)[:LANDMARKS]),
            visibility=sigmoid(points[:LANDMARKS, 3]),
            alignment=placed[ALIGNMENT],
        )


def refine(points: Floats, heat: Floats) -> Floats:
    """Move each landmark to the centre of mass of its heatmap around it, where that is hot.

    Args:
        points: (K, 2) x, y in 0..1.
        heat: (S, S, K) in 0..1.

    Returns:
        (K, 2).
    """
    size, half = heat.shape[0], KERNEL // 2
    cell = (points * size).astype(int)
    inside = ((cell >= 0) & (cell < size)).all(-1)
    column, row = np.clip(cell, 0, size - 1).T
    padded = np.pad(heat, ((half, half), (half, half), (0, 0)))
    windows = sliding_window_view(padded, (KERNEL, KERNEL), axis=(0, 1))  # type: ignore[call-overload] # numpy's stub knows one axis only
    window = windows[row, column, np.arange(len(points))]  # (K, y, x)
    total = window.sum((1, 2))
    step = np.arange(-half, half + 1)
    x = column + (window.sum(1) @ step) / np.maximum(total, 1e-9)
    y = row + (window.sum(2) @ step) / np.maximum(total, 1e-9)
    hot = inside & (window.max((1, 2)) >= MIN_HEAT)
    return np.where(hot[:, None], np.stack([x, y], -1) / size, points).astype(np.float32)
