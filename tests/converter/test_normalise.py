"""Normalising against NVIDIA's rules restated, and what they do not say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from converter import (
    ConvertConfig,
    InputError,
    joint_map,
    network_input,
    normalise,
    resample,
)
from tests.converter import nvidia_rules

POSE_TYPES = ["3dbp", "25dbp", "2dbp"]
values = st.floats(-1e5, 1e5, width=32) | st.just(0.0)


@given(arrays(np.float32, (4, 3, 4), elements=values), st.sampled_from(POSE_TYPES))
def test_it_is_nvidias(keypoints: np.ndarray, pose_type: str):
    rules = nvidia_rules.Settings(pose_type, 3, 1280, 720, 800.79)
    flat = [pose.ravel().tolist() for pose in keypoints]
    expected = [
        nvidia_rules.normalised_pose({"pose3d": pose, "pose25d": pose}, rules) for pose in flat
    ]
    result = normalise(keypoints, pose_type, 800.79, (1280, 720))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.array(expected, np.float32).transpose(2, 0, 1))


@pytest.mark.parametrize("pose_type", POSE_TYPES)
def test_leading_axes_are_kept(pose_type: str):
    keypoints = np.random.default_rng(0).uniform(1, 900, (2, 5, 6, 7, 4))
    result = normalise(keypoints, pose_type)
    assert result.shape == (2, 5, 2 if pose_type == "2dbp" else 3, 6, 7)
    np.testing.assert_array_equal(result[1, 3], normalise(keypoints[1, 3], pose_type))


def test_pelvis_serves_without_confidence():
    keypoints = np.array([[[100, 200, 300, 0], [220, 440, 660, 1]]])
    np.testing.assert_allclose(normalise(keypoints, "3dbp", 120)[:, 0, 1], [1, 2, 3])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("pose_type", POSE_TYPES)
def test_joints_that_are_not_finite_become_zeros(pose_type: str, place: int, bad: float):
    keypoints = np.random.default_rng(0).uniform(1, 900, (2, 3, 4))
    clean = normalise(keypoints, pose_type)
    keypoints[0, 1, place] = bad
    result = normalise(keypoints, pose_type)
    assert not result[:, 0, 1].any()
    np.testing.assert_array_equal(np.delete(result, 1, 2), np.delete(clean, 1, 2))


def test_a_frame_without_pelvis_becomes_zeros():
    keypoints = np.random.default_rng(0).uniform(1, 900, (2, 3, 4))
    keypoints[0, 0, 1] = np.nan
    result = normalise(keypoints, "3dbp")
    assert not result[:, 0].any()
    assert result[:, 1, 1:].all()


@pytest.mark.filterwarnings("error")
def test_numbers_beyond_float32_become_infinite_without_a_word():
    keypoints = np.ones((2, 3, 4))
    keypoints[0, 1, 0] = 1e300
    assert np.isinf(normalise(keypoints, "3dbp", 1.0)[0, 0, 1])


@pytest.mark.parametrize("pose_type", ["25dbp", "2dbp"])
def test_a_frame_size_beyond_64_bits_is_a_number(pose_type: str):
    result = normalise(np.ones((2, 3, 4)), pose_type, frame_size=(10**30, 10**30))
    np.testing.assert_array_equal(result[:2], -0.5)


@pytest.mark.parametrize("frames", [40, 100])
def test_network_input_is_filled_with_zeros(frames: int):
    config = ConvertConfig(num_joints=3, sequence_length_max=100)
    keypoints = np.random.default_rng(0).uniform(1, 900, (frames, 3, 4))
    result = network_input(keypoints, config)
    assert (result.shape, result.dtype) == ((3, 100, 3, 1), np.float32)
    np.testing.assert_array_equal(result[:, :frames, :, 0], normalise(keypoints, "3dbp"))
    assert not result[:, frames:].any()


@pytest.mark.parametrize("shape", [(101, 3, 4), (40, 4, 4), (40, 3, 3), (3, 4), (1, 40, 3, 4)])
def test_network_input_refuses_other_shapes(shape: tuple[int, ...]):
    config = ConvertConfig(num_joints=3, sequence_length_max=100)
    with pytest.raises(InputError, match=r"must have shape \(T, 3, 4\) with T <= 100, got"):
        network_input(np.zeros(shape), config)


def test_normalise_refuses_other_input():
    with pytest.raises(InputError, match=r"must have shape \(\.\.\., T, V, 4\), got \(5, 34, 3\)"):
        normalise(np.zeros((5, 34, 3)), "3dbp")
    with pytest.raises(InputError, match=r"must have shape \(\.\.\., T, V, 4\), got \(34, 4\)"):
        normalise(np.zeros((34, 4)), "3dbp")
    with pytest.raises(InputError, match="pose_type is 'xy', must be one of 3dbp, 25dbp, 2dbp"):
        normalise(np.zeros((5, 34, 4)), "xy")
    for focal_length in (0, -1200.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match=f"focal_length is {focal_length}, must be above 0"):
            normalise(np.ones((5, 34, 4)), "3dbp", focal_length)
    with pytest.raises(InputError, match=r"frame_size is \(1920, 0\), must be above 0"):
        normalise(np.ones((5, 34, 4)), "2dbp", frame_size=(1920, 0))


TO_COCO = joint_map("nvidia", "coco")


@pytest.mark.parametrize(
    "use",
    [
        lambda poses: normalise(poses, "3dbp"),
        lambda poses: network_input(poses, ConvertConfig(frame_rate=15)),
        lambda poses: resample(poses, 15),
        TO_COCO.apply,
    ],
)
def test_any_numbers_will_do_and_stay_as_they_are(use):
    poses = np.random.default_rng(0).integers(1, 900, (5, 34, 4)).astype(float)
    expected = use(poses)
    poses.flags.writeable = False
    apart = np.asfortranarray(np.repeat(poses, 2, axis=0))[::2]
    planes = np.ascontiguousarray(poses.transpose(2, 0, 1))  # as they are worked on
    planes.flags.writeable = False
    for same in (
        poses,
        apart,
        planes.transpose(1, 2, 0),
        poses.astype(int),
        poses.tolist(),
        poses.astype(object),
    ):
        np.testing.assert_allclose(use(same), expected)
    unknown = np.where(poses > 800, None, poses)
    np.testing.assert_array_equal(use(unknown), use(np.where(poses > 800, np.nan, poses)))
    for odd in ([[1, 2], [3]], poses.astype(str), poses * 1j, None):
        with pytest.raises(InputError, match="poses must be an array of numbers"):
            use(odd)
