"""What the network sees of a skeleton: joints, bones, and the motion of either.

The four streams of two-stream adaptive GCN (Shi et al., CVPR 2019) and its followers.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from converter import Layout

FloatArray = NDArray[np.float32]
Stream = Literal["joint", "bone", "joint_motion", "bone_motion"]


def parents(layout: Layout) -> NDArray[np.intp]:
    """Parent of every joint on the shortest way to the layout's centre.

    Args:
        layout: The skeleton.

    Returns:
        (V,) joint indices. The centre is its own parent, and so is the first joint of each part
        that no edge connects with the centre.
    """
    neighbours: list[list[int]] = [[] for _ in layout.joints]
    for first, second in layout.edges:
        neighbours[first].append(second)
        neighbours[second].append(first)
    parent = np.full(layout.num_joints, -1)
    for root in (layout.centre, *range(layout.num_joints)):
        if parent[root] >= 0:
            continue
        parent[root] = root
        queue = deque([root])
        while queue:
            joint = queue.popleft()
            new = [other for other in neighbours[joint] if parent[other] < 0]
            parent[new] = joint
            queue.extend(new)
    return parent


def present(sequence: FloatArray) -> NDArray[np.bool_]:
    """Where a joint was seen, that is, is not zero in all channels.

    Args:
        sequence: (C, T, V, M).

    Returns:
        bool (T, V, M).
    """
    seen: NDArray[np.bool_] = sequence.any(axis=0)
    return seen


def bones(sequence: FloatArray, parent: NDArray[np.intp]) -> FloatArray:
    """Vector from each joint's parent to the joint; zero where either is missing.

    Args:
        sequence: (C, T, V, M).
        parent: (V,) from `parents`.

    Returns:
        (C, T, V, M).
    """
    seen = present(sequence)
    both = (seen & seen[:, parent]).astype(sequence.dtype)
    return (sequence - sequence[:, :, parent]) * both


def motion(sequence: FloatArray) -> FloatArray:
    """Difference to the next frame; zero in the last frame and where either frame has no value.

    Args:
        sequence: (C, T, V, M).

    Returns:
        (C, T, V, M).
    """
    seen = present(sequence)
    moved = np.zeros_like(sequence)
    moved[:, :-1] = (sequence[:, 1:] - sequence[:, :-1]) * (seen[1:] & seen[:-1])
    return moved


def make_stream(sequence: FloatArray, stream: Stream, parent: NDArray[np.intp]) -> FloatArray:
    """Turn joint positions into the wanted stream.

    Args:
        sequence: (C, T, V, M), joint positions.
        stream: Which one.
        parent: (V,) from `parents`.

    Returns:
        (C, T, V, M).
    """
    if stream in ("bone", "bone_motion"):
        sequence = bones(sequence, parent)
    if stream in ("joint_motion", "bone_motion"):
        sequence = motion(sequence)
    return sequence
