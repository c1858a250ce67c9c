import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.pose_classification import augment
from training.pose_classification.augment import (
    apply_matrix,
    random_flip,
    random_jitter,
    random_move,
    random_rotation,
    random_scale,
    rotation_matrix,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def skeletons(channels: int = 3, seed: int = 7) -> np.ndarray:
    """(C, 6, 5, 2) with one missing joint and one empty frame."""
    sequence = rng(seed).normal(size=(channels, 6, 5, 2)).astype(np.float32)
    sequence[:, 2, 3, 1] = 0
    sequence[:, 4] = 0
    return sequence


def reference_random_move(data: np.ndarray, angle, scale, shift_x, shift_y) -> np.ndarray:
    """Frame by frame, as in the code of ST-GCN that TAO took over."""
    frames = data.shape[1]
    a = np.linspace(*angle, frames) * np.pi / 180
    s = np.linspace(*scale, frames)
    t_x, t_y = np.linspace(*shift_x, frames), np.linspace(*shift_y, frames)
    theta = np.array([[np.cos(a) * s, -np.sin(a) * s], [np.sin(a) * s, np.cos(a) * s]])
    out = data.copy()
    for i in range(frames):
        new = theta[:, :, i] @ data[0:2, i].reshape(2, -1)
        new[0] += t_x[i]
        new[1] += t_y[i]
        out[0:2, i] = new.reshape(2, *data.shape[2:])
    return out


class _Fixed:
    """Gives the drift of a test instead of a random one."""

    def __init__(self, *pairs):
        self.pairs = list(pairs)
        self.asked = []

    def choice(self, choices, count):
        self.asked.append((tuple(choices), count))
        return self.pairs.pop(0)


def test_random_move_is_tao_s():
    drift = ((-10.0, 5.0), (0.9, 1.1), (0.2, -0.1), (0.0, 0.1))
    fixed = _Fixed(*drift)
    moved = random_move(skeletons(), fixed)  # type: ignore[arg-type] # stands in for a generator
    np.testing.assert_allclose(moved, reference_random_move(skeletons(), *drift), atol=1e-6)
    assert fixed.asked == [
        ((-10, -5, 0, 5, 10), 2),
        ((0.9, 1, 1.1), 2),
        ((-0.2, -0.1, 0, 0.1, 0.2), 2),
        ((-0.2, -0.1, 0, 0.1, 0.2), 2),
    ]


def test_random_move_leaves_z_and_its_input_alone():
    sequence = skeletons()
    before = sequence.copy()
    moved = random_move(sequence, rng(3))
    np.testing.assert_array_equal(sequence, before)
    np.testing.assert_array_equal(moved[2], before[2])
    assert not np.array_equal(moved[:2], before[:2])
    assert moved[:2, 4].any()  # TAO moves empty frames, too


@pytest.mark.parametrize("channels", [2, 3])
def test_random_rotation_keeps_lengths_and_zeros(channels):
    sequence = skeletons(channels)
    turned = random_rotation(sequence, [0.3] * 3, rng(1))
    np.testing.assert_allclose(
        np.linalg.norm(turned, axis=0), np.linalg.norm(sequence, axis=0), atol=1e-5
    )
    assert not np.allclose(turned, sequence, atol=0.01)
    assert (turned[:, 4] == 0).all() and (turned[:, 2, 3, 1] == 0).all()
    assert turned.dtype == np.float32


def test_random_rotation_is_limited():
    x = np.zeros((3, 1, 1, 1), dtype=np.float32)
    x[0] = 1
    angles = [np.arccos(random_rotation(x, [0.2] * 3, rng(seed))[0].item()) for seed in range(200)]
    assert 0.15 < max(angles) < 0.2 * np.sqrt(2)


@pytest.mark.parametrize(("axis", "still"), [(0, 0), (1, 1), (2, 2)])
def test_random_rotation_about_one_axis(axis, still):
    sequence = skeletons(3)
    turned = random_rotation(sequence, [0.5 * (k == axis) for k in range(3)], rng(2))
    np.testing.assert_allclose(turned[still], sequence[still], atol=1e-6)
    assert not np.allclose(turned, sequence, atol=0.01)


def test_random_rotation_in_the_plane_is_about_z():
    sequence = skeletons(2)
    np.testing.assert_array_equal(random_rotation(sequence, [1, 1, 0], rng(2)), sequence)


def test_rotation_by_hand():
    quarter = np.array([0.0, 0.0, np.pi / 2])
    x = np.array([1, 0, 0], dtype=np.float32).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(
        apply_matrix(x, rotation_matrix(quarter)).ravel(), [0, 1, 0], atol=1e-7
    )
    about_x_then_z = np.array([np.pi / 2, 0.0, np.pi / 2])
    y = np.array([0, 1, 0], dtype=np.float32).reshape(3, 1, 1, 1)
    turned = apply_matrix(y, rotation_matrix(about_x_then_z)).ravel()
    np.testing.assert_allclose(turned, [0, 0, 1], atol=1e-7)


@given(st.lists(st.floats(-3.2, 3.2), min_size=3, max_size=3))
def test_rotations_are_proper(angles):
    matrix = rotation_matrix(np.array(angles))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_random_scale():
    sequence = np.ones((3, 2, 2, 1), dtype=np.float32)
    scaled = random_scale(sequence, 0.2, rng(5))
    factors = scaled[:, 0, 0, 0]
    assert len(set(factors.tolist())) == 3
    assert (scaled == factors[:, None, None, None]).all()
    many = np.array([random_scale(sequence, 0.2, rng(s))[:, 0, 0, 0] for s in range(200)])
    assert 0.8 <= many.min() < 0.82 and 1.18 < many.max() <= 1.2


def test_random_flip_swaps_sides_and_mirrors_x():
    sequence = skeletons()
    flipped = random_flip(sequence, ((1, 2), (3, 4)), 1.0, rng())
    np.testing.assert_array_equal(flipped[0], -sequence[0][:, [0, 2, 1, 4, 3]])
    np.testing.assert_array_equal(flipped[1:], sequence[1:][:, :, [0, 2, 1, 4, 3]])
    assert not flipped[:, 2, 4, 1].any()  # the missing joint has changed sides
    np.testing.assert_array_equal(random_flip(flipped, ((1, 2), (3, 4)), 1.0, rng()), sequence)


def test_random_flip_obeys_its_probability():
    sequence = skeletons()
    flips = [
        not np.array_equal(random_flip(sequence, ((1, 2),), 0.3, rng(seed)), sequence)
        for seed in range(400)
    ]
    assert 0.22 < np.mean(flips) < 0.38
    assert random_flip(sequence, ((1, 2),), 0.0, rng()) is sequence


def test_random_flip_of_a_body_without_sides():
    sequence = skeletons()
    flipped = random_flip(sequence, (), 1.0, rng())
    np.testing.assert_array_equal(flipped[0], -sequence[0])
    np.testing.assert_array_equal(flipped[1:], sequence[1:])


def test_candidates_are_tao_s():
    assert augment._ANGLES == (-10, -5, 0, 5, 10)


def test_random_jitter_moves_each_joint_alike_in_all_frames():
    sequence = skeletons()
    moved = random_jitter(sequence, 0.1, rng())
    offsets = moved - sequence
    seen = (sequence != 0).any(axis=0)
    assert (offsets[:, ~seen] == 0).all()
    first = np.broadcast_to(offsets[:, :1], offsets.shape)
    np.testing.assert_allclose(offsets[:, seen], first[:, seen], atol=1e-6)
    assert 0.05 < first[:, seen].std() < 0.2
    assert len(np.unique(offsets[:, 0].round(5))) == offsets[:, 0].size
