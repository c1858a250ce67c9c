"""Maps of one network input, resampled as those of another input of the same photo."""

from __future__ import annotations

import cv2
import numpy as np

from converter.bodypose.photo import STRIDE, Placement
from training.bpnet.arrays import Array


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
