import numpy as np
import pytest

from converter import InputError, Layout, get_layout
from training.pose_classification.augment import apply_matrix, rotation_matrix
from training.pose_classification.prenormalise import fit_box, make_pre_normaliser

NVIDIA = get_layout("nvidia")
PELVIS, LEFT, RIGHT = (
    NVIDIA.common_names.index(name) for name in ("pelvis", "left_shoulder", "right_shoulder")
)


@pytest.fixture
def sequence() -> np.ndarray:
    """(3, 5, 34, 2): two random bodies, one missing joint, one empty frame at the end."""
    sequence = np.random.default_rng(1).normal(size=(3, 5, 34, 2)).astype(np.float32)
    sequence[:, 1, 7, 0] = 0
    sequence[:, 4] = 0
    return sequence


def _first(sequence: np.ndarray, joint: int) -> np.ndarray:
    return sequence[:, 0, joint, 0]


def test_first_frame_is_upright(sequence):
    upright = make_pre_normaliser(NVIDIA, True)(sequence)
    np.testing.assert_allclose(_first(upright, PELVIS), 0, atol=1e-6)
    names = NVIDIA.common_names
    top = "thorax" if "thorax" in names else "neck"
    spine = _first(upright, names.index(top))
    np.testing.assert_allclose(spine[:2], 0, atol=1e-5)
    assert spine[2] > 0
    shoulders = _first(upright, RIGHT) - _first(upright, LEFT)
    assert shoulders[0] > 0
    assert shoulders[1] == pytest.approx(0, abs=1e-5)
    assert upright.dtype == np.float32


def test_shape_of_the_body_is_kept_and_zeros_stay(sequence):
    upright = make_pre_normaliser(NVIDIA, True)(sequence)
    assert not upright[:, 4].any()
    assert not upright[:, 1, 7, 0].any()
    before = np.linalg.norm(sequence[:, 0, 3, 0] - sequence[:, 2, 9, 1])
    after = np.linalg.norm(upright[:, 0, 3, 0] - upright[:, 2, 9, 1])
    assert after == pytest.approx(before, rel=1e-5)


def test_place_and_direction_do_not_matter(sequence):
    normalise = make_pre_normaliser(NVIDIA, True)
    turned = apply_matrix(sequence, rotation_matrix(np.array([0.4, -2.0, 1.0])))
    turned += np.float32(3) * turned.any(axis=0)
    np.testing.assert_allclose(normalise(turned), normalise(sequence), atol=2e-5)


def test_first_frame_that_shows_the_body_is_used(sequence):
    later = np.roll(sequence, 2, axis=1)
    later[:, :2] = 0
    upright = make_pre_normaliser(NVIDIA, True)(later)
    np.testing.assert_allclose(upright[:, 2, PELVIS, 0], 0, atol=1e-6)
    assert not upright[:, :2].any()


def test_nothing_to_go_by(sequence):
    normalise = make_pre_normaliser(NVIDIA, True)
    sequence[:, :, PELVIS, 0] = 0
    assert normalise(sequence) is sequence
    collapsed = np.ones((3, 2, 34, 1), dtype=np.float32)
    assert normalise(collapsed) is collapsed
    line = np.broadcast_to(np.arange(1, 35, dtype=np.float32)[:, None], (3, 2, 34, 1))
    assert normalise(line) is line, "spine and shoulders are parallel"


def test_off(sequence):
    assert make_pre_normaliser(NVIDIA, False)(sequence) is sequence


def test_means_stand_in_for_missing_landmarks():
    coco = get_layout("coco")
    body = np.random.default_rng(2).normal(size=(3, 3, 17, 1)).astype(np.float32)
    upright = make_pre_normaliser(coco, True)(body)
    names = coco.common_names
    hips = [names.index("left_hip"), names.index("right_hip")]
    np.testing.assert_allclose(upright[:, 0, hips, 0].mean(axis=1), 0, atol=1e-6)


def test_the_thorax_goes_before_the_neck():
    names = ("pelvis", "thorax", "neck", "left_shoulder", "right_shoulder")
    layout = Layout("both", names, ((0, 1), (1, 2), (1, 3), (1, 4)))
    body = np.random.default_rng(3).normal(size=(3, 1, 5, 1)).astype(np.float32)
    upright = make_pre_normaliser(layout, True)(body)[:, 0, :, 0]
    np.testing.assert_allclose(upright[:2, 1], 0, atol=1e-6)
    assert abs(upright[:2, 2]).max() > 0.1


def test_needs_three_channels_and_shoulders():
    with pytest.raises(InputError, match="3 channels, not 2"):
        make_pre_normaliser(NVIDIA, True)(np.ones((2, 3, 34, 1), dtype=np.float32))
    hand = Layout("hand", ("wrist", "thumb"), ((0, 1),))
    with pytest.raises(InputError, match="layout hand lacks"):
        make_pre_normaliser(hand, True)


def test_the_box_is_filled_and_zeros_stay(sequence):
    boxed = fit_box(sequence)
    seen = sequence.any(axis=0)
    np.testing.assert_allclose(boxed[:, seen].max(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(boxed[:, seen].min(axis=1), -1, atol=1e-6)
    assert not boxed[:, ~seen].any()
    assert boxed.dtype == np.float32


def test_place_and_size_do_not_matter_in_the_box(sequence):
    scale, shift = np.array([[2, 0.5, 10], [1, -3, 100]], np.float32)[..., None, None, None]
    moved = (sequence * scale + shift) * sequence.any(axis=0)
    np.testing.assert_allclose(fit_box(moved), fit_box(sequence), atol=2e-5)


def test_a_box_without_extent_or_body(sequence):
    flat = sequence.copy()
    flat[2] = np.where(sequence.any(axis=0), 4, 0)
    assert not fit_box(flat)[2].any()
    np.testing.assert_array_equal(fit_box(np.zeros_like(sequence)), 0)
