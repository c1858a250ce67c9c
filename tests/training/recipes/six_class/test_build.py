"""Proportions that do not tell the sensor."""

import numpy as np
import pytest

from tests.training.recipes.six_class.figures import person, ramp
from training.recipes.six_class import build
from training.recipes.six_class.body import complete, leg_length, unit
from training.recipes.six_class.build import rebuilt
from training.recipes.six_class.skeleton import HIPS, JOINT, NECK, PELVIS

MOTION = complete(person(ramp((0, 0.4, 40))))
BONES = {
    "trunk": ("pelvis", "neck", build.TRUNK),
    "head": ("neck", "nose", build.HEAD),
    "hips": ("left_hip", "right_hip", build.HIP_WIDTH),
    "shoulders": ("left_shoulder", "right_shoulder", build.SHOULDER_WIDTH),
    "thigh": ("left_hip", "left_knee", build.THIGH),
    "upper arm": ("right_shoulder", "right_elbow", build.UPPER_ARM),
    "forearm": ("right_elbow", "right_wrist", build.FOREARM),
}


def bone(motion: np.ndarray, start: str, end: str) -> np.ndarray:
    return motion[:, JOINT[end], :3] - motion[:, JOINT[start], :3]


def shares(motion: np.ndarray) -> dict[str, float]:
    """Lengths as shares of the leg."""
    return {
        name: np.median(np.linalg.norm(bone(motion, *ends), axis=-1)) / leg_length(motion)
        for name, (*ends, _) in BONES.items()
    }


def test_lengths_are_in_their_ranges_and_differ() -> None:
    drawn = [shares(rebuilt(MOTION, np.random.default_rng(seed))) for seed in range(60)]
    for name, (*_, (least, most)) in BONES.items():
        found = np.array([bodies[name] for bodies in drawn])
        assert found.min() >= least - 1e-3
        assert found.max() <= most + 1e-3
        assert np.ptp(found) > 0.7 * (most - least)


def test_no_sensor_can_be_told_by_lengths() -> None:
    """The same draw makes the same body of people whose trunks and arms differ."""
    short = MOTION.copy()
    above = [NECK, *range(JOINT["nose"], 34)]
    short[:, above, :3] -= 0.25 * bone(MOTION, "pelvis", "neck")[:, None]
    for side in ("left", "right"):
        short[:, JOINT[f"{side}_wrist"], :3] += 0.3 * bone(MOTION, f"{side}_wrist", f"{side}_elbow")
    assert shares(short)["trunk"] < 0.8 * shares(MOTION)["trunk"]
    one, other = (shares(rebuilt(motion, np.random.default_rng(3))) for motion in (MOTION, short))
    assert one == pytest.approx(other, rel=0.02)


def test_bones_point_where_they_did() -> None:
    made = rebuilt(MOTION, np.random.default_rng(4))
    for name in ("trunk", "head", "hips", "shoulders", "thigh", "upper arm", "forearm"):
        ends = BONES[name][:2]
        np.testing.assert_allclose(unit(bone(made, *ends)), unit(bone(MOTION, *ends)), atol=1e-4)
    np.testing.assert_allclose(
        bone(made, "left_ankle", "left_heel"), bone(MOTION, "left_ankle", "left_heel"), atol=1e-2
    )


def test_pelvis_stays_and_hips_are_below_it() -> None:
    made = rebuilt(MOTION, np.random.default_rng(5))
    np.testing.assert_array_equal(made[:, PELVIS], MOTION[:, PELVIS])
    below = made[:, HIPS, 1].mean(axis=1) - made[:, PELVIS, 1]
    assert (below >= -1).all()
    np.testing.assert_array_equal(made[..., 3], MOTION[..., 3])
