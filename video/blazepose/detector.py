"""BlazePose's detector: where in an image there are people.

A single-shot detector (SSD) with one square anchor size; it returns boxes around faces, and for
each the two alignment points that `Roi.around` needs. Constants are those of MediaPipe's graph
`pose_detection`.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

import numpy as np
from numpy.typing import NDArray

from video.blazepose.models import Network, sigmoid
from video.blazepose.roi import Roi
from video.people import Image

STRIDES = (8, 16, 32, 32, 32)
ANCHORS_PER_CELL = 2  # of each stride's entry: one per aspect ratio and one in between
MIN_SCORE = 0.5
MIN_OVERLAP = 0.3

Floats = NDArray[np.float32]


class Detector:
    """Finds people in parts of an image."""

    def __init__(self) -> None:
        self._network = Network("pose_detection.tflite", (-1, 1))
        self._anchors = _anchors(self._network.side)

    def __call__(self, image: Image, views: Iterable[Roi]) -> list[Roi]:
        """Return the regions of people, the surest first.

        Args:
            image: (H, W, 3).
            views: Where to look; a person should fill a good part of a view.
        """
        found = np.concatenate([self._look(image, view) for view in views])
        return [Roi.around(row[4:8].reshape(2, 2)) for row in merge(found)]

    def _look(self, image: Image, view: Roi) -> Floats:
        """Detections (K, 13) in one view: box corners, four points, in pixels; score."""
        boxes, scores = self._network(view.crop(image, self._network.side))
        score = sigmoid(scores[0, :, 0])
        sure = score >= MIN_SCORE
        raw = boxes[0, sure] / np.float32(self._network.side)
        anchors = self._anchors[sure]
        centre, half = raw[:, :2] + anchors, raw[:, 2:4] / 2
        points = raw[:, 4:].reshape(-1, 4, 2) + anchors[:, None]
        corners = np.stack([centre - half, centre + half], axis=1)
        unit = np.concatenate([corners, points], axis=1)
        corner = np.array([view.x - view.size / 2, view.y - view.size / 2], dtype=np.float32)
        pixels = unit * np.float32(view.size) + corner
        return np.column_stack([pixels.reshape(-1, 12), score[sure]]).astype(np.float32)


def merge(found: Floats) -> list[Floats]:
    """Merge detections (K, 13) that overlap into their mean, weighted by score."""
    merged = []
    left = found[np.argsort(-found[:, 12], kind="stable")]
    while len(left):
        same = _overlap(left[0], left) > MIN_OVERLAP
        same[0] = True
        group = left[same]
        merged.append(np.average(group, axis=0, weights=group[:, 12]).astype(np.float32))
        left = left[~same]
    return merged


def _overlap(one: Floats, many: Floats) -> Floats:
    """Intersection over union (K,) of a box with boxes (K, >=4)."""
    low = np.maximum(one[:2], many[:, :2])
    high = np.minimum(one[2:4], many[:, 2:4])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(many[:, 2:4] - many[:, :2], axis=1)
    area = np.prod(one[2:4] - one[:2])
    return np.asarray(common / np.maximum(area + areas - common, 1e-9), dtype=np.float32)


def _anchors(side: int) -> Floats:
    """Centres (A, 2) of the anchors, in 0..1."""
    grids = []
    for stride, count in _layers():
        cells = ceil(side / stride)
        centre = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(centre, centre), axis=-1).reshape(-1, 2)
        grids.append(np.repeat(grid, count, axis=0))
    return np.asarray(np.concatenate(grids), dtype=np.float32)


def _layers() -> list[tuple[int, int]]:
    """Strides with the anchors per cell; neighbours of equal stride share their cells."""
    unique = dict.fromkeys(STRIDES)
    return [(stride, ANCHORS_PER_CELL * STRIDES.count(stride)) for stride in unique]
