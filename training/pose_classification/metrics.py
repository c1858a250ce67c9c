"""Figures of merit from logits and true classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_CALIBRATION_BINS = 15


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> Floats:
    """Probabilities (N, K) from logits (N, K)."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    exponent = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    probability: Floats = exponent / exponent.sum(axis=1, keepdims=True)
    return probability


def confusion_matrix(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], num_classes: int
) -> NDArray[np.int64]:
    """Counts (K, K): row = true class, column = predicted class."""
    counts = np.bincount(truth * num_classes + predicted, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def top_k_accuracy(logits: NDArray[np.float32], truth: NDArray[np.int64], k: int) -> float:
    """Share of sequences whose true class is among the first k; of equals the first id wins."""
    of_truth = np.take_along_axis(logits, truth[:, None], axis=1)
    earlier = np.arange(logits.shape[1]) < truth[:, None]
    before = (logits > of_truth) | ((logits == of_truth) & earlier)
    return float(np.mean(before.sum(axis=1) < k))


def calibration_error(probability: Floats, truth: NDArray[np.int64]) -> float:
    """Expected calibration error (Guo et al., ICML 2017) over 15 equal bins of confidence."""
    confidence = probability.max(axis=1)
    hit = probability.argmax(axis=1) == truth
    bins = np.minimum((confidence * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    gap = np.bincount(bins, weights=confidence - hit, minlength=_CALIBRATION_BINS)
    return float(np.abs(gap).sum() / len(truth))


def _ratio(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> Floats:
    """Quotient, 0 where the denominator is 0."""
    quotient: Floats = numerator / np.maximum(denominator, 1)
    return quotient


@dataclass(frozen=True)
class Metrics:
    """Result of an evaluation; all shares are between 0 and 1.

    Attributes:
        confusion: int64 (K, K), rows are true classes.
        class_accuracy: (K,), 0 for a class without sequences, as in TAO.
        class_f1: (K,).
        accuracy: Share of sequences classified rightly.
        average_accuracy: Sum of the class accuracies over the number of classes, as in TAO.
        top_k: Share of sequences whose class is among the first k, by k.
        calibration_error: Expected calibration error at ``temperature``.
        temperature: The logits were divided by it before the softmax.
    """

    confusion: NDArray[np.int64]
    class_accuracy: Floats
    class_f1: Floats
    accuracy: float
    average_accuracy: float
    top_k: dict[int, float]
    calibration_error: float
    temperature: float

    def as_dict(self, class_names: Sequence[str]) -> dict[str, object]:
        """The metrics as plain values for JSON.

        The calibration error is rounded to where all processors agree.
        """
        support = self.confusion.sum(axis=1)
        return {
            "accuracy": self.accuracy,
            "average_class_accuracy": self.average_accuracy,
            "macro_f1": float(self.class_f1.mean()),
            "top_k_accuracy": {str(k): share for k, share in self.top_k.items()},
            "expected_calibration_error": round(self.calibration_error, 6),
            "temperature": self.temperature,
            "sequences": int(support.sum()),
            "classes": {
                name: {
                    "accuracy": float(self.class_accuracy[index]),
                    "f1": float(self.class_f1[index]),
                    "sequences": int(support[index]),
                }
                for index, name in enumerate(class_names)
            },
            "confusion_matrix": self.confusion.tolist(),
        }


def evaluate_logits(
    logits: NDArray[np.float32], truth: NDArray[np.int64], temperature: float = 1.0
) -> Metrics:
    """Compute everything.

    Args:
        logits: (N, K), N at least 1.
        truth: (N,) class ids below K.
        temperature: Divides the logits before the softmax of the calibration error.

    Returns:
        The metrics.
    """
    num_classes = logits.shape[1]
    confusion = confusion_matrix(truth, logits.argmax(axis=1), num_classes)
    hits, support, answers = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    class_accuracy = _ratio(hits, support)
    return Metrics(
        confusion=confusion,
        class_accuracy=class_accuracy,
        class_f1=_ratio(2 * hits, support + answers),
        accuracy=float(hits.sum() / len(truth)),
        average_accuracy=float(class_accuracy.mean()),
        top_k={k: top_k_accuracy(logits, truth, k) for k in (1, 3, 5) if k < num_classes},
        calibration_error=calibration_error(softmax(logits, temperature), truth),
        temperature=temperature,
    )
