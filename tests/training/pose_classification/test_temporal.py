import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.pose_classification.temporal import (
    pad,
    random_choose,
    random_crop,
    random_sample,
    uniform_clips,
    uniform_indices,
    uniform_sample,
    valid_length,
)


def numbered(length: int, first: int = 1) -> np.ndarray:
    """(2, T, 3, 1) whose frame t holds t + 1 everywhere."""
    frames = np.arange(first, first + length, dtype=np.float32)
    return np.broadcast_to(frames[None, :, None, None], (2, length, 3, 1)).copy()


def frames(sequence: np.ndarray) -> list[int]:
    return sequence[0, :, 0, 0].astype(int).tolist()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_valid_length():
    sequence = np.zeros((3, 8, 5, 2), dtype=np.float32)
    assert valid_length(sequence) == 1
    sequence[2, 4, 3, 1] = 0.1
    assert valid_length(sequence) == 5
    sequence[0, 1] = 1
    assert valid_length(sequence) == 5


def test_pad():
    assert frames(pad(numbered(3), 5)) == [1, 2, 3, 0, 0]
    assert frames(pad(numbered(3), 5, begin=2)) == [0, 0, 1, 2, 3]
    assert frames(pad(numbered(5), 3)) == [1, 2, 3, 4, 5]


def test_random_choose_crops_anywhere():
    starts = {tuple(frames(random_choose(numbered(6), 4, rng(seed)))) for seed in range(40)}
    assert starts == {(1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 6)}


def test_random_choose_pads_anywhere():
    places = {tuple(frames(random_choose(numbered(2), 4, rng(seed)))) for seed in range(40)}
    assert places == {(1, 2, 0, 0), (0, 1, 2, 0), (0, 0, 1, 2)}


@pytest.mark.parametrize("size", [-1, 0, 5])
def test_random_choose_keeps_all_frames(size):
    # TAO cuts off the last frame at -1.
    assert frames(random_choose(numbered(5), size, rng())) == [1, 2, 3, 4, 5]


@given(st.integers(1, 400), st.integers(1, 120), st.integers(0, 1000))
def test_uniform_indices_take_one_frame_of_each_part(length, size, seed):
    indices = uniform_indices(length, size, rng(seed).random(size))
    assert indices.shape == (size,)
    assert indices[0] >= 0 and indices[-1] < length
    assert (np.diff(indices) >= 0).all()
    bounds = np.arange(size + 1) * length / size
    assert (indices >= np.floor(bounds[:-1]) - 1e-9).all()
    assert (indices <= bounds[1:]).all()
    if length <= size:  # no frame of a short sequence is more than one part away
        assert np.diff(indices).max(initial=0) <= 2


def test_uniform_indices_by_hand():
    assert uniform_indices(8, 4, 0.5).tolist() == [1, 3, 5, 7]
    assert uniform_indices(8, 4, 0.0).tolist() == [0, 2, 4, 6]
    assert uniform_indices(2, 4, 0.5).tolist() == [0, 0, 1, 1]
    assert uniform_indices(3, 3, np.array([0.9, 0.1, 0.99])).tolist() == [0, 1, 2]
    assert uniform_indices(7, 10, np.nextafter(1, 0))[-1] == 6, "rounding leads behind the end"


def test_uniform_sample_is_random_and_repeatable():
    first = frames(uniform_sample(numbered(50), 10, rng(1)))
    assert first == frames(uniform_sample(numbered(50), 10, rng(1)))
    assert first != frames(uniform_sample(numbered(50), 10, rng(2)))
    assert len(set(np.diff(first).tolist())) > 1, "each part has a draw of its own"


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 9))
def test_random_sample_keeps_the_order(length, size, seed):
    sample = frames(random_sample(numbered(length), size, rng(seed)))
    assert sample == sorted(sample) and len(sample) == size
    assert set(sample) <= set(range(1, length + 1))


def test_random_sample_draws_from_anywhere():
    drawn = [frames(random_sample(numbered(20), 20, rng(seed))) for seed in range(200)]
    assert all(len(set(sample)) < 20 for sample in drawn)  # some frames are drawn twice
    counts = np.bincount(np.ravel(drawn), minlength=21)[1:]
    assert counts.min() > 140 and counts.max() < 260


def test_uniform_clips_differ_and_repeat():
    clips = uniform_clips(numbered(40), 10, 4)
    assert clips.shape == (4, 2, 10, 3, 1)
    assert [frames(clip)[0] for clip in clips] == [1, 2, 3, 4]
    np.testing.assert_array_equal(clips, uniform_clips(numbered(40), 10, 4))
    assert frames(uniform_clips(numbered(40), 10, 1)[0])[:2] == [3, 7]


@given(st.integers(1, 50), st.floats(0.01, 1), st.integers(0, 9))
def test_random_crop_is_a_stretch_of_at_least_the_share(length, least, seed):
    kept = frames(random_crop(numbered(length), least, rng(seed)))
    assert kept == list(range(kept[0], kept[0] + len(kept)))
    assert kept[0] >= 1 and kept[-1] <= length
    assert len(kept) >= max(1, round(least * length) - 1)


def test_random_crops_differ():
    assert len({tuple(frames(random_crop(numbered(30), 0.5, rng(seed)))) for seed in range(9)}) > 5
