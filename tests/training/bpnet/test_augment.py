import numpy as np
import pytest

from tests.training.bpnet.figures import POSE, crowd
from training.bpnet.augment import (
    IMAGE_BORDER,
    SpatialAugmenter,
    View,
    view_image,
    view_joints,
)
from training.bpnet.dataloader_spec import SpatialAugParams

PHOTO = (200, 400)  # height, width


def draw(mode="person_centric", seed=0, center=(100.0, 80.0), height=128.0, **params):
    ranges = SpatialAugParams(target_person_scale=0.5, **params)
    augmenter = SpatialAugmenter(mode, ranges, (256, 256))
    return augmenter.draw(np.random.default_rng(seed), PHOTO, np.array(center), height)


def place(view, x, y):
    return (view.matrix @ (x, y, 1))[:2]


def test_person_centric_brings_the_person_to_the_middle_at_the_target_scale():
    view = draw()
    np.testing.assert_allclose(place(view, 100, 80), (128, 128))
    # The person is 128 high and shall be half of the input's 256: nothing to scale.
    np.testing.assert_allclose(place(view, 100, 80 + 128), (128, 256), rtol=1e-4)
    smaller = draw(height=256.0)
    np.testing.assert_allclose(place(smaller, 100, 80 + 256), (128, 256), rtol=1e-4)


def test_standard_keeps_the_photos_aspect_and_the_other_stretches():
    kept = draw("standard")
    np.testing.assert_allclose(place(kept, 200, 100), (128, 128))
    np.testing.assert_allclose(place(kept, 0, 0), (0, 64))
    np.testing.assert_allclose(place(kept, 400, 200), (256, 192))
    stretched = draw("standard_with_fixed_aspect_ratio")
    np.testing.assert_allclose(place(stretched, 0, 0), (0, 0))
    np.testing.assert_allclose(place(stretched, 400, 200), (256, 256))


def test_rotation_is_about_the_person():
    view = draw(rotate_deg_min=90, rotate_deg_max=90)
    np.testing.assert_allclose(place(view, 100, 80), (128, 128))
    np.testing.assert_allclose(place(view, 150, 80), (128, 178), rtol=1e-3)


def test_shift_in_pixels_and_as_a_share():
    view = draw(translate_min_x=10, translate_max_x=10, translate_min_y=-5, translate_max_y=-5)
    np.testing.assert_allclose(place(view, 110, 75), (128, 128))
    view = draw(use_translate_ratio=True, translate_ratio_min=0.1, translate_ratio_max=0.1)
    np.testing.assert_allclose(place(view, 100 + 40, 80 + 20), (128, 128))


def test_zoom_ratio_above_one_makes_smaller_and_happens_with_its_probability():
    near = draw(zoom_prob=1, zoom_ratio_min=2, zoom_ratio_max=2)
    assert near.matrix[0, 0] == pytest.approx(draw().matrix[0, 0] / 2, rel=1e-4)
    views = [draw(seed=i, zoom_prob=0.25, zoom_ratio_max=2) for i in range(200)]
    zoomed = sum(view.matrix[0, 0] != draw().matrix[0, 0] for view in views)
    assert 30 <= zoomed <= 70


def test_flips():
    view = draw(flip_lr_prob=1)
    assert view.mirrored
    np.testing.assert_allclose(place(view, 110, 80), (118, 128), rtol=1e-3)
    upside_down = draw(flip_tb_prob=1)
    assert upside_down.mirrored
    np.testing.assert_allclose(place(upside_down, 100, 90), (128, 118), rtol=1e-3)
    assert not draw(flip_lr_prob=1, flip_tb_prob=1).mirrored  # half a turn


def test_joints_follow_the_image_and_swap_sides():
    joints = crowd(1, 1, 100, 150)
    view = View(np.array([[-1.0, 0, 200], [0, 1, 0], [0, 0, 1]]), mirrored=True)
    seen = view_joints(joints, view, POSE)
    left, right = POSE.joints.index("left_wrist"), POSE.joints.index("right_wrist")
    np.testing.assert_allclose(seen[0, left, 0], 200 - joints[0, right, 0])
    np.testing.assert_allclose(seen[0, left, 1:], joints[0, right, 1:])


def test_image_and_joints_agree():
    """A bright dot lands where the joint does."""
    image = np.zeros((*PHOTO, 3), np.uint8)
    image[60:63, 120:123] = 255
    view = draw(seed=4, rotate_deg_max=30, translate_max_x=20, flip_lr_prob=0.5)
    seen = view_image(image, view, (256, 256), IMAGE_BORDER)
    bright = np.argwhere((seen == 255).all(axis=2)).mean(axis=0)[::-1]
    np.testing.assert_allclose(bright, place(view, 121, 61), atol=0.6)
    assert (seen[0, 0] == IMAGE_BORDER).all()
