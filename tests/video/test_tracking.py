"""Ids that stay with people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from video.people import Person
from video.tracking import MIN_FRAMES, PeopleTracker

RATE = 30
RNG = np.random.default_rng(0)
# One upright figure, 200 pixels high, its joints spread about.
FIGURE = np.column_stack([RNG.uniform(-30, 30, 34), RNG.uniform(0, 200, 34)])


def somebody(x: float, y: float = 100.0, confidence: Any = 0.9, size: float = 1) -> Person:
    pose = np.zeros((34, 4), np.float32)
    pose[:, :2] = size * FIGURE + np.array([x, y]) + RNG.normal(0, 1, (34, 2))
    pose[:, 3] = confidence
    pose[pose[:, 3] == 0] = 0
    return Person(np.float32([x - 30, y, 60, size * 200]), pose)


def ids(track: PeopleTracker, *people: Person, frames: int = 1) -> dict[int, float]:
    """Id -> left edge of the box."""
    return {number: float(p.bbox[0]) for number, p in track(list(people), frames)}


def settled(*people: float) -> PeopleTracker:
    track = PeopleTracker(RATE)
    for _ in range(20):
        track([somebody(x) for x in people])
    return track


@pytest.mark.parametrize(
    "steps",
    [
        *([1, 1, 1, 1, 1], [5, 5, 5, 5, 5], [1, 6, 6, 6, 6], [1, 20, 20, 20, 20]),
        *([300, 1, 1, 1, 1], [300, 2, 3, 2, 3], [1, 30, 2, 3, 2], [2, 7, 1, 3, 4]),
    ],
    ids=str,
)
def test_somebody_new_is_believed_in_the_third_frame(steps: list[int]) -> None:
    track = PeopleTracker(RATE)
    counts = [len(ids(track, somebody(100), frames=frames)) for frames in steps]
    assert counts == [0, 0, 1, 1, 1]


def test_somebody_new_is_believed_as_soon_at_a_frame_a_second() -> None:
    track = PeopleTracker(1)
    assert [len(ids(track, somebody(100))) for _ in range(5)] == [0, 0, 1, 1, 1]


def test_people_who_come_after_a_long_gap_are_believed() -> None:
    track = settled(100)
    later = [list(ids(track, somebody(400), frames=frames)) for frames in (300, 2, 3, 2)]
    assert later == [[], [], [2], [2]]


def test_a_mistake_of_one_frame_makes_nobody() -> None:
    track = settled(100)
    assert len(ids(track, somebody(100), somebody(600))) == 1
    for _ in range(10):
        assert list(ids(track, somebody(100))) == [1]


def test_ids_stay_with_people_who_pass_each_other() -> None:
    track = PeopleTracker(RATE)
    for step in range(100):
        here = ids(track, somebody(100 + 4 * step), somebody(500 - 4 * step, 140))
        if step == MIN_FRAMES:
            right_at_end, left_at_end = sorted(here, key=here.__getitem__)
        assert step < MIN_FRAMES or here.keys() == {right_at_end, left_at_end}
    assert here[right_at_end] > here[left_at_end]


def test_somebody_hidden_for_a_while_keeps_their_id() -> None:
    track = settled(100, 400)
    before = ids(track, somebody(100), somebody(400))
    for _ in range(RATE * 3 // 2):
        ids(track, somebody(400))
    for _ in range(MIN_FRAMES):
        after = ids(track, somebody(110), somebody(400))
    assert after.keys() == before.keys()
    assert [round(after[n] - before[n]) for n in sorted(before, key=before.__getitem__)] == [10, 0]


@pytest.mark.parametrize(
    "back",
    [{"x": 400}, {"x": 100, "size": 2.5}, {"x": 100, "size": 0.3}],
    ids=["elsewhere", "larger", "smaller"],
)
def test_another_who_comes_where_somebody_vanished_is_somebody_else(back: dict[str, float]) -> None:
    track = settled(100)
    for _ in range(RATE * 3 // 2):
        ids(track)
    for _ in range(MIN_FRAMES):
        after = ids(track, somebody(**back))
    assert list(after) == [2]


@pytest.mark.parametrize(("size", "step", "known"), [(1, 30, [1]), (1, 100, []), (3, 100, [1])])
def test_how_far_somebody_may_jump_depends_on_their_height(size, step, known) -> None:
    track = PeopleTracker(RATE)
    for _ in range(20):
        track([somebody(300, size=size)])
    assert list(ids(track, somebody(300 + step, size=size))) == known


def test_joints_that_come_into_sight_do_not_make_somebody_else() -> None:
    track = PeopleTracker(RATE)
    half = np.where(np.arange(34) % 2, 0.9, 0.0)
    for _ in range(20):
        track([somebody(900, confidence=half)])
    assert list(ids(track, somebody(900))) == [1]


def test_people_come_in_the_order_of_their_ids() -> None:
    track = settled(100, 400)
    for _ in range(RATE * 3 // 2):
        ids(track, somebody(400))
    for _ in range(MIN_FRAMES):
        found = track([somebody(400), somebody(100)])
    assert [number for number, _ in found] == [1, 2]


def test_a_box_without_height_is_no_failure() -> None:
    track = PeopleTracker(RATE)
    flat = Person(np.float32([100, 100, 60, 0]), somebody(100).pose25d)
    assert [len(ids(track, flat)) for _ in range(3)] == [0, 0, 1]


def test_somebody_who_comes_long_after_is_somebody_else() -> None:
    track = settled(100)
    for _ in range(RATE * 4):
        ids(track)
    for _ in range(MIN_FRAMES):
        after = ids(track, somebody(100))
    assert list(after) == [2]


def test_frames_left_out_count_as_time() -> None:
    track = settled(100)
    for _ in range(10):
        assert list(ids(track, somebody(100), frames=5)) == [1]
    ids(track, frames=RATE * 4)
    for _ in range(MIN_FRAMES):
        after = ids(track, somebody(100))
    assert list(after) == [2]


@pytest.mark.parametrize("confidence", [0.0, 0.15])
def test_nobody_is_followed_by_joints_nobody_is_sure_of(confidence: float) -> None:
    track = settled(100)
    assert ids(track, somebody(100, confidence=confidence)) == {}
