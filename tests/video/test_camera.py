"""Placing people before the camera."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video.camera import NEAREST, place

SIZE = (1280, 720)


def somebody(seed: int) -> np.ndarray:
    points = np.random.default_rng(seed).normal(0, 1, (33, 3)) * [0.25, 0.5, 0.2]
    return (points - points.mean(0)).astype(np.float32)


def seen(points: np.ndarray, focal: float) -> np.ndarray:
    return points[:, :2] / points[:, 2:] * focal + np.divide(SIZE, 2)


@given(
    st.integers(0, 99), st.floats(-2, 2), st.floats(-1, 1), st.floats(1.5, 8), st.floats(400, 2000)
)
def test_a_person_is_put_where_they_stand(
    seed: int, x: float, y: float, z: float, focal: float
) -> None:
    stands = somebody(seed) + np.float32([x, y, z])
    placed = place(somebody(seed), seen(stands, focal), np.ones(33), focal, SIZE)
    np.testing.assert_allclose(placed, stands, atol=0.01)


def test_joints_that_are_not_trusted_do_not_count() -> None:
    stands = somebody(1) + np.float32([0.5, 0, 3])
    pixels, weights = seen(stands, 800), np.ones(33)
    pixels[:10] += 500
    weights[:10] = 1e-6
    placed = place(somebody(1), pixels, weights, 800, SIZE)
    np.testing.assert_allclose(placed, stands, atol=0.02)


def test_an_image_that_cannot_be_is_placed_by_its_size() -> None:
    stands = somebody(2) + np.float32([0, 0, 4])
    mirrored = np.asarray(SIZE) - seen(stands, 800)  # fits a person behind the camera only
    placed = place(somebody(2), mirrored, np.ones(33), 800, SIZE)
    assert placed[:, 2].min() > 0
    assert placed[:, 2].mean() == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize("size", [0, 30])
def test_nobody_is_nearer_than_a_camera_can_be(size: int) -> None:
    centre = np.divide(SIZE, 2)
    pixels = centre - size * (seen(somebody(2) + np.float32([0, 0, 4]), 800) - centre)
    placed = place(somebody(2), pixels, np.ones(33), 800, SIZE)
    assert np.isfinite(placed).all()
    assert placed[:, 2].min() > NEAREST - 1e-6
