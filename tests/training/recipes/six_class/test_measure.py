"""What a network is worth."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.recipes.six_class.figures import person
from tests.training.recipes.six_class.sources import write_sources
from training.pose_classification.metrics import calibration_error, softmax
from training.recipes.six_class.body import complete
from training.recipes.six_class.measure import (
    as_kinect,
    fit_temperature,
    logits_of,
    sensor_cue,
)
from training.recipes.six_class.skeleton import JOINT
from training.recipes.six_class.sources import read_clips


class Constant:
    """A network that knows one answer, and remembers what it was asked."""

    temperature = 1.0

    def __init__(self, answer: int) -> None:
        self.answer, self.shapes = answer, []

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        self.shapes.append(sequences.shape)
        logits = np.zeros((len(sequences), 6), np.float32)
        logits[:, self.answer] = 1
        return logits


def test_padding_is_not_computed() -> None:
    sequences = np.zeros((20, 3, 300, 34, 1), np.float32)
    sequences[:, :, :40] = 1
    sequences[3, :, :55] = 1
    network = Constant(0)
    assert logits_of(network, sequences).shape == (20, 6)
    assert [shape[2] for shape in network.shapes] == [55, 40]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20000, 6)).astype(np.float32) * 3
    chances = softmax(logits, temperature).cumsum(axis=1)
    truth = (rng.random((len(logits), 1)) > chances).sum(axis=1)
    found = fit_temperature(logits, truth)
    assert found == pytest.approx(temperature, rel=0.05)
    assert calibration_error(softmax(logits, found), truth) < 0.02


def test_a_kinect_sees_fewer_joints_with_noise() -> None:
    motion = complete(person(np.zeros(41)))
    seen = as_kinect(motion, np.random.default_rng(0))
    assert seen.shape == motion.shape
    assert (seen[:, JOINT["left_heel"]] == 0).all()
    error = (seen - motion)[:, JOINT["left_knee"], :3]
    assert 10 < error.std() < 20


@pytest.mark.parametrize(("answer", "share"), [(5, 1.0), (3, 0.0)])
def test_the_sensor_check_covers_both_sensors(tmp_path: Path, answer: int, share: float) -> None:
    write_sources(tmp_path)
    checks = sensor_cue(Constant(answer), read_clips(tmp_path), "3dbp")
    assert {check.jumping for check in checks} == {share}
    assert {check.what.split(":")[0] for check in checks} == {
        "Kinect",
        "motion capture",
        "motion capture as of a Kinect",
    }
    counts = {check.what: check.clips for check in checks}
    assert counts["motion capture: jumping"] == 12
    assert "Kinect: jumping" not in counts
