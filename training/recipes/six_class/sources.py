"""Read the three motion data sets as clips in one form: nvidia joints, millimetres, 30 Hz.

The form is DeepStream's ``pose3d``: x right, y down, z forward, seen by a level camera. All
three sets are right-handed with y up, so turning by 180 degrees about z brings them there
without mirroring anybody. What each file needs besides:

========== ======== ======= ====================================================================
source     unit     rate    remark
========== ======== ======= ====================================================================
nw_ucla    metre    15 Hz   Kinect v1, camera looks down by about 10 degrees. No rate is
                            published; walkers make 0.14 steps and 0.07 m a frame, which is an
                            ordinary walk (2 steps, 1 m a second) at 15 Hz and a sprint at 30.
utkinect   metre    15 Hz   Kinect v1, camera looks down by about 5 degrees
hdm05      inch     30 Hz   optical motion capture, level
========== ======== ======= ====================================================================

Frames between which the pelvis jumps (``TELEPORT``) belong to another person or take: the clip
is cut in two there.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import InputError, joint_map
from training.recipes.six_class.motion import Motion, resample
from training.recipes.six_class.rules import RATE

NW_UCLA = {"a04": "walk", "a05": "sit_down", "a06": "stand_up"}
UTKINECT = {"walk": "walk", "sitDown": "sit_down", "standUp": "stand_up"}
HDM05 = {
    "hopBothLegs1hops": "hop",
    "jogLeftCircle4StepsRstart": "jog",
    "sneak2StepsLStart": "sneak",
    "squat1Reps": "squat",
    "lieDownFloor": "lie_down",
}
KINECT_RATE = 15.0
TELEPORT = 7.5
"""Metres a second that no pelvis travels here."""


@dataclass(frozen=True)
class Clip:
    """One person doing one action.

    Attributes:
        source: ``nw_ucla``, ``utkinect`` or ``hdm05``.
        name: name in the source, with ``.N`` for the parts of a clip that was cut.
        subject: name of the person in the source.
        action: what the source says is done; ``other`` where the recipe has no use for it.
        motion: ``(T, 34, 4)`` float32 (x, y, z in mm, confidence 0 or 1) at 30 Hz.
    """

    source: str
    name: str
    subject: str
    action: str
    motion: Motion


def read_clips(folder: Path) -> list[Clip]:
    """Read all clips that the recipe uses from the three files in ``folder``.

    Raises:
        InputError: a file is missing.
    """
    for name in FILES:
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no such file; --data must name its folder")
    return [clip for name, read in FILES.items() for clip in read(folder / name)]


def read_nw_ucla(path: Path) -> Iterator[Clip]:
    """Yield the walk around, sit down and stand up clips of Northwestern-UCLA."""
    with zipfile.ZipFile(path) as archive:
        for member in sorted(archive.namelist()):
            match = re.fullmatch(r".*/((a\d\d)_(s\d\d)_e\d\d_v\d\d)\.json", member)
            if match is None or match[2] not in NW_UCLA:
                continue
            frames = np.asarray(json.loads(archive.read(member))["skeletons"], np.float32)
            yield from _kinect("nw_ucla", match[1], match[3], NW_UCLA[match[2]], frames, pitch=10.0)


def read_utkinect(path: Path) -> Iterator[Clip]:
    """Yield all clips of UTKinect-Action3D."""
    with np.load(path, allow_pickle=False) as file:
        for name, frames in _sequences(file["names"], file["frames"], file["offsets"]):
            subject, _, action = name.split("_")
            yield from _kinect(
                "utkinect", name, subject, UTKINECT.get(action, "other"), frames, pitch=5.0
            )


def read_hdm05(path: Path) -> Iterator[Clip]:
    """Yield all clips of the eleven-action cut of HDM05."""
    with np.load(path, allow_pickle=False) as file:
        for name, frames in _sequences(file["names"], file["frames"], file["offsets"]):
            _, subject, action, _, _ = name.split("_")
            motion = joint_map("hdm05", "nvidia").apply(camera_frame(frames * 25.4))
            yield Clip("hdm05", name, subject, HDM05.get(action, "other"), motion)


FILES = {
    "nw_ucla_json.zip": read_nw_ucla,
    "utkinect.npz": read_utkinect,
    "hdm05_11_30hz.npz": read_hdm05,
}


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


def _kinect(
    source: str, name: str, subject: str, action: str, frames: NDArray[np.float32], pitch: float
) -> Iterator[Clip]:
    step = np.linalg.norm(np.diff(frames[:, 0], axis=0), axis=1)
    bounds = [0, *(np.flatnonzero(step > TELEPORT / KINECT_RATE) + 1).tolist(), len(frames)]
    for number, (start, end) in enumerate(pairwise(bounds)):
        points = camera_frame(frames[start:end] * 1000, pitch)
        motion = resample(joint_map("kinect-v1", "nvidia").apply(points), RATE / KINECT_RATE)
        part = name if len(bounds) == 2 else f"{name}.{number}"
        yield Clip(source, part, subject, action, motion)


def _sequences(
    names: NDArray[np.str_], frames: NDArray[np.float32], offsets: NDArray[np.int32]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for name, start, end in zip(names, offsets, offsets[1:], strict=False):
        yield str(name), frames[start:end]
