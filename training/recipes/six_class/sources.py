"""The three motion data sets as clips in one form: nvidia joints, millimetres, 30 Hz.

The form is DeepStream's ``pose3d``: x right, y down, z forward, seen by a level camera. All
three sets are right-handed with y up, so turning by 180 degrees about z brings them there
without mirroring anybody.

No frame rate is published for NW-UCLA. Its walkers make 0.14 steps and 0.07 m a frame: an
ordinary walk (2 steps and 1 m a second) at 15 Hz, a sprint at 30.

Frames between which the pelvis jumps (``TELEPORT``) belong to another person or take: a clip is
cut in two there. Frames that lack a joint are left out.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import InputError, joint_map
from converter.resample import NETWORK_RATE
from training.pose_classification.importers.clips import Source
from training.pose_classification.importers.hdm05 import open_hdm05
from training.pose_classification.importers.nw_ucla import open_nw_ucla
from training.pose_classification.importers.utkinect import open_utkinect
from training.recipes.six_class.motion import Motion, resample

TELEPORT = 7.5
"""Metres a second that no pelvis travels here."""


@dataclass(frozen=True)
class DataSet:
    """A data set and what must be known to use it.

    Attributes:
        file: its file.
        open: its importer.
        unit: millimetres of its unit of length.
        rate: frames a second.
        pitch: degrees by which its camera looks down.
        actions: `Clip.action` by its own name.
        subject: place of the person in the names of its clips, split at ``_``.
    """

    file: str
    open: Callable[[Path, str | None], Source]
    unit: float
    rate: float
    pitch: float
    actions: Mapping[str, str] = field(repr=False)
    subject: int


DATA_SETS = {
    "nw_ucla": DataSet(
        "nw_ucla_json.zip",
        open_nw_ucla,
        unit=1000.0,
        rate=15.0,
        pitch=10.0,
        actions={"walk_around": "walk", "sit_down": "sit_down", "stand_up": "stand_up"},
        subject=1,
    ),
    "utkinect": DataSet(
        "utkinect.npz",
        open_utkinect,
        unit=1000.0,
        rate=15.0,
        pitch=5.0,
        actions={"walk": "walk", "sitDown": "sit_down", "standUp": "stand_up"},
        subject=0,
    ),
    "hdm05": DataSet(
        "hdm05_11_30hz.npz",
        open_hdm05,
        unit=25.4,
        rate=30.0,
        pitch=0.0,
        actions={
            "hopBothLegs1hops": "hop",
            "jogLeftCircle4StepsRstart": "jog",
            "sneak2StepsLStart": "sneak",
            "squat1Reps": "squat",
            "lieDownFloor": "lie_down",
        },
        subject=1,
    ),
}


@dataclass(frozen=True)
class Clip:
    """One person doing one action.

    Attributes:
        source: key of `DATA_SETS`.
        name: name in the data set, with ``.N`` for the parts of a clip that was cut.
        subject: name of the person in the data set.
        action: what the data set says is done, in the recipe's words; ``other`` where it has none.
        label: what the data set says is done, in its own words.
        motion: ``(T, 34, 4)`` float32 (x, y, z in mm, confidence 0 or 1) at 30 Hz.
    """

    source: str
    name: str
    subject: str
    action: str
    label: str
    motion: Motion


def read_clips(folder: Path, *sources: str) -> Iterator[Clip]:
    """Yield the clips of all data sets, or of some.

    Args:
        folder: where their files are.
        sources: keys of `DATA_SETS`; none: all of them.

    Raises:
        InputError: a file is missing or is not what it should be.
    """
    for source in sources or DATA_SETS:
        data_set = DATA_SETS[source]
        path = folder / data_set.file
        if not path.is_file():
            raise InputError(f"{path}: no such file; --data must name its folder")
        opened = data_set.open(path, None if source != "nw_ucla" else "none")
        mapping = joint_map(opened.layout, "nvidia")
        for clip in opened.clips:
            action = data_set.actions.get(clip.label, "other")
            subject = clip.name.split("_")[data_set.subject]
            poses = clip.poses[:, 0]
            poses = poses[(poses[..., 3] > 0).all(axis=1)]
            poses[..., :3] = camera_frame(poses[..., :3] * data_set.unit, data_set.pitch)
            parts = list(_cut(poses, data_set.rate))
            for number, part in enumerate(parts):
                motion = resample(mapping.apply(part), NETWORK_RATE / data_set.rate)
                name = clip.name if len(parts) == 1 else f"{clip.name}.{number}"
                yield Clip(source, name, subject, action, clip.label, motion)


def camera_frame(points: NDArray[np.float32], pitch: float = 0.0) -> NDArray[np.float32]:
    """Turn points (..., 3) from y up into a level camera's frame: x right, y down, z forward.

    Args:
        points: right-handed, y up.
        pitch: degrees by which the camera that took them looks down.
    """
    cos, sin = np.cos(np.deg2rad(pitch)), np.sin(np.deg2rad(pitch))
    level = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]], np.float32)
    result: NDArray[np.float32] = points @ level.T * np.array([-1, -1, 1], np.float32)
    return result


def _cut(poses: NDArray[np.float32], rate: float) -> Iterator[NDArray[np.float32]]:
    """Yield the stretches (T, V, 4) between which the first joint, the pelvis, jumps."""
    step = np.linalg.norm(np.diff(poses[:, 0, :3], axis=0), axis=1) / 1000
    bounds = [0, *(np.flatnonzero(step > TELEPORT / rate) + 1).tolist(), len(poses)]
    for start, end in pairwise(bounds):
        if end > start:
            yield poses[start:end]
