"""Values of maps enlarged by cubic interpolation, at the places asked for only.

Enlarging 57 maps eightfold costs more than everything else together, and almost no pixel of the
result is looked at. What is given here is what `cv2.resize(..., INTER_CUBIC)` would hold.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from training.bpnet.arrays import Array

_TAPS = 2  # neighbours that a cubic needs on each side
_BLOCK = 1024


class EnlargedFields:
    """K fields of C values each, enlarged by `factor`, to be read at single pixels.

    Args:
        fields: (H, W, K, C) float32.
        factor: pixels per cell.
    """

    def __init__(self, fields: Array, factor: int) -> None:
        height, _, count, channels = fields.shape
        # The fields one below the other, each with a border, so that one call reads from all.
        padded = cv2.copyMakeBorder(
            np.ascontiguousarray(fields).reshape(height, -1, count * channels),
            *(_TAPS, _TAPS, 0, 0),
            cv2.BORDER_REPLICATE,
        ).reshape(height + 2 * _TAPS, -1, count, channels)
        self._tower = np.ascontiguousarray(padded.transpose(2, 0, 1, 3)).reshape(
            count * (height + 2 * _TAPS), -1, channels
        )
        self._floor = height + 2 * _TAPS
        self._factor = np.float32(factor)

    def at(self, index: Array, x: Array, y: Array) -> Array:
        """Values of field `index` (n,) at pixels x, y (n, m) -> (n, m, C)."""
        if x.size == 0:
            return np.zeros((*x.shape, self._tower.shape[2]), np.float32)
        half = np.float32(0.5)
        column = (x + half) / self._factor - half
        row = (y + half) / self._factor - half + (index * self._floor + _TAPS)[:, None]
        size = column.size
        block = np.zeros((2, -(-size // _BLOCK), _BLOCK), np.float32)  # OpenCV's limit is 32767
        block.reshape(2, -1)[:, :size] = column.reshape(-1), row.reshape(-1)
        values = cv2.remap(
            self._tower, block[0], block[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return values.reshape(block[0].size, -1)[:size].reshape(*x.shape, -1)


@lru_cache(maxsize=8)
def enlarger(factor: int, reach: int, smooth_size: int, smooth_sigma: float) -> tuple[Array, Array]:
    """Matrices that enlarge a row of cells, without and with Gaussian smoothing after it.

    Args:
        factor: pixels per cell.
        reach: the rows of the matrices cover cells -reach..reach around a centre cell.
        smooth_size: taps of the Gaussian on the enlarged map, odd.
        smooth_sigma: its standard deviation, pixels.

    Returns:
        Two ((2 * reach + 1) * factor, cells) float32 matrices over the same row of cells.
    """
    margin = reach + 2 + smooth_size  # cubic taps and the smoothing need neighbours
    cells = 2 * margin + 1
    wide = cv2.resize(
        np.eye(cells, dtype=np.float32), (cells, cells * factor), interpolation=cv2.INTER_CUBIC
    )
    smooth = cv2.sepFilter2D(wide, -1, np.ones(1), cv2.getGaussianKernel(smooth_size, smooth_sigma))
    rows = slice((margin - reach) * factor, (margin + reach + 1) * factor)
    used = np.flatnonzero(np.abs(smooth[rows]).max(axis=0) + np.abs(wide[rows]).max(axis=0))
    columns = slice(used[0], used[-1] + 1)
    return wide[rows, columns].copy(), smooth[rows, columns].copy()
