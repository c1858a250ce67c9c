"""Peaks against the reference's, where its rules are easily missed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.training.bpnet.postprocess import restatement
from training.bpnet.postprocess.peaks import MOST_PER_JOINT, find_peaks


def both(heatmap: np.ndarray, factor: int = 8) -> tuple[list, list]:
    """(x, y) and score of the peaks, ours and the reference's."""
    found = find_peaks(heatmap[..., None], factor)
    size = heatmap.shape[1] * factor, heatmap.shape[0] * factor
    enlarged = cv2.resize(heatmap, size, interpolation=cv2.INTER_CUBIC)
    (expected,) = restatement.find_peaks(enlarged[..., None], 0.1)
    ours = sorted(zip(found.x.tolist(), found.y.tolist(), found.score.tolist(), strict=True))
    return ours, sorted((int(x), int(y), float(score)) for x, y, score, _ in expected)


def blob(x: float, y: float, height: float, width: int = 12) -> np.ndarray:
    rows, columns = np.mgrid[:width, :width]
    distance = (columns - x) ** 2 + (rows - y) ** 2
    return (height * np.exp(-distance / 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("x", "y", "height"),
    [
        *[(5.45, 5.4, 0.115), (5.5, 5.5, 0.09), (5.2, 6.4, 0.5)],
        *[(0.1, 0.2, 0.8), (11, 11, 0.8), (10.9, 0.1, 0.8), (0.2, 5.3, 0.8), (6.2, 10.8, 0.8)],
    ],
)
def test_a_peak_is_the_references(x: float, y: float, height: float) -> None:
    ours, expected = both(blob(x, y, height))
    assert len(ours) == (height > 0.1)
    assert [peak[:2] for peak in ours] == [peak[:2] for peak in expected]
    np.testing.assert_allclose([p[2] for p in ours], [p[2] for p in expected], atol=1e-5)


def test_the_strongest_peaks_of_a_joint_are_kept() -> None:
    heights = np.linspace(0.2, 1, 196).astype(np.float32)
    heatmap = np.zeros((56, 56), np.float32)
    heatmap[::4, ::4] = np.random.default_rng(0).permutation(heights).reshape(14, 14)
    found = find_peaks(heatmap[..., None], factor=1)
    assert len(found) == MOST_PER_JOINT
    kept = sorted(heatmap[found.y, found.x].tolist())
    np.testing.assert_allclose(kept, np.sort(heights)[-MOST_PER_JOINT:])
