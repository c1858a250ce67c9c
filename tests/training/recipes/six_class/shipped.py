"""The networks that ship, by ONNX Runtime, and the people in the document that ships."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.pose_classification.serving import network_name
from training.recipes.six_class.rules import CLASSES

ROOT = Path(__file__).parents[4]
SAMPLES = ROOT / "samples"
Floats = NDArray[np.float32]


class Network:
    """A network that ships; answers for sequences (N, C, T, 34, 1)."""

    def __init__(self, pose_type: str) -> None:
        self.folder = ROOT / "model_repository" / network_name(pose_type)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(self.folder / "1" / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def logits(self, sequences: Floats) -> Floats:
        (logits,) = self.session.run(["fc_pred"], {"input": np.ascontiguousarray(sequences)})
        result: Floats = logits
        return result

    def answers(self, sequences: Floats) -> list[str]:
        return [CLASSES[best] for best in self.logits(sequences).argmax(axis=1)]


def people(key: str) -> dict[int, tuple[Floats, list[str]]]:
    """Poses (T, 34, 4) under a key and actions by frame of everybody in the sample document."""
    document = json.loads((SAMPLES / "walk_sit_getup.json").read_text())
    actions = json.loads((SAMPLES / "walk_sit_getup.truth.json").read_text())["objects"]
    poses: dict[int, list[list[float]]] = {}
    for record in document:
        for frame in record["batches"]:
            for item in frame["objects"]:
                poses.setdefault(item["object_id"], []).append(item[key])
    return {
        number: (
            np.array(flat, np.float32).reshape(-1, 34, 4),
            [
                run["action"]
                for run in actions[str(number)]
                for _ in range(run["first_frame"], run["last_frame"] + 1)
            ],
        )
        for number, flat in poses.items()
    }


def windows(key: str, length: int, step: int) -> list[tuple[str, Floats]]:
    """Action and poses (length, 34, 4) of stretches in which somebody does one thing."""
    return [
        (actions[start], poses[start : start + length])
        for poses, actions in people(key).values()
        for start in range(0, len(poses) - length + 1, step)
        if len(set(actions[start : start + length])) == 1
    ]
