"""The networks that ship for poses in a picture, on the document that ships, by ONNX Runtime."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from converter import ConvertConfig, network_input
from training.recipes.six_class.folders import network_name
from training.recipes.six_class.rules import CLASSES

ROOT = Path(__file__).parents[4]
SAMPLES = ROOT / "samples"
EACH = pytest.mark.parametrize("pose_type", ["2dbp", "25dbp"])
Window = tuple[str, NDArray[np.float32]]


def folder(pose_type: str) -> Path:
    return ROOT / "model_repository" / network_name(pose_type) / "1"


def answers(pose_type: str, poses: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Logits (N, 6) of pixels (T, 34, 4)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder(pose_type) / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    config = ConvertConfig(pose_type=pose_type)
    batch = np.stack([network_input(window, config) for window in poses])
    return np.asarray(session.run(["fc_pred"], {"input": batch})[0], np.float32)


@pytest.fixture(scope="module")
def windows() -> list[Window]:
    """Action and pose25d (60, 34, 4) of stretches in which somebody does one thing."""
    truth = json.loads((SAMPLES / "walk_sit_getup.truth.json").read_text())["objects"]
    poses: dict[tuple[str, int], list[float]] = {}
    for record in json.loads((SAMPLES / "walk_sit_getup.json").read_text()):
        for frame in record["batches"]:
            for item in frame["objects"]:
                poses[str(item["object_id"]), frame["frame_num"]] = item["pose25d"]

    def window(number: str, start: int) -> NDArray[np.float32]:
        frames = [poses[number, frame] for frame in range(start, start + 60)]
        return np.array(frames, np.float32).reshape(60, 34, 4)

    return [
        (run["action"], window(number, start))
        for number, runs in truth.items()
        for run in runs
        for start in range(run["first_frame"], run["last_frame"] - 58, 20)
    ]


@EACH
def test_windows_of_one_action_are_recognised(pose_type: str, windows: list[Window]) -> None:
    best = answers(pose_type, [poses for _, poses in windows]).argmax(axis=1)
    right = [CLASSES[i] == action for i, (action, _) in zip(best, windows, strict=True)]
    assert len(windows) >= 15
    assert np.mean(right) >= 0.85


@EACH
def test_place_and_size_in_the_picture_do_not_matter(pose_type: str, windows: list[Window]) -> None:
    moved = []
    for _, poses in windows:
        far = poses.copy()
        far[..., :2] = 0.1 * poses[..., :2] + [1600, 40]
        moved.append(far)
    logits = answers(pose_type, [poses for _, poses in windows])
    np.testing.assert_allclose(answers(pose_type, moved), logits, atol=0.02)


@EACH
def test_facts_beside_the_network_agree_with_it(pose_type: str) -> None:
    facts = json.loads((folder(pose_type) / "model.json").read_text())
    content = (folder(pose_type) / "model.onnx").read_bytes()
    assert facts["onnx_sha256"] == hashlib.sha256(content).hexdigest()
    assert (facts["pose_type"], facts["padding"], facts["fit_picture"]) == (pose_type, "mask", True)
    assert facts["classes"] == list(CLASSES)
