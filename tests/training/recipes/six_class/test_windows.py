"""Windows: which class they show, and how timelines are stretched and joined."""

import numpy as np
import pytest

from tests.training.recipes.six_class.figures import person, ramp
from training.recipes.six_class.rules import Run, posture_runs
from training.recipes.six_class.windows import (
    Timeline,
    draw_window,
    led_in_and_out,
    played,
    stretched,
    timelines,
    window_label,
)

RUNS = (Run("standing", 0, 100), Run("sitting_down", 100, 140), Run("sitting", 140, 200))


@pytest.mark.parametrize(
    ("start", "end", "label"),
    [
        (0, 100, "standing"),
        (0, 106, "standing"),  # a trace of sitting down
        (0, 110, None),  # a quarter of it
        (0, 130, "sitting_down"),  # most of it
        (110, 130, "sitting_down"),  # half of it, but nothing else
        (60, 160, "sitting_down"),
        (100, 200, "sitting_down"),
        (120, 200, None),
        (140, 200, "sitting"),
    ],
)
def test_label_of_a_window(start: int, end: int, label: str | None) -> None:
    assert window_label(RUNS, start, end) == label


def test_two_events_in_one_window_are_doubtful() -> None:
    runs = (Run("sitting_down", 0, 30), Run("sitting", 30, 60), Run("getting_up", 60, 90))
    assert window_label(runs, 0, 90) is None
    assert window_label(runs, 0, 50) == "sitting_down"


def test_a_state_must_fill_most_of_the_window() -> None:
    runs = (Run("standing", 0, 30), Run("walking", 30, 100))
    assert window_label(runs, 0, 100) is None
    assert window_label(runs, 10, 100) == "walking"


def test_timelines_end_at_frames_without_a_class() -> None:
    motion = person(np.zeros(60))
    parts = timelines(
        motion, [Run("standing", 5, 20), Run("walking", 20, 30), Run("sitting", 40, 50)]
    )
    assert [len(part.motion) for part in parts] == [25, 10]
    assert parts[0].runs == (Run("standing", 0, 15), Run("walking", 15, 25))


def sitting_down() -> Timeline:
    motion = person(ramp((0, 0, 15), (0, 0.6, 20), (0.6, 0.6, 15)))
    (timeline,) = timelines(motion, posture_runs(motion))
    return timeline


def covers(timeline: Timeline) -> bool:
    edges = [0, *(run.end for run in timeline.runs)]
    starts = [run.start for run in timeline.runs]
    return starts == edges[:-1] and edges[-1] == len(timeline.motion)


def largest_step(timeline: Timeline) -> float:
    return float(np.linalg.norm(np.diff(timeline.motion[..., :3], axis=0), axis=2).max())


def test_stretching_keeps_the_order_the_events_and_the_smoothness() -> None:
    timeline = sitting_down()
    for seed in range(10):
        longer = stretched(timeline, np.random.default_rng(seed))
        assert [run.label for run in longer.runs] == [run.label for run in timeline.runs]
        assert len(longer.runs[1]) == len(timeline.runs[1])
        assert covers(longer)
        assert largest_step(longer) <= 1.05 * largest_step(timeline)


def test_playing_slower_scales_the_runs() -> None:
    slower = played(sitting_down(), 1.5)
    assert covers(slower)
    assert len(slower.runs[1]) == pytest.approx(1.5 * len(sitting_down().runs[1]), abs=1)


def test_nothing_follows_somebody_who_ends_on_a_seat() -> None:
    upright = {"standing": [], "walking": [person(np.zeros(30), forward=ramp((0, 900, 30)))]}
    labels = set()
    for seed in range(20):
        led = led_in_and_out(sitting_down(), upright, np.random.default_rng(seed))
        assert covers(led)
        labels.add(tuple(run.label for run in led.runs))
    plain = ("standing", "sitting_down", "sitting")
    assert labels == {plain, ("walking", *plain)}


def test_windows_show_the_class_that_was_asked_for() -> None:
    timeline = stretched(sitting_down(), np.random.default_rng(0))
    for label in ("standing", "sitting_down", "sitting"):
        window = draw_window(timeline, label, 30, np.random.default_rng(1))
        assert window is not None
        assert len(window) <= 30


def test_a_state_that_is_short_gives_a_short_window() -> None:
    runs = (Run("walking", 0, 100), Run("standing", 100, 112))
    timeline = Timeline(person(np.zeros(112)), runs)
    window = draw_window(timeline, "standing", 100, np.random.default_rng(0))
    assert window is not None
    assert len(window) == 16


def test_no_window_where_two_events_cannot_be_told_apart() -> None:
    runs = (Run("sitting_down", 0, 20), Run("getting_up", 20, 40))
    timeline = Timeline(person(np.zeros(40)), runs)
    assert draw_window(timeline, "sitting_down", 40, np.random.default_rng(0)) is None
