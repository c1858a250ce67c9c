"""Normalising poses as NVIDIA TAO's `dataset_convert` does."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.config import POSE_TYPES, ConvertConfig
from converter.errors import InputError, check_choice
from converter.pose_array import pose_array
from converter.resample import resample


def normalise(
    keypoints: NDArray[Any],
    pose_type: str,
    focal_length: float = ConvertConfig.focal_length,
    frame_size: tuple[float, float] = (ConvertConfig.frame_width, ConvertConfig.frame_height),
) -> NDArray[np.float32]:
    """Turn raw poses into network channels.

    A joint with confidence exactly 0, or with a number that is not finite, becomes zeros.

    * `3dbp`: (position - position of joint 0) / focal_length. Joint 0 is the pelvis and serves
      even where its own confidence is 0; a frame where it is not finite has no reference and
      becomes zeros.
    * `25dbp`: (x / width - 0.5, y / height - 0.5, z).
    * `2dbp`: (x / width - 0.5, y / height - 0.5).

    Args:
        keypoints: (..., T, V, 4) a, b, c, confidence: `pose3d` in mm for `3dbp`, else `pose25d`
            in pixels.
        pose_type: `3dbp`, `25dbp` or `2dbp`.
        focal_length: Focal length in pixels, for `3dbp`.
        frame_size: (width, height) in pixels, for the others.

    Returns:
        (..., C, T, V) float32.

    Raises:
        InputError: The shape, the pose type or a length in pixels is wrong.
    """
    keypoints = pose_array(keypoints)
    check_choice("pose_type", pose_type, POSE_TYPES)
    if keypoints.ndim < 3 or keypoints.shape[-1] != 4:
        raise InputError(f"poses must have shape (..., T, V, 4), got {keypoints.shape}")
    flat = pose_type != "3dbp"
    if not all(isfinite(size) and size > 0 for size in (frame_size if flat else (focal_length,))):
        given = f"frame_size is {frame_size}" if flat else f"focal_length is {focal_length}"
        raise InputError(f"{given}, must be above 0 and finite")
    # (..., 4, T, V); float64, as NVIDIA computes, so that the rounding to float32 is the same. What
    # follows works in place: the memory of large temporaries costs more than the arithmetic.
    planes = np.moveaxis(keypoints, -1, -3).astype(np.float64, order="C")
    present = np.isfinite(planes).all(-3) & (planes[..., 3, :, :] != 0)
    channels = planes[..., : POSE_TYPES[pose_type][0], :, :]
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is masked, the rest stays inf
        if pose_type == "3dbp":
            root = channels[..., :1].copy()
            present &= np.isfinite(root).all(-3)
            channels -= root
            channels /= focal_length
        else:
            both = [[*frame_size, 1.0], [0.5, 0.5, 0.0]]
            size, centre = np.array(both, dtype=np.float64)[..., None, None]
            channels /= size[: channels.shape[-3]]
            channels -= centre[: channels.shape[-3]]
        result = np.zeros(channels.shape, dtype=np.float32)
        np.copyto(result, channels, where=present[..., None, :, :], casting="same_kind")
    return result


def network_input(keypoints: NDArray[Any], config: ConvertConfig) -> NDArray[np.float32]:
    """Bring one segment to the network's frame rate, normalise it and lay it out.

    Args:
        keypoints: (T, V, 4) raw poses, at the network's rate T <= `config.sequence_length_max`.
        config: The settings.

    Returns:
        (C, sequence_length_max, V, 1) float32: the T frames first, zeros behind them.

    Raises:
        InputError: The shape does not fit the settings.
    """
    keypoints = pose_array(keypoints)
    longest, joints = config.sequence_length_max, config.num_joints
    fits = keypoints.ndim == 3 and keypoints.shape[1:] == (joints, 4)
    if fits:
        keypoints = resample(keypoints, config.frame_rate)
    if not fits or len(keypoints) > longest:
        raise InputError(
            f"a segment must have shape (T, {joints}, 4) with T <= {longest}, got {keypoints.shape}"
        )
    padded = np.zeros((config.channels, longest, joints, 1), dtype=np.float32)
    padded[:, : len(keypoints), :, 0] = normalise(
        keypoints, config.pose_type, config.focal_length, config.frame_size
    )
    return padded
