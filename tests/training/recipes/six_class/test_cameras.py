"""Pictures of motions."""

import numpy as np
import pytest

from converter import normalise
from tests.training.recipes.six_class.figures import person, ramp
from training.recipes.six_class.body import complete
from training.recipes.six_class.cameras import FILLED, NEAREST, keypoints, photographed
from training.recipes.six_class.skeleton import ANKLES, JOINT, PELVIS

STILL = complete(person(np.zeros(20)))


def test_3d_poses_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    assert keypoints(STILL, "3dbp", rng) is STILL
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("seed", range(20))
def test_a_person_is_upright_in_the_picture_and_of_a_size_that_fits(seed: int) -> None:
    picture = photographed(STILL, np.random.default_rng(seed))
    assert picture.shape == STILL.shape
    np.testing.assert_array_equal(picture[..., 3], 1)
    x, y = normalise(picture, "2dbp")
    assert np.abs(x[:, PELVIS]).max() < 0.31
    assert (y[:, ANKLES] > y[:, [PELVIS]]).all()
    height = y[:, ANKLES].mean() - y[:, JOINT["nose"]].mean()
    assert 0.6 * FILLED[0] < height < 1.1 * FILLED[1]
    # Who faces the camera has the left on its right.
    assert (x[:, JOINT["left_hip"]] > x[:, JOINT["right_hip"]]).all()
    np.testing.assert_allclose(picture[:, PELVIS, 2], 0, atol=1e-6)


def test_depth_is_that_of_the_body_whatever_its_size() -> None:
    small = STILL * np.array([0.5, 0.5, 0.5, 1], np.float32)
    depths = [photographed(motion, np.random.default_rng(1))[..., 2] for motion in (STILL, small)]
    np.testing.assert_allclose(*depths, atol=1e-3)


def test_who_comes_near_is_never_behind_the_camera() -> None:
    walking = complete(person(np.zeros(100), forward=np.linspace(0, 9000, 100)))
    for seed in range(10):
        picture = photographed(walking, np.random.default_rng(seed))
        assert np.isfinite(picture).all()
        size = np.ptp(picture[..., 1], axis=1)
        assert size[-1] > 1.5 * size[0] > 0
    assert NEAREST > 0


def test_missing_joints_stay_missing_and_disturb_nobody() -> None:
    sparse = person(ramp((0, 0.4, 30)))
    for seed in range(5):
        picture = keypoints(sparse, "25dbp", np.random.default_rng(seed))
        np.testing.assert_array_equal(picture[..., 3], sparse[..., 3])
        assert (picture[sparse[..., 3] == 0] == 0).all()
        assert np.isfinite(picture).all()


def test_views_differ() -> None:
    rng = np.random.default_rng(0)
    widths = [np.ptp(keypoints(STILL, "2dbp", rng)[0, :, 0]) for _ in range(30)]
    assert max(widths) > 2 * min(widths)
