"""Joint candidates: the peaks of the heatmaps."""

from __future__ import annotations

import cv2
import numpy as np

from converter.bodypose import Peaks
from training.bpnet.arrays import Array
from training.bpnet.postprocess.upsample import enlarger

REACH = 1  # a peak of the enlarged map lies within a cell of a peak of the map
LOSS = 0.5  # a peak between four cells is at least this much higher than each of them
SMOOTH_SIZE, SMOOTH_SIGMA = 5, 3.0  # taps and standard deviation of the Gaussian, enlarged pixels
MOST_PER_JOINT = 128  # the strongest are kept, which bounds the work on noise


def find_peaks(
    heatmaps: Array,
    factor: int = 8,
    threshold: float = 0.1,
) -> Peaks:
    """Peaks of the heatmaps, enlarged by `factor` and smoothed, that exceed a threshold.

    A peak is placed on the smoothed map and scored on the unsmoothed one, as the reference does.

    Args:
        heatmaps: (H, W, V) without background.
        factor: enlargement, pixels per cell.
        threshold: least score.
    """
    cells = _local_maxima(heatmaps, threshold * LOSS)
    row, column, joint = _strongest(heatmaps, cells, MOST_PER_JOINT)
    plain, smooth = enlarger(factor, REACH, SMOOTH_SIZE, SMOOTH_SIGMA)
    half = plain.shape[1] // 2
    padded = cv2.copyMakeBorder(
        np.ascontiguousarray(heatmaps), half, half, half, half, cv2.BORDER_REPLICATE
    ).reshape(heatmaps.shape[0] + 2 * half, heatmaps.shape[1] + 2 * half, -1)
    size = 2 * half + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size, 1))[..., 0]
    patches = windows[row, column, joint]  # (n, cells, cells)
    smoothed = smooth @ patches @ smooth.T
    top, left = (row - REACH) * factor, (column - REACH) * factor
    _hide_outside(smoothed, top, left, heatmaps.shape[0] * factor, heatmaps.shape[1] * factor)
    best = smoothed.reshape(-1, smooth.shape[0] ** 2).argmax(axis=1)
    dy, dx = np.divmod(best, smoothed.shape[2])
    score = np.einsum("nc,ncd,nd->n", plain[dy], patches, plain[dx], optimize=True)
    places = np.stack([joint, top + dy, left + dx], axis=1)[score > threshold]
    places, first = np.unique(places, axis=0, return_index=True)
    return Peaks(places[:, 0], places[:, 2], places[:, 1], score[score > threshold][first])


def _local_maxima(heatmaps: Array, threshold: float) -> tuple[Array, ...]:
    """Row, column, joint of the cells that no neighbour exceeds."""
    highest = cv2.dilate(np.ascontiguousarray(heatmaps), np.ones((3, 3), np.uint8))
    return np.nonzero((heatmaps >= highest.reshape(heatmaps.shape)) & (heatmaps > threshold))


def _strongest(heatmaps: Array, cells: tuple[Array, ...], count: int) -> tuple[Array, ...]:
    """The same cells sorted by joint, at most `count` of each joint."""
    joint = cells[2]
    order = np.lexsort((-heatmaps[cells], joint))
    rank = np.arange(len(joint)) - np.searchsorted(joint[order], joint[order])
    keep = order[rank < count]
    return tuple(axis[keep] for axis in cells)


def _hide_outside(
    windows: Array,
    top: Array,
    left: Array,
    height: int,
    width: int,
) -> None:
    """Set what lies beyond the map's edges to minus infinity."""
    span = np.arange(windows.shape[1])
    y, x = top[:, None] + span, left[:, None] + span
    outside = ((y < 0) | (y >= height))[:, :, None] | ((x < 0) | (x >= width))[:, None, :]
    windows[outside] = -np.inf
