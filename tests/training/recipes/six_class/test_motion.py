"""Playing, repeating and joining motions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.recipes.six_class.figures import person, ramp
from training.recipes.six_class.motion import (
    cycle,
    heading,
    join,
    moved,
    resample,
    to_and_fro,
    turned,
)
from training.recipes.six_class.skeleton import PELVIS


@given(frames=st.integers(1, 40), factor=st.floats(0.3, 4))
def test_resampling_keeps_first_frame_and_pace(frames: int, factor: float) -> None:
    motion = person(np.linspace(0, 0.5, frames))
    result = resample(motion, factor)
    assert len(result) == round((frames - 1) * factor) + 1
    np.testing.assert_allclose(result[0], motion[0], atol=1e-3)
    expected = np.interp(np.arange(len(result)) / factor, np.arange(frames), motion[:, PELVIS, 1])
    np.testing.assert_allclose(result[:, PELVIS, 1], expected, atol=0.01)


def test_twice_the_rate_puts_one_frame_between_each_two() -> None:
    motion = person(np.linspace(0, 0.5, 5))
    np.testing.assert_allclose(resample(motion, 2)[::2], motion, atol=1e-3)


def test_a_joint_missing_on_either_side_is_missing_between() -> None:
    motion = person(np.zeros(3))
    motion[1, 5] = 0
    assert (resample(motion, 2)[1:4, 5] == 0).all()
    assert resample(motion, 2)[0, 5, 3] == 1


def test_to_and_fro_turns_at_both_ends() -> None:
    motion = np.arange(4, dtype=np.float32).reshape(4, 1, 1)
    assert to_and_fro(motion, 9).ravel().tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert to_and_fro(motion, 4, start=2).ravel().tolist() == [2, 3, 2, 1]
    assert to_and_fro(motion[:1], 3).ravel().tolist() == [0, 0, 0]


@given(angle=st.floats(-3, 3))
def test_turning_adds_to_the_heading_and_keeps_lengths(angle: float) -> None:
    motion = person(np.zeros(1))
    result = turned(motion, angle)
    difference = heading(result[0]) - heading(motion[0]) - angle
    assert np.cos(difference) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(
        np.linalg.norm(result[0, :, :3], axis=1),
        np.linalg.norm(motion[0, :, :3], axis=1),
        rtol=1e-4,
    )


def test_joined_motions_do_not_jump_and_end_in_the_second_pose() -> None:
    first = moved(turned(person(ramp((0, 0.1, 20))), 1.0), np.array([700, 0, -300], np.float32))
    second = person(ramp((0.3, 0.5, 40)))
    joined = join(first, second, blend=10)
    assert len(joined) == 60
    steps = np.linalg.norm(np.diff(joined[..., :3], axis=0), axis=2)
    assert steps.max() < 60
    assert heading(joined[-1]) == pytest.approx(heading(first[-1]), abs=1e-4)
    np.testing.assert_allclose(joined[31:, PELVIS, 1], second[11:, PELVIS, 1], atol=0.01)


def test_a_cycle_repeats_its_period() -> None:
    swing = 0.1 + 0.1 * np.sin(np.arange(50) * 2 * np.pi / 25)
    motion = person(swing)
    result = cycle(motion, 130)
    assert len(result) == 130
    expected = 0.1 + 0.1 * np.sin(np.arange(130) * 2 * np.pi / 25)
    np.testing.assert_allclose(result[:, PELVIS, 1], person(expected)[:, PELVIS, 1], atol=8)


def test_a_long_cycle_is_cut() -> None:
    motion = person(np.linspace(0, 0.3, 30))
    np.testing.assert_array_equal(cycle(motion, 10), motion[:10])
