"""Poses made so that the tiny network's logits are known to the last printed digit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from converter import ConvertConfig
from scripts.embedded_triton import EmbeddedTriton
from tests.tiny_network import JOINTS

# One mean position (x, y, z) a class, in the order of CLASSES: it makes that class the likeliest.
POSITIONS = np.array(
    [[1, -1, 0.5], [-1, 1, 1], [1, -0.5, -1], [0.5, 1, -0.5], [-1, 0.5, 0.25], [0.5, -1.5, -0.25]]
)
FOCAL_LENGTH = ConvertConfig.focal_length

# How to reach a server: the flags but -u, and whether that is its gRPC port.
WAYS = {
    "http": [],
    "http-async": ["-a"],
    "grpc": ["-i", "grpc"],
    "grpc-async": ["-i", "grpc", "--async"],
    "grpc-stream": ["-i", "grpc", "--streaming"],
}


def flags_of(way: str, server: EmbeddedTriton) -> list[str]:
    return [*WAYS[way], "-u", server.grpc_url if "grpc" in way else server.http_url]


def clips(classes: Sequence[int], frames: int = 300) -> NDArray[np.float32]:
    """Normalised sequences (N, 3, T, 34, 1), one of each class."""
    means = POSITIONS[list(classes)][:, :, np.newaxis, np.newaxis, np.newaxis]
    return np.broadcast_to(means, (len(classes), 3, frames, JOINTS, 1)).astype(np.float32)


def keypoints(classes: Sequence[int], frames: int = 20) -> NDArray[np.float32]:
    """Raw keypoints (N, T, 34, 4) in mm that normalise to sequences of the same means.

    The pelvis normalises to zero, so the other joints are that much farther out.
    """
    poses = np.ones((len(classes), frames, JOINTS, 4), np.float32)
    poses[..., :3] = (100.0, -200.0, 3000.0)
    others = POSITIONS[list(classes)] * FOCAL_LENGTH * JOINTS / (JOINTS - 1)
    poses[:, :, 1:, :3] += others[:, np.newaxis, np.newaxis]
    return poses


def document(tracks: dict[int, Sequence[int]]) -> list[dict[str, Any]]:
    """What DeepStream would save of people, each given by the class of every frame."""
    poses = {person: keypoints(classes, frames=1)[:, 0] for person, classes in tracks.items()}
    records = []
    for frame in range(max(map(len, poses.values()))):
        objects = [
            {"object_id": person, "pose3d": track[frame].ravel().astype(float).tolist()}
            for person, track in poses.items()
            if frame < len(track)
        ]
        batch = {"batch_id": 0, "frame_num": frame, "num_obj_meta": len(objects)}
        batch |= {"ntp_timestamp": 10**9 * frame, "objects": objects}
        records.append({"num_frames_in_batch": 1, "batches": [batch]})
    return records


def actions(path: Path) -> dict[int, list[str]]:
    """The action of every frame of every person in a ``results.json``."""
    found: dict[int, list[str]] = {}
    for record in orjson.loads(path.read_bytes()):
        for item in record["batches"][0]["objects"]:
            found.setdefault(item["object_id"], []).append(item["action"])
    return found
