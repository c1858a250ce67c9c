"""Candidates for joints and limbs, and the choice among limbs (Cao et al., CVPR 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Peaks:
    """Candidates of all joints, sorted by joint.

    Attributes:
        joint: (n,) joint index.
        x: (n,) column in the enlarged map.
        y: (n,) row in the enlarged map.
        score: (n,) heatmap value there.
    """

    joint: Array
    x: Array
    y: Array
    score: Array

    def __len__(self) -> int:
        return len(self.joint)


@dataclass(frozen=True)
class Limbs:
    """Matched pairs of all limbs, sorted by limb, best first.

    Attributes:
        limb: (n,) number of the limb.
        start: (n,) index into the peaks.
        end: (n,) index into the peaks.
        score: (n,) mean of the valid samples.
    """

    limb: Array
    start: Array
    end: Array
    score: Array


def match(limb: Array, start: Array, end: Array, score: Array) -> Limbs:
    """Choose pairs by descending score so that a limb uses each candidate once.

    Args:
        limb: (n,) limb of each pair.
        start: (n,) candidate.
        end: (n,) candidate.
        score: (n,).
    """
    order = np.lexsort((-score, limb))
    taken: set[tuple[int, int]] = set()
    keep = []
    triples = (axis[order].tolist() for axis in (limb, start, end))
    for position, (k, a, b) in enumerate(zip(*triples, strict=True)):
        if (k, a) not in taken and (k, b) not in taken:
            taken |= {(k, a), (k, b)}
            keep.append(position)
    chosen = order[keep]
    return Limbs(limb[chosen], start[chosen], end[chosen], score[chosen])
