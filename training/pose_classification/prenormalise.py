"""Put bodies upright and facing the same way before anything else is done to them.

After PYSKL's PreNormalize3D (Duan et al., ACM MM 2022): the first frame of the first person sets
a centre and axes for the whole sequence, so that motion through the room is kept. PYSKL turns the
shoulders exactly to x and lets the spine follow; here the spine is exactly z and the shoulders are
turned about it, so that one rotation does both.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from converter import InputError, Layout
from training.pose_classification.augment import apply_matrix

FloatArray = NDArray[np.float32]

# Joints whose mean is a landmark; the first line that a layout can fill is taken.
_BASE = (("pelvis",), ("left_hip", "right_hip"))
_TOP = (("thorax",), ("neck",), ("left_shoulder", "right_shoulder"))


def _joints(layout: Layout, choices: tuple[tuple[str, ...], ...]) -> list[int]:
    names = layout.common_names
    for choice in choices:
        if all(name in names for name in choice):
            return [names.index(name) for name in choice]
    wanted = " or ".join("+".join(choice) for choice in choices)
    raise InputError(
        f"dataset.pre_normalise needs the joint {wanted}, which layout {layout.name} lacks"
    )


def make_pre_normaliser(layout: Layout, enabled: bool) -> Callable[[FloatArray], FloatArray]:
    """Prepare the normalisation of a layout.

    Args:
        layout: The skeleton.
        enabled: Whether to normalise at all.

    Returns:
        A function of (C, T, V, M). It returns the sequence as it is when not enabled. Missing
        joints stay zero. Where no frame shows all the joints that are needed, the sequence is
        returned as it is, too.

    Raises:
        InputError: The layout lacks the pelvis, the upper spine or the shoulders.
    """
    if not enabled:
        return lambda sequence: sequence
    base, top = _joints(layout, _BASE), _joints(layout, _TOP)
    left = _joints(layout, (("left_shoulder",),))
    right = _joints(layout, (("right_shoulder",),))
    needed = sorted({*base, *top, *left, *right})

    def normalise(sequence: FloatArray) -> FloatArray:
        if sequence.shape[0] != 3:
            raise InputError(
                f"dataset.pre_normalise needs poses of 3 channels, not {sequence.shape[0]}"
            )
        seen = sequence.any(axis=0)
        frames = np.flatnonzero(seen[:, needed, 0].all(axis=1))
        if not frames.size:
            return sequence
        first = sequence[:, frames[0], :, 0].astype(np.float64)
        centre = first[:, base].mean(axis=1)
        axes = _axes(first[:, top].mean(axis=1) - centre, (first[:, right] - first[:, left])[:, 0])
        if axes is None:
            return sequence
        centred = (sequence - centre.astype(np.float32)[:, None, None, None]) * seen
        return apply_matrix(centred, axes)

    return normalise


def _axes(spine: NDArray[np.float64], shoulders: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Rows x, y, z: the spine is z, the shoulders lean to x; None if the two are parallel."""
    across = np.cross(spine, shoulders)
    lengths = np.linalg.norm(spine), np.linalg.norm(across)
    if min(lengths) < 1e-9:
        return None
    z, y = spine / lengths[0], across / lengths[1]
    axes: NDArray[np.float64] = np.stack([np.cross(y, z), y, z])
    return axes


def fit_box(sequence: FloatArray) -> FloatArray:
    """Stretch every axis so that the whole motion spans -1 to 1 in it.

    What CTR-GCN (Chen et al., ICCV 2021) feeds for NW-UCLA: no network can tell places or sizes
    by it, only shapes.

    Args:
        sequence: (C, T, V, M).

    Returns:
        (C, T, V, M). Missing joints stay zero, an axis without any extent becomes zero.
    """
    seen = sequence.any(axis=0)
    if not seen.any():
        return sequence
    used = sequence[:, seen]
    low, high = used.min(axis=1), used.max(axis=1)
    extent = np.where(high > low, high - low, np.inf)
    middle, half = (low + high) / 2, extent / 2
    boxed: FloatArray = (sequence - middle[:, None, None, None]) / half[:, None, None, None] * seen
    return boxed.astype(np.float32)
