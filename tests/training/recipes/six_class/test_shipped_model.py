"""The network that ships for `pose3d`, on the samples that ship; facts of all that ship."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter import ConvertConfig, network_input
from converter.deepstream import AnnotationJob
from tests.training.recipes.six_class.shipped import SAMPLES, Floats, Network, people, windows
from training.pose_classification.labels import read_labels
from training.recipes.six_class.rules import CLASSES


@pytest.fixture(scope="module")
def network() -> Network:
    return Network("3dbp")


@pytest.fixture(scope="module")
def segments() -> Floats:
    array: Floats = np.load(SAMPLES / "segments.npy")
    return array


@pytest.fixture(scope="module")
def truth() -> list[str]:
    return [CLASSES[label] for label in read_labels(SAMPLES / "segments.truth.json").ids]


def used(sequence: Floats) -> int:
    return int(np.flatnonzero(sequence.any(axis=(0, 2, 3)))[-1]) + 1


def test_segments_are_recognised(network: Network, segments: Floats, truth: list[str]) -> None:
    assert segments.shape == (12, 3, 300, 34, 1)
    assert network.answers(segments) == truth
    assert set(truth) == set(CLASSES)


def test_zeros_behind_change_nothing(network: Network, segments: Floats) -> None:
    padded = network.logits(segments)
    for index, sequence in enumerate(segments):
        alone = network.logits(sequence[None, :, : used(sequence)])
        np.testing.assert_allclose(alone[0], padded[index], atol=2e-4)


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.5])
def test_size_and_focal_length_do_not_matter(
    network: Network, segments: Floats, truth: list[str], scale: float
) -> None:
    right = np.mean([a == b for a, b in zip(network.answers(segments * scale), truth, strict=True)])
    assert right >= 11 / 12


def test_a_mirror_image_is_the_same_action(
    network: Network, segments: Floats, truth: list[str]
) -> None:
    from training.recipes.six_class.skeleton import LAYOUT

    order = np.arange(34)
    for left, right in LAYOUT.pairs:
        order[left], order[right] = right, left
    mirrored = segments[:, :, :, order] * np.array([-1, 1, 1], np.float32).reshape(1, 3, 1, 1, 1)
    same = np.mean([a == b for a, b in zip(network.answers(mirrored), truth, strict=True)])
    assert same >= 11 / 12


@pytest.mark.parametrize("length", [30, 60, 100])
def test_windows_of_one_action_are_recognised(network: Network, length: int) -> None:
    found = windows("pose3d", length, step=10)
    right = [
        network.answers(network_input(poses, ConvertConfig())[None]) == [action]
        for action, poses in found
    ]
    assert len(found) >= 8
    assert np.mean(right) >= 0.85


def test_most_frames_of_the_document_get_their_action(network: Network, tmp_path: Path) -> None:
    config = ConvertConfig(sequence_length=60, sequence_overlap=0.25)
    with AnnotationJob(SAMPLES / "walk_sit_getup.json", config, policy="dense") as job:
        for segment in job.segments():
            logits = network.logits(network_input(segment.keypoints, config)[None])
            job.assign(segment.index, int(logits.argmax()))
        job.write(tmp_path / "out.json", labels=list(CLASSES))
    got: dict[int, list[str]] = {}
    for record in json.loads((tmp_path / "out.json").read_text()):
        for frame in record["batches"]:
            for item in frame["objects"]:
                got.setdefault(item["object_id"], []).append(item["action"])
    hits = [
        answer == action
        for number, (_, actions) in people("pose3d").items()
        for answer, action in zip(got[number], actions, strict=True)
    ]
    assert np.mean(hits) > 0.75
    assert next(iter(got[0])) == "walking"
    assert {"sitting_down", "sitting", "getting_up", "standing"} <= set(got[0])


@pytest.mark.parametrize("pose_type", ["3dbp", "25dbp", "2dbp"])
def test_facts_beside_the_network_agree_with_it(pose_type: str) -> None:
    network = Network(pose_type)
    sidecar: dict[str, Any] = json.loads((network.folder / "1" / "model.json").read_text())
    content = (network.folder / "1" / "model.onnx").read_bytes()
    assert sidecar["onnx_sha256"] == hashlib.sha256(content).hexdigest()
    assert len(content) < 15e6
    assert sidecar["classes"] == list(CLASSES)
    assert (network.folder / "labels.txt").read_text().split() == list(CLASSES)
    assert (sidecar["layout"], sidecar["pose_type"], sidecar["padding"]) == (
        "nvidia",
        pose_type,
        "mask",
    )
    assert sidecar.get("fit_picture", False) == (pose_type != "3dbp")
    assert 0.1 < sidecar["temperature"] < 10
    facts = network.session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == sidecar["classes"]
    assert facts["train_digest"] == sidecar["train_digest"]


def test_the_samples_say_where_they_come_from() -> None:
    with (SAMPLES / "walk_sit_getup.json").open() as file:
        first = file.readline()
    assert "HDM05" in json.loads(first.lstrip("[").rstrip(",\n"))["producer"]
    text = (SAMPLES / "README.md").read_text()
    assert "The data used in this project was obtained from HDM05" in text
    assert "ShareAlike 3.0" in (SAMPLES / "LICENSE").read_text()
    sizes = {path.name: path.stat().st_size for path in SAMPLES.iterdir()}
    assert sizes["segments.npy"] < 2e6
    assert sizes["walk_sit_getup.json"] < 3e6
