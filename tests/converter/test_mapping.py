"""Mapping poses by joint name: copies, averages, confidence, what is missing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter import InputError, Layout, get_layout, joint_map, layout_names

RNG = np.random.default_rng(0)


def pose(layout: str, **joints: tuple[float, ...]) -> np.ndarray:
    """(V, 4), everything missing but `joints`."""
    keypoints = np.zeros((get_layout(layout).num_joints, 4))
    for name, values in joints.items():
        keypoints[get_layout(layout).joints.index(name)] = values
    return keypoints


def joint(layout: str, keypoints: np.ndarray, name: str) -> list[float]:
    return keypoints[get_layout(layout).joints.index(name)].tolist()


@pytest.mark.parametrize("name", layout_names())
def test_a_layout_maps_to_itself(name: str):
    keypoints = RNG.uniform(1, 2, (5, get_layout(name).num_joints, 4)).astype(np.float32)
    same = joint_map(name, name)
    assert same.missing == ()
    np.testing.assert_array_equal(same.apply(keypoints), keypoints)


@given(st.sampled_from(layout_names()), st.sampled_from(layout_names()))
def test_joints_of_the_same_name_come_back(source: str, target: str):
    keypoints = RNG.uniform(1, 2, (3, get_layout(source).num_joints, 4)).astype(np.float32)
    there = joint_map(source, target).apply(keypoints)
    back = joint_map(target, source).apply(there)
    assert there.shape == (3, get_layout(target).num_joints, 4)
    assert there.dtype == back.dtype == np.float32
    names = get_layout(source).common_names
    shared = [i for i, name in enumerate(names) if name in get_layout(target).common_names]
    np.testing.assert_array_equal(back[:, shared], keypoints[:, shared])


@given(st.sampled_from(layout_names()), st.sampled_from(layout_names()))
def test_rows_are_averages_or_empty(source: str, target: str):
    mapping = joint_map(source, target)
    sums = mapping.matrix.sum(1)
    np.testing.assert_allclose(sums[sums != 0], 1)
    assert (mapping.matrix >= 0).all()
    assert len(mapping.missing) == int((sums == 0).sum())
    # A shift of the body is a shift of every joint that is found.
    keypoints = RNG.uniform(1, 2, (get_layout(source).num_joints, 4))
    shift = np.array([10, 20, 30, 0])
    moved = mapping.apply(keypoints + shift) - mapping.apply(keypoints)
    np.testing.assert_allclose(moved[sums != 0], [shift] * int((sums != 0).sum()), atol=1e-5)


def test_averages():
    coco = pose(
        "coco",
        left_shoulder=(2, 8, 0, 0.5),
        right_shoulder=(4, 8, 0, 0.75),
        left_hip=(2, 0, 0, 1),
        right_hip=(4, 0, 2, 0.25),
    )
    mapped = joint_map("coco", "nvidia").apply(coco)
    assert joint("nvidia", mapped, "neck") == [3, 8, 0, 0.5]
    assert joint("nvidia", mapped, "pelvis") == [3, 0, 1, 0.25]
    assert joint("nvidia", mapped, "torso") == [3, 4, 0.5, 0.25]
    assert joint("nvidia", mapped, "left_hip") == [2, 0, 0, 1]
    assert joint("nvidia", mapped, "left_heel") == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("wanted", "known", "sources"),
    [
        ("head", ("left_ear", "right_ear", "nose", "head_top"), ("left_ear", "right_ear")),
        ("head", ("left_ear", "nose", "head_top"), ("nose", "head_top")),
        ("head", ("left_ear", "nose"), ("nose",)),
        ("head_top", ("nose",), ("nose",)),
        ("thorax", ("neck", "left_shoulder"), ("neck",)),
        ("left_foot", ("left_big_toe", "left_small_toe"), ("left_big_toe", "left_small_toe")),
        ("left_foot", ("left_big_toe", "right_small_toe"), ("left_big_toe",)),
        ("right_small_toe", ("right_foot", "left_foot"), ("right_foot",)),
        ("right_hand", ("right_wrist", "right_middle_tip"), ("right_wrist", "right_middle_tip")),
        ("right_hand", ("right_wrist",), ()),
    ],
)
def test_the_first_alternative_that_the_source_can_serve(wanted, known, sources):
    have, want = Layout("have", known, ()), Layout("want", (wanted,), ())
    weights = dict(zip(known, joint_map(have, want).matrix[0].tolist(), strict=True))
    assert weights == {joint: (joint in sources) / max(len(sources), 1) for joint in known}


def test_a_map_is_shared_and_cannot_be_changed():
    mapping = joint_map("coco", "nvidia")
    assert joint_map("coco", "nvidia") is mapping
    with pytest.raises(ValueError, match="read-only"):
        mapping.matrix[0] = 1


@pytest.mark.parametrize(
    "shoulder", [(9, 9, 9, 0), (np.nan, 9, 9, 1), (9, np.inf, 9, 1), (9, 9, 9, np.nan)]
)
def test_a_missing_source_makes_the_average_missing(shoulder: tuple[float, ...]):
    coco = pose("coco", left_shoulder=(2, 8, 0, 1), right_shoulder=shoulder)
    mapped = joint_map("coco", "openpose").apply(coco)
    assert joint("openpose", mapped, "neck") == [0, 0, 0, 0]
    assert joint("openpose", mapped, "right_shoulder") == [0, 0, 0, 0]
    assert joint("openpose", mapped, "left_shoulder") == [2, 8, 0, 1]


def test_poses_without_confidence():
    kinect = np.zeros((2, 20, 3))
    kinect[0] = RNG.uniform(1, 2, (20, 3))
    kinect[1, :4] = 1
    kinect[1, 2, 0] = np.nan
    mapped = joint_map("kinect-v1", "nvidia").apply(kinect)
    missing = [n in joint_map("kinect-v1", "nvidia").missing for n in get_layout("nvidia").joints]
    np.testing.assert_array_equal(mapped[0, :, 3], 1 - np.array(missing))
    assert joint("nvidia", mapped[1], "neck") == [0, 0, 0, 0]
    assert joint("nvidia", mapped[1], "torso") == [1, 1, 1, 1]
    assert joint("nvidia", mapped[1], "left_knee") == [0, 0, 0, 0]


def test_motion_capture_names():
    """HDM05 places a joint at the far end of its bone."""
    mapping = joint_map("hdm05", "nvidia")
    bones = get_layout("hdm05").joints
    sources = {
        target: [bones[i] for i in np.flatnonzero(row)]
        for target, row in zip(get_layout("nvidia").joints, mapping.matrix, strict=True)
    }
    assert sources["left_knee"] == ["lfemur"]
    assert sources["right_ankle"] == ["rtibia"]
    assert sources["left_shoulder"] == ["lclavicle"]
    assert sources["left_wrist"] == ["lwrist"]
    assert sources["torso"] == ["root", "thorax"]
    assert sources["nose"] == ["head"]


def test_layouts_of_ones_own_can_be_mapped():
    arms = Layout("arms", ("l", "r"), ((0, 1),), aliases={"l": "left_hip", "r": "right_hip"})
    mapping = joint_map(arms, "kinect-v1")
    assert mapping.matrix[0].tolist() == [0.5, 0.5]
    assert "thorax" in mapping.missing


@pytest.mark.parametrize("shape", [(17,), (34, 4), (17, 5), (17, 2)])
def test_wrong_shapes(shape: tuple[int, ...]):
    with pytest.raises(InputError, match=r"must end in \(17, 3\) or \(17, 4\), got shape"):
        joint_map("coco", "nvidia").apply(np.zeros(shape))
