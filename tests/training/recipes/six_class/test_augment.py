"""Variation of motions, and the joints that a source lacks."""

import numpy as np
import pytest

from converter import joint_map
from tests.training.recipes.six_class.figures import person, ramp
from training.recipes.six_class.augment import augment, lifted, mirrored, smoothed
from training.recipes.six_class.body import complete
from training.recipes.six_class.cameras import rotation
from training.recipes.six_class.skeleton import HIPS, JOINT, LAYOUT, PELVIS

MOTION = complete(person(ramp((0, 0.4, 40))))


def bones(motion: np.ndarray) -> np.ndarray:
    ends = np.array(LAYOUT.edges)
    return np.linalg.norm(motion[:, ends[:, 0], :3] - motion[:, ends[:, 1], :3], axis=2)


def test_every_joint_is_there_and_those_that_were_stay() -> None:
    sparse = person(np.zeros(5))
    whole = complete(sparse)
    assert (whole[..., 3] == 1).all()
    known = sparse[..., 3] > 0
    known[:, JOINT["nose"]] = False
    np.testing.assert_array_equal(whole[known], sparse[known])


@pytest.mark.parametrize("layout", ["kinect-v1", "hdm05"])
def test_what_a_sensor_gives_is_enough_to_complete(layout: str) -> None:
    there = (joint_map(layout, "nvidia").matrix != 0).any(axis=1)
    for name in ("pelvis", "neck", "nose", "left_shoulder", "left_elbow", "right_wrist"):
        assert there[JOINT[name]]
    assert there[[*HIPS, JOINT["left_knee"], JOINT["right_ankle"]]].all()


def test_estimated_joints_are_on_the_right_side_and_in_front() -> None:
    pose = complete(person(np.zeros(1)))[0]
    # The figure faces the camera: forward is -z, its left is +x.
    assert pose[JOINT["nose"], 2] < pose[JOINT["neck"], 2]
    assert pose[JOINT["left_eye"], 0] > pose[JOINT["right_eye"], 0]
    assert pose[JOINT["left_big_toe"], 2] < pose[JOINT["left_heel"], 2]
    assert pose[JOINT["left_heel"], 1] > pose[JOINT["left_ankle"], 1]
    assert pose[JOINT["left_middle_tip"], 1] > pose[JOINT["left_wrist"], 1]


def test_a_mirror_image_swaps_left_and_right_and_keeps_bones() -> None:
    twice = mirrored(mirrored(MOTION))
    np.testing.assert_allclose(twice, MOTION)
    image = mirrored(MOTION)
    np.testing.assert_allclose(image[:, JOINT["left_knee"], 0], -MOTION[:, JOINT["right_knee"], 0])
    np.testing.assert_allclose(np.sort(bones(image)), np.sort(bones(MOTION)), rtol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_a_camera_is_a_rotation_that_leaves_people_upright(seed: int) -> None:
    matrix = rotation(np.random.default_rng(seed))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)
    assert (matrix @ [0, 1, 0])[1] > 0.7


def test_smoothing_keeps_a_straight_line() -> None:
    motion = np.zeros((30, 34, 4), np.float32)
    motion[..., 0] = np.arange(30)[:, None]
    motion[..., 3] = 1
    for seed in range(8):
        result = smoothed(motion, np.random.default_rng(seed))
        np.testing.assert_allclose(result[5:-5], motion[5:-5], atol=1e-4)


def test_augmented_motions_differ_but_stay_people() -> None:
    results = [augment(MOTION, "3dbp", np.random.default_rng(seed)) for seed in range(40)]
    for result in results:
        assert result.shape[1:] == (34, 4)
        assert 0.8 * len(MOTION) <= len(result) <= len(MOTION)
        assert np.isfinite(result).all()
        assert set(np.unique(result[..., 3])) <= {0.0, 1.0}
        assert (result[:, PELVIS, 3] == 1).all()
        assert (result[result[..., 3] == 0] == 0).all()
        assert np.abs(result[..., :3]).max() < 3000
    assert not np.allclose(results[0][:20, PELVIS], results[1][:20, PELVIS])
    missing = np.array([(result[..., 3] == 0).all(axis=0) for result in results]).mean(axis=0)
    assert 0.3 < missing[JOINT["left_eye"]] < 0.85
    assert missing[JOINT["left_knee"]] < 0.15


def test_lifting_changes_depth_about_the_pelvis_alone() -> None:
    changed = 0
    for seed in range(30):
        result = lifted(MOTION, np.random.default_rng(seed))
        np.testing.assert_array_equal(result[..., [0, 1, 3]], MOTION[..., [0, 1, 3]])
        np.testing.assert_allclose(result[:, PELVIS], MOTION[:, PELVIS])
        before, after = (np.ptp(motion[..., 2]) for motion in (MOTION, result))
        assert 0.3 < after / before < 2
        changed += after != before
    assert 3 < changed < 18


def test_the_same_seed_gives_the_same_motion() -> None:
    first, second = (augment(MOTION, "3dbp", np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
