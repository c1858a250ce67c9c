"""Bringing poses to the frame rate that the networks are trained at."""

from __future__ import annotations

from math import floor, inf, isclose
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from converter.errors import InputError
from converter.pose_array import pose_array

NETWORK_RATE: Final = 30.0
"""Frames a second of what the networks are trained on."""


def frames_before(frames: int, frame_rate: float) -> int:
    """Frames at `frame_rate` in the time of `frames` frames for the network.

    `resample` makes no more than `frames` of them.
    """
    return _frames_within(frames, 1 / _ratio(frame_rate))


def resample(keypoints: NDArray[Any], frame_rate: float) -> NDArray[Any]:
    """Interpolate linearly to `NETWORK_RATE`.

    A joint that is missing (confidence 0, or a number that is not finite) in one of two
    neighbouring frames is taken as it is in the nearer one, so that nothing is drawn to the origin.

    Args:
        keypoints: (T, V, 4) a, b, c, confidence; T at least 1.
        frame_rate: Poses a second of `keypoints`.

    Returns:
        (T', V, 4) of the same dtype (float64 for whole numbers), over the same stretch of time;
        `keypoints` itself where the rate is the network's to within 1 % (29.97 is 30).

    Raises:
        InputError: The shape or the rate is wrong.
    """
    keypoints, ratio = pose_array(keypoints), _ratio(frame_rate)
    if keypoints.ndim != 3 or keypoints.shape[2] != 4:
        raise InputError(f"poses must have shape (T, V, 4), got {keypoints.shape}")
    if ratio == 1:
        return keypoints
    if keypoints.dtype.kind != "f":
        keypoints = keypoints.astype(np.float64)
    frames = len(keypoints)
    times = np.minimum(np.arange(_frames_within(frames, ratio)) / ratio, frames - 1)
    before = np.floor(times).astype(np.intp)
    after = np.minimum(before + 1, frames - 1)
    share = (times - before)[:, None, None].astype(keypoints.dtype)
    present = np.isfinite(keypoints).all(axis=-1) & (keypoints[..., 3] != 0)
    between = (present[before] & present[after])[..., None]
    nearer = np.where(share < 0.5, keypoints[before], keypoints[after])
    with np.errstate(invalid="ignore"):  # inf - inf, taken from the nearer frame
        line = keypoints[before] * (1 - share) + keypoints[after] * share
    resampled: NDArray[Any] = np.where(between, line, nearer)
    return resampled


def _ratio(frame_rate: float) -> float:
    """Frames for the network a frame of the track."""
    if not 0 < frame_rate < inf:
        raise InputError(f"frame_rate is {frame_rate}, must be above 0 and finite")
    return 1 if isclose(frame_rate, NETWORK_RATE, rel_tol=0.01) else NETWORK_RATE / frame_rate


def _frames_within(frames: int, ratio: float) -> int:
    """Frames at `ratio` times the rate from the first to the last of `frames` frames."""
    return floor((frames - 1) * ratio + 1e-6) + 1
