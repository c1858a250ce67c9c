import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.pose_classification.metrics import (
    calibration_error,
    confusion_matrix,
    evaluate_logits,
    softmax,
    top_k_accuracy,
)

TRUTH = np.array([0, 0, 0, 1, 1, 2, 2, 2])
ANSWERS = np.array([0, 0, 1, 1, 2, 2, 2, 2])


def logits_for(answers: np.ndarray, classes: int) -> np.ndarray:
    """The answer first, then the other classes in the order of their ids."""
    logits = np.tile(-np.arange(classes, dtype=np.float32), (len(answers), 1))
    logits[np.arange(len(answers)), answers] = 1
    return logits


def test_confusion_rows_are_the_truth():
    counts = confusion_matrix(TRUTH, ANSWERS, 4)
    assert counts.tolist() == [[2, 1, 0, 0], [0, 1, 1, 0], [0, 0, 3, 0], [0, 0, 0, 0]]


def test_figures_by_hand():
    metrics = evaluate_logits(logits_for(ANSWERS, 4), TRUTH)
    np.testing.assert_allclose(metrics.class_accuracy, [2 / 3, 1 / 2, 1, 0])
    assert metrics.accuracy == 6 / 8
    # TAO divides by the number of classes, though class 3 has no sequence.
    assert metrics.average_accuracy == pytest.approx((2 / 3 + 1 / 2 + 1 + 0) / 4)
    np.testing.assert_allclose(metrics.class_f1, [4 / 5, 2 / 4, 6 / 7, 0])
    # Sequence 2 answers 1 before 0, sequence 4 answers 2, 0, 1.
    assert metrics.top_k == {1: 6 / 8, 3: 1.0}
    assert evaluate_logits(logits_for(ANSWERS, 3), TRUTH).top_k == {1: 6 / 8}, "3 of 3 says nothing"


def test_top_k_by_hand():
    logits = np.array([[3, 2, 1, 0], [0, 1, 2, 3]], dtype=np.float32)
    truth = np.array([1, 0])
    assert [top_k_accuracy(logits, truth, k) for k in (1, 2, 3, 4)] == [0, 0.5, 0.5, 1]


@given(st.integers(0, 1000), st.integers(2, 7))
def test_top_1_is_the_accuracy_even_with_ties(seed, classes):
    rng = np.random.default_rng(seed)
    logits = rng.integers(0, 3, (20, classes)).astype(np.float32)
    truth = rng.integers(0, classes, 20)
    metrics = evaluate_logits(logits, truth)
    assert metrics.top_k[1] == pytest.approx(metrics.accuracy)
    assert sorted(metrics.top_k.values()) == [metrics.top_k[k] for k in sorted(metrics.top_k)]


def test_softmax():
    probability = softmax(np.array([[0, np.log(3)], [1000, 0]], dtype=np.float32))
    np.testing.assert_allclose(probability, [[0.25, 0.75], [1, 0]], atol=1e-7)
    np.testing.assert_allclose(
        softmax(np.array([[0, 2 * np.log(3)]]), temperature=2), [[0.25, 0.75]]
    )


def test_calibration_error_by_hand():
    # Two answers at 0.9, one right: gap 0.4. Two at 0.6, both right: gap 0.4.
    probability = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert calibration_error(probability, np.array([0, 1, 0, 0])) == pytest.approx(0.4)
    assert calibration_error(np.eye(3), np.arange(3)) == 0


@pytest.mark.parametrize(
    ("confidence", "error"),
    [([0.935, 1.0], (1.0 - 0.065) / 2), ([0.935, 0.93], (0.93 + 0.065) / 2)],
    ids=["one bin", "parted at 14/15"],
)
def test_calibration_error_has_fifteen_bins(confidence, error):
    # The first answer is right, the second wrong; in one bin the gaps are added before their size.
    probability = np.array([[share, 1 - share] for share in confidence])
    assert calibration_error(probability, np.array([0, 1])) == pytest.approx(error)


def test_temperature_changes_calibration_only():
    logits = 10 * logits_for(ANSWERS, 3)
    sharp, soft = (evaluate_logits(logits, TRUTH, t) for t in (1.0, 8.0))
    assert sharp.calibration_error != soft.calibration_error
    assert sharp.accuracy == soft.accuracy
    assert soft.as_dict(["a", "b", "c"])["temperature"] == 8.0


def test_as_dict_is_json():
    report = json.loads(json.dumps(evaluate_logits(logits_for(ANSWERS, 3), TRUTH).as_dict("abc")))
    assert report["sequences"] == 8
    assert report["classes"]["a"] == {"accuracy": 2 / 3, "f1": 4 / 5, "sequences": 3}
    assert report["macro_f1"] == pytest.approx((4 / 5 + 1 / 2 + 6 / 7) / 3)
    error = report["expected_calibration_error"]
    assert error == round(error, 6)
    assert report["confusion_matrix"] == [[2, 1, 0], [0, 1, 1], [0, 0, 3]]
    assert set(report) == {
        "accuracy",
        "average_class_accuracy",
        "macro_f1",
        "top_k_accuracy",
        "expected_calibration_error",
        "temperature",
        "sequences",
        "classes",
        "confusion_matrix",
    }
