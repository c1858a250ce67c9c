"""Choosing frames: padding, cropping, uniform and random sampling.

Sequences are (C, T, V, M) arrays. A frame that is zero in every channel, joint and person holds
no pose; those behind the last pose are padding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def valid_length(sequence: FloatArray) -> int:
    """Number of frames up to the last one that holds a pose, at least 1.

    Args:
        sequence: (C, T, V, M).

    Returns:
        The length without the padding behind.
    """
    occupied = np.flatnonzero(sequence.any(axis=(0, 2, 3)))
    return int(occupied[-1]) + 1 if occupied.size else 1


def pad(sequence: FloatArray, size: int, begin: int = 0) -> FloatArray:
    """Put a sequence into ``size`` frames of zeros; longer sequences are left as they are.

    Args:
        sequence: (C, T, V, M).
        size: Frames wanted.
        begin: Frame at which the sequence starts.

    Returns:
        (C, max(T, size), V, M).
    """
    channels, length, *rest = sequence.shape
    if length >= size:
        return sequence
    padded = np.zeros((channels, size, *rest), dtype=sequence.dtype)
    padded[:, begin : begin + length] = sequence
    return padded


def random_choose(sequence: FloatArray, size: int, rng: np.random.Generator) -> FloatArray:
    """TAO's ``random_choose``: a random crop, or padding with a random start.

    TAO slices off the last frame when the size is -1; here a size below 1 means no crop.

    Args:
        sequence: (C, T, V, M).
        size: Frames wanted; below 1 the sequence is returned as it is.
        rng: Source of randomness.

    Returns:
        (C, size, V, M).
    """
    length = sequence.shape[1]
    if size < 1 or length == size:
        return sequence
    begin = int(rng.integers(abs(length - size) + 1))
    if length < size:
        return pad(sequence, size, begin)
    return sequence[:, begin : begin + size]


def random_crop(sequence: FloatArray, least: float, rng: np.random.Generator) -> FloatArray:
    """A random stretch of a sequence, as CTR-GCN (Chen et al., ICCV 2021) trains on.

    Args:
        sequence: (C, T, V, M) without padding behind.
        least: Share of the frames that is kept at least, above 0 and up to 1.
        rng: Source of randomness.

    Returns:
        (C, T', V, M), T' from ``least`` * T to T.
    """
    length = sequence.shape[1]
    return random_choose(sequence, max(1, round(length * rng.uniform(least, 1))), rng)


def uniform_indices(
    length: int, size: int, offset: float | NDArray[np.float64]
) -> NDArray[np.intp]:
    """One frame from each of ``size`` equal parts of a sequence.

    Follows PYSKL's UniformSample (Duan et al., ACM MM 2022) but in one formula for all lengths:
    a sequence shorter than ``size`` is stretched, where PYSKL repeats it from its start.

    Args:
        length: Frames of the sequence.
        size: Frames wanted.
        offset: Position inside the parts, 0 <= offset < 1: one for all, or one for each part.

    Returns:
        (size,) indices, never descending, all below ``length``.
    """
    position = (np.arange(size) + offset) * (length / size)
    return np.minimum(position.astype(np.intp), length - 1)


def uniform_sample(sequence: FloatArray, size: int, rng: np.random.Generator) -> FloatArray:
    """A random frame from each of ``size`` equal parts, for training.

    Args:
        sequence: (C, T, V, M) without padding behind.
        size: Frames wanted.
        rng: Source of randomness.

    Returns:
        (C, size, V, M).
    """
    return sequence[:, uniform_indices(sequence.shape[1], size, rng.random(size))]


def random_sample(sequence: FloatArray, size: int, rng: np.random.Generator) -> FloatArray:
    """Frames drawn one by one, again and again the same if need be, and put in order.

    Unlike `uniform_sample` it stretches and shrinks parts of the sequence against one another, for
    training. After SGN (Zhang et al., CVPR 2020), as CTR-GCN is fed on NW-UCLA.

    Args:
        sequence: (C, T, V, M) without padding behind.
        size: Frames wanted.
        rng: Source of randomness.

    Returns:
        (C, size, V, M).
    """
    return sequence[:, np.sort(rng.integers(sequence.shape[1], size=size))]


def uniform_clips(sequence: FloatArray, size: int, clips: int) -> FloatArray:
    """Clips for a test: clip k takes the frame at (k + 1/2) / clips of each part.

    Args:
        sequence: (C, T, V, M) without padding behind.
        size: Frames of a clip.
        clips: Number of clips K.

    Returns:
        (K, C, size, V, M), the same on every call.
    """
    offsets = (np.arange(clips) + 0.5) / clips
    length = sequence.shape[1]
    return np.stack([sequence[:, uniform_indices(length, size, offset)] for offset in offsets])
