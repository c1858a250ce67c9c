"""Small files in the form of the three data sets, of drawn people."""

import json
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import get_layout
from tests.training.recipes.six_class.figures import person, ramp
from training.recipes.six_class.body import complete
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.skeleton import JOINT

STANDING = ramp((0, 0, 60))
DOWN = ramp((0, 0, 20), (0, 0.6, 20), (0.6, 0.6, 25))
SQUAT = ramp((0, 0, 12), (0, 0.6, 20), (0.6, 0, 20), (0, 0, 12))
BEND = ramp((0, 0.3, 15), (0.3, 0, 15))
HOP = np.tile(ramp((0, 0.15, 6), (0.15, 0, 6)), 3)


def raw(motion: Motion, layout: str, unit: float) -> NDArray[np.float32]:
    """A motion (T, 34, 4) in a source's own joints, unit (in mm) and axes: (T, V, 3), y up."""
    names = get_layout(layout).common_names
    same = {"thorax": "neck", "head": "nose", "left_mid_forearm": "left_wrist"}
    joints = []
    for name in names:
        name = same.get(name, name)
        if name not in JOINT:
            side = "left_" if name.startswith(("left", "l")) else "right_"
            name = (
                f"{side}ankle" if "foot" in name else f"{side}wrist" if "hand" in name else "neck"
            )
        joints.append(JOINT[name])
    return complete(motion)[:, joints, :3] / unit * np.array([-1, -1, 1], np.float32)


def walk(frames: int) -> Motion:
    """Someone who comes nearer, one leg swinging."""
    motion = person(np.zeros(frames), forward=np.arange(frames) * 35.0)
    swing = 300 * np.sin(np.arange(frames) / 4)
    for side, sign in (("left", 1), ("right", -1)):
        motion[:, JOINT[f"{side}_ankle"], 2] += sign * swing
        motion[:, JOINT[f"{side}_knee"], 2] += sign * swing / 2
    return motion


def write_sources(folder: Path) -> None:
    """Write the three files."""
    half = slice(None, None, 2)
    with zipfile.ZipFile(folder / "nw_ucla_json.zip", "w") as archive:
        for subject in range(1, 11):
            for code, motion in (
                ("a04", walk(60)),
                ("a05", person(DOWN)),
                ("a06", person(DOWN[::-1])),
                ("a01", person(BEND)),
            ):
                name = f"{code}_s{subject:02}_e00_v01"
                skeletons = raw(motion[half], "kinect-v1", 1000).tolist()
                text = json.dumps({"file_name": name, "skeletons": skeletons})
                archive.writestr(f"nw_ucla/{name}.json", text)
    kinect = {
        f"s{subject:02}_e01_{action}": raw(motion[half], "kinect-v1", 1000)
        for subject in range(1, 11)
        for action, motion in (
            ("walk", walk(60)),
            ("sitDown", person(DOWN)),
            ("standUp", person(DOWN[::-1])),
            ("waveHands", person(STANDING)),
        )
    }
    _save(folder / "utkinect.npz", kinect)
    mocap = {
        f"HDM_{subject}_{action}_{take:03}_120": raw(motion, "hdm05", 25.4)
        for subject in ("bd", "bk", "dg", "mm", "tr")
        for take in range(1, 7)
        for action, motion in (
            ("hopBothLegs1hops", person(HOP)),
            ("jogLeftCircle4StepsRstart", walk(50)),
            ("squat1Reps", person(SQUAT)),
            ("lieDownFloor", person(DOWN)),
            ("grabHighR", person(STANDING)),
        )
    }
    _save(folder / "hdm05_11_30hz.npz", mocap, bones=np.array(get_layout("hdm05").joints))


def _save(path: Path, sequences: dict[str, NDArray[np.float32]], **more: NDArray[np.str_]) -> None:
    lengths = [len(frames) for frames in sequences.values()]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    frames = np.concatenate(list(sequences.values()))
    np.savez(path, frames=frames, offsets=offsets, names=np.array(list(sequences)), **more)
