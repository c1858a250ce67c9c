"""Data-set keypoints to the joints of the network, with one code for how a joint was labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

import numpy as np

from converter import InputError
from training.bpnet.arrays import Array
from training.bpnet.pose_config import PoseConfig


class Visibility(IntEnum):
    """How a joint was labelled; the codes are those of the reference."""

    VISIBLE = 0
    ANNOTATABLE = 1
    OCCLUDED = 2
    TRUNCATED = 3
    NOT_LABELED = 4
    NOT_LABELED_IN_DATASET = 5


_CODES = {code.name.lower(): int(code) for code in Visibility}


def labelled(flags: Array) -> Array:
    """Which joints take part in training: visible, annotatable or occluded ones."""
    return flags <= Visibility.OCCLUDED


class KeypointMap:
    """Maps (P, V_src, 3) keypoints of a data set to (P, V, 3) joints of the network by name.

    Args:
        source_joints: Names of the data set's keypoints, in their order.
        pose: The network's joints; its `derived` joints are means of data-set joints.
        flag_values: The data set's visibility flags, e.g. {"visible": 2, "not_labeled": 0}.
        flag_meaning: What each of those names means here (a `Visibility` name in lower case).
        compat: Repeat the reference's derived joints, which are "visible" even where the joints
            that they are derived from were not labelled.

    Raises:
        InputError: No joint in common, or a flag with an unknown meaning.
    """

    def __init__(
        self,
        source_joints: Sequence[str],
        pose: PoseConfig,
        flag_values: Mapping[str, int],
        flag_meaning: Mapping[str, str],
        compat: bool = False,
    ) -> None:
        self.pose = pose
        self.compat = compat
        index = {joint: i for i, joint in enumerate(source_joints)}
        self._direct = [(i, index[j]) for i, j in enumerate(pose.joints) if j in index]
        self._derived = [
            (pose.joints.index(joint), [index[part] for part in parts])
            for joint, parts in pose.derived.items()
            if joint not in index and all(part in index for part in parts)
        ]
        if not self._direct:
            raise InputError(
                "the data set and the pose config share no joint: "
                f"{', '.join(source_joints)} / {', '.join(pose.joints)}"
            )
        self._flags = {}
        for name, value in flag_values.items():
            meaning = flag_meaning.get(name, name)
            if meaning not in _CODES:
                raise InputError(
                    f"visibility '{meaning}' is unknown; known are {', '.join(sorted(_CODES))}"
                )
            self._flags[value] = _CODES[meaning]

    def __call__(self, keypoints: Array) -> Array:
        """(P, V_src, 3) x, y, data-set flag -> (P, V, 3) x, y, `Visibility`, float64.

        Joints that the data set does not have are zeros with `NOT_LABELED_IN_DATASET`.
        """
        source = np.asarray(keypoints, np.float64).copy()
        raw_flags = keypoints[..., 2]
        source[..., 2] = Visibility.NOT_LABELED
        for value, code in self._flags.items():
            source[..., 2][raw_flags == value] = code
        joints = np.zeros((len(source), self.pose.num_joints, 3))
        joints[..., 2] = Visibility.NOT_LABELED_IN_DATASET
        for target, origin in self._direct:
            joints[:, target] = source[:, origin]
        for target, origins in self._derived:
            joints[:, target] = self._mean(source[:, origins])
        return joints

    def _mean(self, parts: Array) -> Array:
        """(P, n, 3) -> (P, 3): the mean place, as visible as the least visible part."""
        mean: Array = parts.mean(axis=1)
        mean[:, 2] = Visibility.VISIBLE if self.compat else parts[..., 2].max(axis=1)
        if not self.compat:
            mean[~labelled(mean[:, 2])] = 0, 0, Visibility.NOT_LABELED
        return mean
