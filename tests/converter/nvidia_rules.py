"""NVIDIA's way from a DeepStream document to arrays and back, restated word for word and slowly.

This follows the description of `dataset_convert` and of the pose classification client: one pose,
one joint, one number at a time. It exists to be compared with.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Settings:
    pose_type: str = "3dbp"
    num_joints: int = 34
    frame_width: int = 1920
    frame_height: int = 1080
    focal_length: float = 1200.0
    sequence_length_max: int = 300
    sequence_length_min: int = 10
    sequence_length: int = 100
    sequence_overlap: float = 0.5


def normalised_pose(person: dict[str, Any], settings: Settings) -> list[list[float]]:
    """One pose as a list of joints, each a list of channels."""
    flat = person["pose3d" if settings.pose_type == "3dbp" else "pose25d"]
    assert settings.num_joints == len(flat) // 4
    joints = []
    for joint in range(settings.num_joints):
        a, b, c, confidence = flat[4 * joint : 4 * joint + 4]
        if settings.pose_type == "3dbp":
            channels = [
                (value - root) / settings.focal_length
                for value, root in zip((a, b, c), flat[:3], strict=True)
            ]
        else:
            channels = [a / settings.frame_width - 0.5, b / settings.frame_height - 0.5]
            if settings.pose_type == "25dbp":
                channels.append(c)
        joints.append([0.0] * len(channels) if confidence == 0.0 else channels)
    return joints


def collect(document: list[Any], settings: Settings) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """The normalised poses and the frame numbers of each object id, in the order of the file."""
    poses: dict[Any, list[Any]] = {}
    frames: dict[Any, list[int]] = {}
    for record in document:
        assert record["num_frames_in_batch"] == len(record["batches"])
        for frame in record["batches"]:
            for person in frame["objects"]:
                poses.setdefault(person["object_id"], []).append(normalised_pose(person, settings))
                frames.setdefault(person["object_id"], []).append(frame["frame_num"])
    return poses, frames


def segments(
    poses: dict[Any, Any], frames: dict[Any, Any], settings: Settings
) -> tuple[list[NDArray[np.float32]], dict[tuple[Any, int], int]]:
    """Arrays (1, C, T, V, 1), object by object; segment of each (object id, frame number)."""
    step = int(settings.sequence_length * settings.sequence_overlap)
    channels = 2 if settings.pose_type == "2dbp" else 3
    arrays: list[NDArray[np.float32]] = []
    assigned: dict[tuple[Any, int], int] = {}
    for object_id, track in poses.items():
        start = 0
        while len(track) - start >= settings.sequence_length_min:
            end = min(start + settings.sequence_length, len(track))
            shape = (1, channels, settings.sequence_length_max, settings.num_joints, 1)
            sequence = np.zeros(shape, dtype=np.float32)
            for frame in range(start, end):
                sequence[0, :, frame - start, :, 0] = np.array(track[frame]).T
            if end - start > step:
                for frame in range(start + step, end):
                    assigned[object_id, frames[object_id][frame]] = len(arrays)
            arrays.append(sequence)
            start += step
    return arrays, assigned


def convert(document: list[Any], settings: Settings) -> tuple[list[NDArray[np.float32]], list[Any]]:
    """The arrays, and the document with `segment_id`."""
    arrays, assigned = segments(*collect(document, settings), settings)
    for record in document:
        for frame in record["batches"]:
            frame.pop("num_obj_meta", None)
            for person in frame["objects"]:
                key = person["object_id"], frame["frame_num"]
                person["segment_id"] = assigned.get(key, -1)
                person["action"] = ""
    return arrays, document


def label(document: list[Any], segment_id: int, action: str) -> None:
    """Give the result of one segment to its frames: a scan of the whole document."""
    for record in document:
        for frame in record["batches"]:
            for person in frame["objects"]:
                if person["segment_id"] == segment_id:
                    person["action"] = action


def annotate(
    source: Path, target: Path, settings: Settings, classify: Callable[[NDArray[np.float32]], str]
) -> None:
    """The whole way; `classify` names the action of one sequence (C, T, V, 1)."""
    document = json.loads(source.read_text())
    arrays, document = convert(document, settings)
    for segment_id, sequence in enumerate(np.concatenate(arrays, axis=0)):
        label(document, segment_id, classify(sequence))
    for record in document:
        for frame in record["batches"]:
            for person in frame["objects"]:
                del person["segment_id"]
    with target.open("w") as file:
        json.dump(document, file, sort_keys=True, indent=2, ensure_ascii=False)
