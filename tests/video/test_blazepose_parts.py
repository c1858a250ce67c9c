"""The arithmetic of BlazePose: regions, merging, heatmaps, smoothing."""

from __future__ import annotations

from math import pi

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video.blazepose.detector import merge
from video.blazepose.landmarks import refine
from video.blazepose.roi import MARGIN, Roi
from video.blazepose.smoothing import OneEuroFilter


def test_a_region_is_around_the_hips_and_turned_upright() -> None:
    upright = Roi.around(np.array([[50, 60], [50, 20]]))
    assert upright == Roi(50, 60, 2 * 40 * MARGIN, 0)
    lying = Roi.around(np.array([[50, 60], [90, 60]]))  # the head to the right
    assert lying.angle == pytest.approx(pi / 2)
    assert Roi.around(np.array([[50, 60], [50, 100]])).angle == pytest.approx(-pi)


@given(
    st.floats(0, 100), st.floats(0, 100), st.floats(10, 200), st.floats(-3, 3),
    st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_a_point_of_the_crop_goes_back_to_its_place(
    x: float, y: float, size: float, angle: float, u: float, v: float
) -> None:
    roi = Roi(x, y, size, angle)
    (placed,) = roi.to_image(np.array([[u, v, 0.5]], np.float32))
    offset = np.array([u - 0.5, v - 0.5]) * size
    turned = [
        x + offset[0] * np.cos(angle) - offset[1] * np.sin(angle),
        y + offset[0] * np.sin(angle) + offset[1] * np.cos(angle),
    ]
    np.testing.assert_allclose(placed[:2], turned, atol=1e-3)
    assert placed[2] == pytest.approx(0.5 * size, rel=1e-5)


def test_the_crop_shows_what_is_there() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    cv2.circle(image, (70, 40), 2, (255, 255, 255), -1)
    roi = Roi(60, 50, 60, 0.4)
    crop = roi.crop(image, 120)
    v, u = np.unravel_index(crop[..., 0].argmax(), crop.shape[:2])
    (placed,) = roi.to_image(np.array([[u / 120, v / 120, 0]], np.float32))
    np.testing.assert_allclose(placed[:2], [70, 40], atol=2)


def detection(left: float, top: float, side: float, score: float) -> list[float]:
    return [left, top, left + side, top + side, *[left] * 8, score]


def test_overlapping_detections_become_their_weighted_mean() -> None:
    found = np.array(
        [detection(0, 0, 10, 0.9), detection(1, 0, 10, 0.6), detection(50, 0, 10, 0.8)], np.float32
    )
    first, second = merge(found)
    assert first[0] == pytest.approx(0.4)  # (0 * 0.9 + 1 * 0.6) / 1.5
    assert second[0] == 50
    assert merge(found[:0]) == []


def test_landmarks_move_to_the_heat_and_only_where_it_is_hot() -> None:
    heat = np.zeros((64, 64, 4), np.float32)
    heat[22, 33, 0] = heat[22, 35, 0] = 0.9  # centre of mass at column 34, row 22
    heat[22, 33, 1] = 0.4  # too cold
    heat[22, 45, 2] = 0.9  # too far
    start = np.tile(np.float32([32.5 / 64, 20.5 / 64]), (4, 1))
    start[3] = [1.2, 0.5]  # outside the region
    refined = refine(start, heat)
    np.testing.assert_allclose(refined[0] * 64, [34, 22], atol=1e-4)
    np.testing.assert_array_equal(refined[1:], start[1:])


def test_the_filter_calms_rest_and_follows_motion() -> None:
    rng = np.random.default_rng(0)
    filtered, noisy = OneEuroFilter(0.05, 10), rng.normal(0, 1, (200, 1)).astype(np.float32)
    rest = np.array([filtered(sample, n / 30, 1 / 500) for n, sample in enumerate(noisy)])
    assert rest[50:].std() < 0.3
    moving = OneEuroFilter(0.05, 10)
    ramp = [moving(np.float32([n * 10]), n / 30, 1 / 500)[0] for n in range(60)]
    assert abs(ramp[-1] - 590) < 20


def test_a_sample_that_is_not_later_passes_as_it_is() -> None:
    smooth = OneEuroFilter(0.05, 10)
    smooth(np.float32([1.0]), 1.0)
    assert smooth(np.float32([5.0]), 1.0) == 5
