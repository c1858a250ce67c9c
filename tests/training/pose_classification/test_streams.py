import numpy as np
import pytest

from converter import Layout, get_layout, layout_names
from training.pose_classification.streams import bones, make_stream, motion, parents

CHAIN = Layout("chain", ("hip", "spine", "head", "hand"), ((0, 1), (2, 1), (1, 3)), centre=0)


@pytest.fixture
def sequence() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, 4, 4, 1)).astype(np.float32)


def test_parents_lead_to_the_centre():
    assert parents(CHAIN).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("name", layout_names())
def test_parents_are_neighbours_that_lead_to_a_root(name):
    layout = get_layout(name)
    parent = parents(layout)
    joints = np.arange(layout.num_joints)
    roots = np.flatnonzero(parent == joints)
    edges = {frozenset(edge) for edge in layout.edges}
    assert all(frozenset((j, parent[j])) in edges for j in joints if j not in roots)
    for _ in layout.joints:
        joints = parent[joints]
    assert set(joints.tolist()) == set(roots.tolist())
    assert layout.centre in roots


def test_unconnected_parts_have_roots_of_their_own():
    parts = Layout("parts", ("a", "b", "c", "d", "e"), ((0, 1), (4, 3), (3, 2)), centre=1)
    assert parents(parts).tolist() == [1, 1, 2, 2, 3]


def test_the_way_to_the_centre_is_the_shortest():
    ring = Layout("ring", ("a", "b", "c", "d"), ((0, 1), (1, 2), (2, 3), (3, 0)), centre=0)
    assert parents(ring).tolist() == [0, 0, 1, 0]


def test_bones_by_hand(sequence):
    found = bones(sequence, parents(CHAIN))
    np.testing.assert_array_equal(found[:, :, 0], 0)
    np.testing.assert_array_equal(found[:, :, 2], sequence[:, :, 2] - sequence[:, :, 1])
    np.testing.assert_array_equal(found[:, :, 3], sequence[:, :, 3] - sequence[:, :, 1])


def test_missing_joints_have_no_bones(sequence):
    sequence[:, 1, 1] = 0
    found = bones(sequence, parents(CHAIN))
    assert not found[:, 1].any()
    assert found[:, 0, 1:].all()


def test_motion_by_hand(sequence):
    found = motion(sequence)
    np.testing.assert_array_equal(found[:, :3], sequence[:, 1:] - sequence[:, :-1])
    np.testing.assert_array_equal(found[:, 3], 0)


def test_motion_does_not_jump_to_or_from_padding(sequence):
    sequence[:, 2] = 0
    found = motion(sequence)
    assert found[:, 0].all()
    assert not found[:, 1:].any()


def test_streams(sequence):
    parent = parents(CHAIN)
    streams = {
        name: make_stream(sequence, name, parent)
        for name in ("joint", "bone", "joint_motion", "bone_motion")
    }
    np.testing.assert_array_equal(streams["joint"], sequence)
    np.testing.assert_array_equal(streams["bone"], bones(sequence, parent))
    np.testing.assert_array_equal(streams["joint_motion"], motion(sequence))
    np.testing.assert_array_equal(streams["bone_motion"], motion(bones(sequence, parent)))
    assert all(s.shape == sequence.shape and s.dtype == np.float32 for s in streams.values())
