"""The rules that say which frames show which class."""

import numpy as np
import pytest

from tests.training.recipes.six_class.figures import person, ramp
from training.recipes.six_class.rules import Run, height_curve, label_runs, posture_runs
from training.recipes.six_class.skeleton import NECK, PELVIS


def test_height_is_one_when_standing_and_falls_with_the_hips() -> None:
    assert height_curve(person(np.zeros(20))) == pytest.approx(1.0, abs=1e-3)
    assert height_curve(person(np.full(20, 0.4))) == pytest.approx(0.6, abs=1e-3)


def test_sitting_down_lies_between_standing_and_sitting() -> None:
    runs = posture_runs(person(ramp((0, 0, 30), (0, 0.6, 20), (0.6, 0.6, 40))))
    assert [run.label for run in runs] == ["standing", "sitting_down", "sitting"]
    assert runs[0].end == pytest.approx(30, abs=4)
    assert runs[2].start == pytest.approx(50, abs=4)
    assert [first.end for first in runs[:-1]] == [after.start for after in runs[1:]]


def test_a_clip_played_backwards_is_getting_up() -> None:
    motion = person(ramp((0, 0, 30), (0, 0.5, 30), (0.5, 0.5, 40)))
    assert [run.label for run in posture_runs(motion[::-1])] == [
        "sitting",
        "getting_up",
        "standing",
    ]


def test_a_squat_has_a_short_rest_at_its_lowest() -> None:
    runs = posture_runs(person(ramp((0, 0, 12), (0, 0.6, 20), (0.6, 0, 20), (0, 0, 12))))
    labels = [run.label for run in runs]
    assert labels == ["standing", "sitting_down", "sitting", "getting_up", "standing"]
    rest = runs[2]
    assert len(rest) == 7
    assert (rest.start + rest.end) / 2 == pytest.approx(32, abs=2)


def test_nobody_sits_who_lies() -> None:
    motion = person(np.full(40, 0.6))
    flat = motion.copy()
    flat[:, :, 1], flat[:, :, 2] = motion[:, :, 2] - 4000, motion[:, :, 1] + 4000
    assert [run.label for run in posture_runs(motion)] == ["sitting"]
    assert posture_runs(flat) == []


def test_lying_down_ends_where_the_trunk_is_upright_for_the_last_time() -> None:
    motion = person(ramp((0, 0, 20), (0, 0.6, 20), (0.6, 0.6, 20), (0.6, 0.6, 30)))
    lying = motion.copy()
    lying[60:, :, 1], lying[60:, :, 2] = motion[60:, :, 2] - 4000, motion[60:, :, 1] + 4000
    runs = label_runs("lie_down", lying)
    assert [run.label for run in runs] == ["standing", "sitting_down", "sitting"]
    assert runs[-1].end <= 60
    backwards = label_runs("lie_down", lying[::-1])
    assert [run.label for run in backwards] == ["sitting", "getting_up", "standing"]
    assert backwards[0].start >= 30


def test_nobody_stands_who_bends_over() -> None:
    motion = person(np.zeros(40))
    above = motion[:, NECK, :3] - motion[:, PELVIS, :3]
    motion[:, NECK, 1:3] = motion[:, PELVIS, 1:3] + above[:, 1:3] @ [[0.2, 1], [1, 0.2]]
    assert posture_runs(motion) == []


def test_a_half_bent_knee_is_no_change_of_posture() -> None:
    labels = {run.label for run in posture_runs(person(ramp((0, 0.15, 20), (0.15, 0, 20))))}
    assert labels <= {"standing"}


def test_walking_loses_its_still_ends_to_standing() -> None:
    way = ramp((0, 0, 20), (0, 2000, 60), (2000, 2000, 20))
    runs = label_runs("walk", person(np.zeros(100), forward=way))
    assert [run.label for run in runs] == ["standing", "walking", "standing"]
    assert runs[1].start == pytest.approx(20, abs=4)
    assert runs[1].end == pytest.approx(80, abs=4)


def test_only_standing_is_taken_from_other_actions() -> None:
    motion = person(ramp((0, 0, 30), (0, 0.5, 30), (0.5, 0.5, 40)))
    (run,) = label_runs("other", motion)
    assert run.label == "standing"


def test_a_still_clip_of_walking_shows_no_walking() -> None:
    assert {run.label for run in label_runs("walk", person(np.zeros(40)))} == set()


def test_length_of_a_run() -> None:
    assert len(Run("sitting", 3, 10)) == 7
