"""Random changes of the body's place, direction and size, for training.

Sequences are (C, T, V, M) with x, y and, when C is 3, z as channels. All but `random_move`, which
keeps TAO's behaviour to the letter, leave joints at zero (missing ones) at zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_ANGLES = (-10.0, -5.0, 0.0, 5.0, 10.0)  # degrees
_SCALES = (0.9, 1.0, 1.1)
_SHIFTS = (-0.2, -0.1, 0.0, 0.1, 0.2)


def random_move(sequence: FloatArray, rng: np.random.Generator) -> FloatArray:
    """TAO's ``random_move`` (after ST-GCN, Yan et al., AAAI 2018): a slow drift of x and y.

    Angle, scale and shift are drawn for the first and the last frame and interpolated between;
    z is not touched. As in TAO, padding and missing joints are moved with the rest.

    Args:
        sequence: (C, T, V, M), C at least 2.
        rng: Source of randomness.

    Returns:
        (C, T, V, M), a new array.
    """
    frames = sequence.shape[1]

    def drift(choices: Sequence[float]) -> NDArray[np.float64]:
        first, last = rng.choice(choices, 2)
        path: NDArray[np.float64] = np.linspace(first, last, frames)[:, None, None]
        return path

    angle, scale = np.deg2rad(drift(_ANGLES)), drift(_SCALES)
    shift_x, shift_y = drift(_SHIFTS), drift(_SHIFTS)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    moved = sequence.copy()
    moved[0] = cos * sequence[0] - sin * sequence[1] + shift_x
    moved[1] = sin * sequence[0] + cos * sequence[1] + shift_y
    return moved


def rotation_matrix(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation about x, then y, then z (three angles), or in the plane (one angle).

    Args:
        angles: (3,) or (1,), radians.

    Returns:
        (3, 3) or (2, 2).
    """
    cos, sin = np.cos(angles), np.sin(angles)
    if len(angles) == 1:
        return np.array([[cos[0], -sin[0]], [sin[0], cos[0]]])
    about_x = np.array([[1, 0, 0], [0, cos[0], -sin[0]], [0, sin[0], cos[0]]])
    about_y = np.array([[cos[1], 0, sin[1]], [0, 1, 0], [-sin[1], 0, cos[1]]])
    about_z = np.array([[cos[2], -sin[2], 0], [sin[2], cos[2], 0], [0, 0, 1]])
    rotation: NDArray[np.float64] = about_z @ about_y @ about_x
    return rotation


def apply_matrix(sequence: FloatArray, matrix: NDArray[np.float64]) -> FloatArray:
    """Multiply the channels of every joint by a matrix.

    Args:
        sequence: (C, T, V, M).
        matrix: (C, C).

    Returns:
        float32 (C, T, V, M).
    """
    flat = matrix.astype(np.float32) @ sequence.reshape(sequence.shape[0], -1)
    return flat.reshape(sequence.shape)


def random_rotation(
    sequence: FloatArray, limits: Sequence[float], rng: np.random.Generator
) -> FloatArray:
    """Turn the whole sequence about the origin (PYSKL's RandomRot).

    Args:
        sequence: (C, T, V, M), C 2 or 3.
        limits: Largest angles about x, y and z, radians; in the plane, z alone counts.
        rng: Source of randomness.

    Returns:
        (C, T, V, M).
    """
    largest = np.array(limits[-1:] if sequence.shape[0] == 2 else limits)
    return apply_matrix(sequence, rotation_matrix(rng.uniform(-largest, largest)))


def random_scale(sequence: FloatArray, limit: float, rng: np.random.Generator) -> FloatArray:
    """Stretch every axis by a factor of its own (PYSKL's RandomScale).

    Args:
        sequence: (C, T, V, M).
        limit: Factors are drawn from 1-limit to 1+limit.
        rng: Source of randomness.

    Returns:
        (C, T, V, M).
    """
    factors = rng.uniform(1 - limit, 1 + limit, sequence.shape[0]).astype(np.float32)
    return sequence * factors[:, None, None, None]


def random_flip(
    sequence: FloatArray,
    pairs: Sequence[tuple[int, int]],
    probability: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Mirror the body: x changes its sign, left and right joints change their places.

    Args:
        sequence: (C, T, V, M).
        pairs: Left and right joint of each pair.
        probability: How often a sequence is mirrored.
        rng: Source of randomness.

    Returns:
        (C, T, V, M).
    """
    if rng.random() >= probability:
        return sequence
    order = np.arange(sequence.shape[2])
    for left, right in pairs:
        order[[left, right]] = right, left
    mirrored = sequence[:, :, order]
    mirrored[0] *= -1
    return mirrored


def random_jitter(sequence: FloatArray, sigma: float, rng: np.random.Generator) -> FloatArray:
    """Move every joint by an offset of its own, as a sensor misplaces joints it hardly sees.

    Args:
        sequence: (C, T, V, M).
        sigma: Standard deviation of the offsets, in the unit of the coordinates; they are the same
            in all frames.
        rng: Source of randomness.

    Returns:
        (C, T, V, M).
    """
    channels, _, joints, persons = sequence.shape
    offsets = rng.normal(0, sigma, (channels, 1, joints, persons)).astype(np.float32)
    seen = (sequence != 0).any(axis=0)
    moved: FloatArray = sequence + offsets * seen
    return moved
