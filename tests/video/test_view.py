"""Where joints and boxes are in a picture."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.video.documents import JOINTS, pose
from video.results.document import LAYOUT, Person
from video.results.view import View

WHOLE = View.of((640, 360))


def one(**fields: Any) -> Person:
    return msgspec.convert({"object_id": 1, **fields}, Person)


def flat(values: np.ndarray[Any, Any]) -> list[float]:
    result: list[float] = values.ravel().tolist()
    return result


def test_pose25d_is_in_pixels() -> None:
    joints = WHOLE.joints(one(pose25d=pose(10, 20, 60, confidence=0.5)))
    assert joints[JOINTS["pelvis"]].tolist() == [20, 20, 0.5]


def test_another_frame_size_is_scaled() -> None:
    view = View.of((640, 360), frame=(1920, 1080))
    joints = view.joints(one(pose25d=pose(300, 600, 60)))
    assert joints[JOINTS["pelvis"], :2] == pytest.approx([310 / 3, 200])
    assert view.box(one(bbox=[300, 600, 30, 60]), joints) == pytest.approx((100, 200, 110, 220))


def test_pose3d_is_projected_by_a_pinhole() -> None:
    places = np.zeros((LAYOUT.num_joints, 4))
    places[:] = 500, -250, 2000, 1
    view = View.of((1920, 1080))
    joints = view.joints(one(pose3d=flat(places)))
    assert joints[0, :2] == pytest.approx([1200 * 500 / 2000 + 960, 1200 * -250 / 2000 + 540])
    half = View.of((960, 540)).joints(one(pose3d=flat(places)))  # the same field of view
    assert half[0, :2] == pytest.approx(joints[0, :2] / 2)


@pytest.mark.parametrize("bad", [None, 1e12, -1e12])
def test_joints_without_a_place_are_missing(bad: float | None) -> None:
    numbers: list[float | None] = [*pose(10, 20)]
    numbers[4 * 5] = bad
    assert WHOLE.joints(one(pose25d=numbers))[5].tolist() == [0, 0, 0]


def test_joints_further_away_than_the_picture_is_large_are_missing() -> None:
    numbers = pose(10, 20)
    numbers[4 * 5 : 4 * 7 : 4] = 1.9 * 640, 2.1 * 640
    assert WHOLE.joints(one(pose25d=numbers))[5:7, 2].tolist() == [1, 0]


def test_joints_behind_the_camera_are_missing() -> None:
    places = np.ones((LAYOUT.num_joints, 4)) * [0, 0, -100, 1]
    assert not WHOLE.joints(one(pose3d=flat(places))).any()


def test_a_box_is_made_of_joints_where_there_is_none() -> None:
    person = one(pose25d=pose(100, 100, 60))
    left, top, right, bottom = WHOLE.box(person, WHOLE.joints(person)) or (0, 0, 0, 0)
    assert (left, right) == pytest.approx((102 - 6, 118 + 6))
    assert (top, bottom) == pytest.approx((100 - 6, 160 + 6))


@pytest.mark.parametrize("box", [[], [1, 2, 3], [0, 0, -5, 5], [5, None, 5, 5], [900, 900, 50, 50]])
def test_a_box_that_is_none_or_outside_is_not_drawn(box: list[float | None]) -> None:
    assert WHOLE.box(one(bbox=box), np.zeros((LAYOUT.num_joints, 3))) is None


number = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@given(
    joint=st.lists(number, min_size=4, max_size=4),
    box=st.lists(number, max_size=5),
    deep=st.booleans(),
)
def test_whatever_the_numbers_joints_are_finite_and_boxes_inside(
    joint: list[float | None], box: list[float | None], deep: bool
) -> None:
    person = Person(object_id=1, bbox=box)
    person.pose3d, person.pose = (joint * 34, None) if deep else (None, joint * 34)
    joints = WHOLE.joints(person)
    assert np.isfinite(joints).all()
    assert ((joints[:, 2] >= 0) & (joints[:, 2] <= 1)).all()
    corners = WHOLE.box(person, joints)
    if corners is not None:
        left, top, right, bottom = corners
        assert 0 <= left < right <= 639
        assert 0 <= top < bottom <= 359
