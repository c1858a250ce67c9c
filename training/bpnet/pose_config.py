"""Joints and limbs of a 2D pose network, read from a `bpnet_18joints.json`-form file.

Every shape in this package follows from a `PoseConfig`: a file with other joints gives a network,
labels, post-processing and evaluation for those joints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from converter import InputError
from training.bpnet.arrays import Array

DEFAULT_POSE_CONFIG = Path(__file__).parent / "specs" / "bpnet_18joints.json"

_OPPOSITE = {"left": "right", "right": "left", "l": "r", "r": "l"}


@dataclass(frozen=True)
class PoseConfig:
    """Joints (V), limbs (K) and the channel layout of the network's outputs.

    Attributes:
        name: The file's `pose_config_type`.
        joints: V joint names in channel order.
        limbs: K pairs of 0-based joint indices (start, end); limb k owns PAF channels 2k, 2k+1.
        derived: Joints that a data set lacks, as the mean of joints that it has.
        document: The file as it was read, for the results that repeat it.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    derived: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def num_joints(self) -> int:
        """V, the number of joints."""
        return len(self.joints)

    @property
    def heatmap_channels(self) -> int:
        """V joints and one channel of background."""
        return self.num_joints + 1

    @property
    def paf_channels(self) -> int:
        """Two channels (x, y) per limb."""
        return 2 * len(self.limbs)

    @cached_property
    def topology(self) -> Array:
        """(K, 4): PAF channel of x, PAF channel of y, start joint, end joint."""
        limbs = np.asarray(self.limbs, np.int64).reshape(-1, 2)
        channels = np.arange(2 * len(limbs)).reshape(-1, 2)
        return np.concatenate([channels, limbs], axis=1)

    @cached_property
    def mirror(self) -> Array:
        """(V,): the joint that takes each joint's place when the image is flipped left to right."""
        index = {joint: i for i, joint in enumerate(self.joints)}
        return np.asarray([index[_opposite(joint)] for joint in self.joints], np.int64)

    @classmethod
    def load(cls, path: str | Path | None = None) -> PoseConfig:
        """Read a pose file; without a path, the 18 joints and 19 limbs of BodyPoseNet.

        Raises:
            InputError: The file cannot be read, or its joints and limbs do not fit together.
        """
        path = Path(path) if path else DEFAULT_POSE_CONFIG
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot read the pose config: {error}") from None
        return cls.from_document(document, source=str(path))

    @classmethod
    def from_document(cls, document: Any, source: str = "pose config") -> PoseConfig:
        """Build from the parsed file; see `load`."""
        category = person_category(document, source)
        joints = _joints(category, source)
        limbs = _limbs(category, joints, source)
        config = cls(
            name=str(document.get("pose_config_type", "custom")),
            joints=joints,
            limbs=limbs,
            derived=_derived(category, joints, source),
            document=document,
        )
        for joint in joints:
            if _opposite(joint) not in joints:
                raise InputError(
                    f"{source}: joint '{joint}' has no counterpart '{_opposite(joint)}'; "
                    "flipping an image needs both, add it or rename the joint"
                )
        return config


def person_category(document: Any, source: str) -> dict[str, Any]:
    """The `person` entry of a file in COCO's category form.

    Raises:
        InputError: There is none.
    """
    categories = document.get("categories") if isinstance(document, dict) else None
    if not isinstance(categories, list):
        raise InputError(f"{source}: key 'categories' with a list is missing")
    for category in categories:
        if isinstance(category, dict) and category.get("name") == "person":
            return category
    raise InputError(f"{source}: no category named 'person'")


def _joints(category: Mapping[str, Any], source: str) -> tuple[str, ...]:
    joints = category.get("keypoints")
    if not isinstance(joints, list) or not all(isinstance(joint, str) for joint in joints):
        raise InputError(f"{source}: 'keypoints' must be a list of joint names")
    if len(set(joints)) != len(joints) or not joints:
        raise InputError(f"{source}: 'keypoints' is empty or names a joint twice")
    declared = category.get("num_joints", len(joints))
    if declared != len(joints):
        raise InputError(f"{source}: num_joints is {declared} but {len(joints)} keypoints follow")
    return tuple(joints)


def _limbs(
    category: Mapping[str, Any], joints: Sequence[str], source: str
) -> tuple[tuple[int, int], ...]:
    skeleton = category.get("skeleton")
    if not isinstance(skeleton, list) or not skeleton:
        raise InputError(f"{source}: 'skeleton' must be a list of 1-based joint pairs")
    limbs = []
    for pair in skeleton:
        ends = tuple(pair) if isinstance(pair, list) else ()
        if len(ends) != 2 or not all(isinstance(e, int) and 1 <= e <= len(joints) for e in ends):
            raise InputError(
                f"{source}: skeleton entry {pair} is not a pair of joints 1..{len(joints)}"
            )
        limbs.append((ends[0] - 1, ends[1] - 1))
    names = category.get("skeleton_edge_names")
    if names is not None and names != [[joints[a], joints[b]] for a, b in limbs]:
        raise InputError(f"{source}: 'skeleton_edge_names' and 'skeleton' name different limbs")
    return tuple(limbs)


def _derived(
    category: Mapping[str, Any], joints: Sequence[str], source: str
) -> dict[str, tuple[str, ...]]:
    derived = category.get("derived_keypoints", {"neck": ["left_shoulder", "right_shoulder"]})
    if not isinstance(derived, dict) or not all(isinstance(v, list) for v in derived.values()):
        raise InputError(f"{source}: 'derived_keypoints' must map a joint to a list of joints")
    return {joint: tuple(parts) for joint, parts in derived.items() if joint in joints}


def _opposite(joint: str) -> str:
    return "_".join(_OPPOSITE.get(word, word) for word in joint.split("_"))
