import numpy as np
import pytest

from converter import ConvertConfig, InputError, network_input, resample, segment_bounds


def motion(frames: int, rate: float) -> np.ndarray:
    """(T, V, 4): joints that move evenly in time, each at a speed of its own."""
    seconds = np.arange(frames)[:, None, None] / rate
    speeds = np.arange(1.0, 34 * 3 + 1).reshape(34, 3)
    poses = np.ones((frames, 34, 4), dtype=np.float32)
    poses[..., :3] = 10 + seconds * speeds
    return poses


@pytest.mark.parametrize("rate", [1.0, 10.0, 12.5, 25.0, 50.0, 60.0, 120.0])
def test_even_motion_is_the_same_at_every_rate(rate: float):
    made = resample(motion(40, rate), rate)
    assert made.dtype == np.float32
    assert 39 / rate - 1 / 30 < (len(made) - 1) / 30 < 39 / rate + 1e-6
    np.testing.assert_allclose(made, motion(len(made), 30.0), rtol=1e-5)


@pytest.mark.parametrize("rate", [30.0, 29.97, 30.25, 29.75])
def test_the_rate_of_the_network_changes_nothing(rate: float):
    poses = motion(12, rate)
    assert resample(poses, rate) is poses


def test_a_whole_number_of_frames_is_not_rounded_down():
    assert len(resample(motion(14, 13.0), 13.0)) == 31, "13 / 13 s"
    config = ConvertConfig(frame_rate=9.75, sequence_length=41)
    assert config.segment_frames == 14, "40 / 30 s"


@pytest.mark.parametrize("rate", [30.5, 29.5])
def test_more_than_one_percent_off_is_another_rate(rate: float):
    poses = motion(12, rate)
    assert resample(poses, rate) is not poses


def test_one_frame_stays_one():
    assert len(resample(motion(1, 10.0), 10.0)) == 1


@pytest.mark.parametrize("kind", [np.int64, np.uint16, bool, list])
def test_whole_numbers_are_interpolated_too(kind):
    poses = np.zeros((2, 34, 4), int)
    poses[1], poses[..., 3] = 1, 1
    given = poses.tolist() if kind is list else poses.astype(kind)
    np.testing.assert_allclose(resample(given, 10.0)[:, 0, 0], [0, 1 / 3, 2 / 3, 1])


@pytest.mark.parametrize(
    ("shape", "rate", "message"),
    [
        ((5, 34, 3), 15.0, r"must have shape \(T, V, 4\), got \(5, 34, 3\)"),
        ((5, 34), 15.0, r"must have shape \(T, V, 4\), got \(5, 34\)"),
        ((5, 34, 4), 0, "frame_rate is 0, must be above 0"),
        ((5, 34, 4), -15.0, "frame_rate is -15.0, must be above 0"),
        ((5, 34, 4), np.nan, "frame_rate is nan, must be above 0 and finite"),
        ((5, 34, 4), np.inf, "frame_rate is inf, must be above 0 and finite"),
    ],
)
def test_what_cannot_be_resampled(shape: tuple[int, ...], rate: float, message: str):
    with pytest.raises(InputError, match=message):
        resample(np.ones(shape), rate)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
@pytest.mark.parametrize("gone", [0.0, np.nan, np.inf])
def test_missing_joints_are_taken_from_the_nearer_frame(gone: float, confidence: float):
    poses = motion(3, 10.0)
    poses[1, 5] = [gone, gone, gone, confidence if gone else 0.0]
    made = resample(poses, 10.0)
    np.testing.assert_array_equal(made[:2, 5], poses[[0, 0], 5])
    np.testing.assert_array_equal(made[2:5, 5], poses[[1, 1, 1], 5])
    np.testing.assert_array_equal(made[5:, 5], poses[[2, 2], 5])
    others = np.delete(np.arange(34), 5)
    np.testing.assert_allclose(made[:, others], motion(7, 30.0)[:, others], rtol=1e-5)


def test_network_input_is_at_the_rate_of_the_network():
    slow = ConvertConfig(frame_rate=10)
    assert (slow.segment_frames, slow.segment_frames_min) == (34, 4)
    assert ConvertConfig(frame_rate=29.97).segment_frames == 100
    made = network_input(motion(34, 10.0), slow)
    usual = network_input(motion(100, 30.0), ConvertConfig())
    np.testing.assert_allclose(made, usual, atol=1e-6)


@pytest.mark.parametrize("rate", [0.7, 3.0, 7.0, 10.0, 12.5, 29.97, 59.94, 100.0])
def test_no_segment_is_too_long_for_the_network(rate: float):
    config = ConvertConfig(sequence_length=300, frame_rate=rate, sequence_overlap=0.5)
    whole, more = config.segment_frames, config.segment_frames + 1
    assert len(resample(motion(whole, rate), rate)) <= 300
    if rate < 29:
        assert len(resample(motion(more, rate), rate)) > 300
    assert segment_bounds(3 * whole, config)[0] == (0, whole)
