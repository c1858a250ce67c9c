"""Play, repeat and join motions: arrays ``(T, V, 4)`` of (x, y, z, confidence).

Coordinates are those of DeepStream's ``pose3d``: millimetres, x right, y down, z forward.
A joint with confidence 0 is missing in that frame and stays missing.
"""

import numpy as np
from numpy.typing import NDArray

from training.recipes.six_class.skeleton import LEFT_HIP, PELVIS, RIGHT_HIP

Motion = NDArray[np.float32]


def resample(motion: Motion, factor: float) -> Motion:
    """Return the motion in ``factor`` times as many frames, by linear interpolation.

    A factor of 2 brings 15 Hz to 30 Hz, or plays a 30 Hz motion at half speed.

    Args:
        motion: ``(T, V, 4)``.
        factor: new frames per old frame, > 0.

    Returns:
        ``(T', V, 4)`` with ``T' = round((T - 1) * factor) + 1``; the first frame and, up to
        rounding, the last one are kept.
    """
    count = max(1, round((len(motion) - 1) * factor) + 1)
    position = np.clip(np.arange(count) / factor, 0, len(motion) - 1)
    before = position.astype(int)
    after = np.ceil(position).astype(int)
    weight = (position - before)[:, None, None].astype(np.float32)
    mixed: Motion = motion[before] * (1 - weight) + motion[after] * weight
    present = np.minimum(motion[before, :, 3:], motion[after, :, 3:]) > 0
    return mixed * present


def to_and_fro(motion: Motion, length: int, start: int = 0) -> Motion:
    """Play a still stretch forwards and backwards until it lasts ``length`` frames.

    Args:
        motion: ``(T, V, 4)``.
        length: frames wanted.
        start: frame of the forward-backward cycle to begin with.

    Returns:
        ``(length, V, 4)``.
    """
    turn = len(motion) - 1
    if turn == 0:
        return np.repeat(motion, length, axis=0)
    step = (start + np.arange(length)) % (2 * turn)
    result: Motion = motion[turn - np.abs(step - turn)]
    return result


def heading(pose: Motion) -> float:
    """Return the angle about the vertical, in radians, of the line from right to left hip."""
    across = pose[LEFT_HIP, :3] - pose[RIGHT_HIP, :3]
    return float(np.arctan2(across[2], across[0]))


def turned(motion: Motion, angle: float) -> Motion:
    """Return the motion turned about the vertical axis, so that ``heading`` grows by ``angle``."""
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]], np.float32)
    result = motion.copy()
    result[..., :3] = motion[..., :3] @ rotation.T
    return result


def moved(motion: Motion, offset: NDArray[np.float32]) -> Motion:
    """Return the motion shifted by ``offset`` (3,); missing joints stay zero."""
    result = motion.copy()
    result[..., :3] += offset * (motion[..., 3:] > 0)
    return result


def join(first: Motion, second: Motion, blend: int) -> Motion:
    """Continue one motion with another that starts where, and faces as, the first ends.

    ``second`` is turned and moved on the floor (its height stays) to where the next frame of
    ``first`` would be at its last speed. What still differs between the two poses fades out over
    ``blend`` frames (half a cosine), so nothing jumps.

    Args:
        first: ``(T1, V, 4)``.
        second: ``(T2, V, 4)`` with the same joints present.
        blend: frames over which the remaining difference fades out.

    Returns:
        ``(T1 + T2, V, 4)``.
    """
    last = first[-1]
    following = 2 * last - first[-2] if len(first) > 1 else last
    second = turned(second, heading(last) - heading(second[0]))
    offset = (following - second[0])[PELVIS, :3] * np.array([1, 0, 1], np.float32)
    second = moved(second, offset)
    rest = (following - second[0])[:, :3] * (second[0, :, 3:] > 0)
    fade = 0.5 + 0.5 * np.cos(np.pi * np.clip(np.arange(len(second)) / (blend + 1), 0, 1))
    second[..., :3] += fade[:, None, None].astype(np.float32) * rest
    return np.concatenate([first, second])


def cycle(motion: Motion, length: int, blend: int = 5, shortest: int = 12) -> Motion:
    """Repeat a cyclic motion (steps, hops) until it lasts ``length`` frames.

    The two frames, at least ``shortest`` apart, whose poses differ least when position and
    heading are taken away become the ends of the repeated part.

    Args:
        motion: ``(T, V, 4)``.
        length: frames wanted; a motion that is long enough is only cut.
        blend: frames over which each seam fades.
        shortest: fewest frames of the repeated part.

    Returns:
        ``(length, V, 4)``.
    """
    if len(motion) >= length:
        return motion[:length]
    poses = np.stack([_at_origin(pose) for pose in motion])
    velocity = np.gradient(poses, axis=0) if len(poses) > 1 else np.zeros_like(poses)
    feature = np.concatenate([poses, 3 * velocity], axis=1).reshape(len(poses), -1)
    distance = np.linalg.norm(feature[:, None] - feature[None], axis=2)
    near = np.arange(len(poses))[None] - np.arange(len(poses))[:, None] < shortest
    distance[near] = np.inf
    if not np.isfinite(distance).any():
        start, end = 0, len(motion) - 1
    else:
        start, end = divmod(int(np.argmin(distance)), len(poses))
    result = motion[: end + 1]
    while len(result) < length:
        result = join(result, motion[start + 1 : end + 1], blend)
    return result[:length]


def _at_origin(pose: Motion) -> NDArray[np.float32]:
    """Return the joints (V, 3) about the pelvis, facing one way; missing ones zero."""
    facing = turned(pose, -heading(pose))
    points: Motion = facing[:, :3] - facing[PELVIS, :3]
    return points * (pose[:, 3:] > 0)
