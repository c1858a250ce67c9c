"""Skeleton graphs: adjacency matrices of a layout under a partition strategy.

Follows section 3.3 of ST-GCN (Yan et al., AAAI 2018, arXiv 1801.07455) as NVIDIA TAO
implements it, peculiarities included: pretrained weights mean nothing on another graph.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import InputError, Layout, get_layout
from training.common.spec import parse_yaml

FloatArray = NDArray[np.float32]
_PERSONS = {"ntu-rgb+d": 2, "ntu_edge": 2}


def load_layout(name: str) -> Layout:
    """Return a layout by its name, or out of a YAML file (:meth:`Layout.from_mapping`).

    Raises:
        InputError: no such layout; the file is unreadable or not a layout.
    """
    if not name.endswith((".yaml", ".yml")):
        return get_layout(name)
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: cannot read the layout: {error}") from None
    mapping = parse_yaml(text, name)
    if not isinstance(mapping, dict):
        raise InputError(f"{name}: a layout is a mapping with name, joints and edges")
    return Layout.from_mapping(mapping, source=name)


def persons_of(layout: Layout) -> int:
    """M, the persons in a sequence of this layout, as TAO exports it."""
    return _PERSONS.get(layout.name, 1)


def build_graph(layout: Layout, strategy: str) -> FloatArray:
    """Partition the neighbours of every joint.

    Args:
        layout: V joints and the edges between them.
        strategy: `uniform` (K = 1: all alike), `distance` (K = 2: the joint itself, its
            neighbours), `spatial` (K = 3: the joint itself, neighbours that are as far from the
            centre or farther, neighbours that are nearer), `spatial_full` (the same).
            In `spatial`, TAO counts distances to the centre up to one edge only; all other
            joints are equally, infinitely far. `spatial_full` counts them to the end.

    Returns:
        (K, V, V) float32; entry `[k, v, w]` is the share of joint v in what joint w gathers.
    """
    itself = np.eye(layout.num_joints)
    adjacency = itself.copy()
    for i, j in layout.edges:
        adjacency[i, j] = adjacency[j, i] = 1
    share = adjacency / adjacency.sum(axis=0)
    neighbours = share - share * itself
    if strategy == "uniform":
        parts = [share]
    elif strategy == "distance":
        parts = [share * itself, neighbours]
    else:
        reach = 1 if strategy == "spatial" else layout.num_joints
        distance = _edges_to_centre(adjacency, layout.centre, reach)
        nearer = distance[:, None] < distance[None, :]
        parts = [share * itself, neighbours * ~nearer, neighbours * nearer]
    return np.stack(parts, dtype=np.float32, casting="same_kind")


def _edges_to_centre(
    adjacency: NDArray[np.float64], centre: int, reach: int
) -> NDArray[np.float64]:
    """(V,) number of edges from each joint to the centre; inf beyond `reach`."""
    reached = np.arange(len(adjacency)) == centre
    distance = np.where(reached, 0.0, np.inf)
    for step in range(1, reach + 1):
        reached = adjacency @ reached > 0
        distance[reached & np.isinf(distance)] = step
    return distance
