"""Mapping poses from one skeleton layout to another, by joint name.

A joint that the source layout has is copied. A joint that it lacks is the average of others
where `AVERAGES` knows how; every joint without a source comes out as zeros with confidence 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.errors import InputError
from converter.layout import Layout
from converter.layouts import get_layout
from converter.pose_array import pose_array

# Joint -> alternatives, the first that the source layout can serve is taken; an alternative is
# the plain mean of its joints, which may be averages themselves.
AVERAGES: dict[str, tuple[tuple[str, ...], ...]] = {
    "pelvis": (("left_hip", "right_hip"),),
    "thorax": (("left_shoulder", "right_shoulder"), ("neck",)),
    "neck": (("thorax",), ("left_shoulder", "right_shoulder")),
    "torso": (("pelvis", "thorax"),),
    "head": (("left_ear", "right_ear"), ("nose", "head_top"), ("nose",), ("head_top",)),
    "head_top": (("head",),),
    "nose": (("head",),),
}
for _side in ("left", "right"):
    _foot, _hand = f"{_side}_foot", f"{_side}_hand"
    _big_toe, _small_toe = f"{_side}_big_toe", f"{_side}_small_toe"
    _knuckles = (f"{_side}_index_knuckle", f"{_side}_pinky_knuckle")
    AVERAGES |= {
        _foot: ((_big_toe, _small_toe), (_big_toe,)),
        _big_toe: ((_foot,),),
        _small_toe: ((_foot,),),
        _hand: (_knuckles, (f"{_side}_wrist", f"{_side}_middle_tip")),
        f"{_side}_middle_tip": ((_hand,),),
    }


@dataclass(frozen=True, eq=False)
class JointMap:
    """A linear map from the joints of one layout to those of another.

    Attributes:
        source: Layout of the input, V_src joints.
        target: Layout of the output, V_dst joints.
        matrix: (V_dst, V_src) float32; a row holds the weights of its sources (they sum to 1),
            or zeros for a joint without a source.
    """

    source: Layout
    target: Layout
    matrix: NDArray[np.float32]

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """Names of the target joints that have no source."""
        return tuple(
            joint
            for joint, weights in zip(self.target.joints, self.matrix, strict=True)
            if not weights.any()
        )

    def apply(self, keypoints: NDArray[Any]) -> NDArray[np.float32]:
        """Map poses.

        A joint whose confidence is 0 or whose numbers are not finite counts as missing. An
        average exists only where all its sources do, and its confidence is the smallest of
        theirs: half a pair of hips is no pelvis.

        Args:
            keypoints: (..., V_src, 4) x, y, z, confidence, or (..., V_src, 3) x, y, z with
                confidence 1 where the joint is finite and not all zeros.

        Returns:
            (..., V_dst, 4) float32 x, y, z, confidence; zeros where the joint is missing.

        Raises:
            InputError: The last two axes are not (V_src, 3) or (V_src, 4), or they are no numbers.
        """
        keypoints = pose_array(keypoints)
        joints = self.source.num_joints
        if keypoints.shape[-2:] not in ((joints, 3), (joints, 4)):
            raise InputError(
                f"poses of layout '{self.source.name}' must end in ({joints}, 3) or "
                f"({joints}, 4), got shape {keypoints.shape}"
            )
        present = np.isfinite(keypoints).all(-1)
        if keypoints.shape[-1] == 4:
            present &= keypoints[..., 3] != 0
            confidence = np.where(present, keypoints[..., 3], 0)
        else:
            present &= keypoints.any(-1)
            confidence = present.astype(np.float32)
        xyz = np.where(present[..., None], keypoints[..., :3], 0).astype(np.float32)

        # (..., V_dst): smallest confidence of the sources, which is 0 when one is missing.
        weakest = confidence[..., self._sources].min(-1)
        found = present[..., self._sources].all(-1) & self.matrix.any(-1)
        mapped = np.concatenate([self.matrix @ xyz, weakest[..., None]], axis=-1)
        return np.where(found[..., None], mapped, 0).astype(np.float32)

    @cached_property
    def _sources(self) -> NDArray[np.intp]:
        """(V_dst, K) indices of the sources of each joint, the first repeated to fill K."""
        used = self.matrix != 0
        order = np.argsort(~used, axis=1, kind="stable")[:, : max(1, int(used.sum(1).max()))]
        return np.where(np.take_along_axis(used, order, 1), order, order[:, :1])


def joint_map(source: str | Layout, target: str | Layout) -> JointMap:
    """Return the map from layout `source` to layout `target`, each a name or a `Layout`.

    Raises:
        InputError: A name is unknown.
    """
    return _build(
        get_layout(source) if isinstance(source, str) else source,
        get_layout(target) if isinstance(target, str) else target,
    )


@lru_cache(maxsize=64)
def _build(source: Layout, target: Layout) -> JointMap:
    rows = [_weights(name, source.common_names, ()) for name in target.common_names]
    empty = np.zeros(source.num_joints, dtype=np.float32)
    matrix = np.stack([empty if row is None else row for row in rows])
    matrix.flags.writeable = False
    return JointMap(source, target, matrix)


def _weights(
    name: str, available: tuple[str, ...], asked: tuple[str, ...]
) -> NDArray[np.float32] | None:
    """Weights (V_src,) of joint `name`; `asked` keeps the rules from going round in a circle."""
    if name in available:
        row = np.zeros(len(available), dtype=np.float32)
        row[available.index(name)] = 1
        return row
    for parts in () if name in asked else AVERAGES.get(name, ()):
        rows = [_weights(part, available, (*asked, name)) for part in parts]
        found = [row for row in rows if row is not None]
        if len(found) == len(rows):
            return np.asarray(np.mean(found, axis=0), dtype=np.float32)
    return None
