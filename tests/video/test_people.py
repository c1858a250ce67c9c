"""Boxes around people."""

from __future__ import annotations

import numpy as np
import pytest

from video.people import box_around


@pytest.mark.parametrize(
    ("points", "box"),
    [
        ([(100, 100), (140, 200)], (90, 90, 60, 120)),  # a tenth of the height on every side
        ([(100, 100), (140, 120), (120, 200)], (90, 90, 60, 120)),
        ([(5, 5), (140, 105)], (0, 0, 150, 115)),
        ([(600, 300), (636, 350)], (595, 295, 45, 60)),
        ([(30, 40)], (30, 40, 0, 0)),
    ],
    ids=["two joints", "three", "at the corner", "at the right", "one"],
)
def test_a_box_is_a_tenth_larger_and_inside_the_frame(points, box) -> None:
    found = box_around(np.array(points, np.float32), (640, 360))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, box)
