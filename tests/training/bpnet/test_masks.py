import numpy as np
import pytest
from faster_coco_eval.core import mask as rle

from tests.training.bpnet.datasets import annotation
from tests.training.bpnet.figures import standing
from training.bpnet.coco import Person
from training.bpnet.masks import loss_mask, segment

SHAPE = (20, 30)


def box(x, y, width, height):
    """A rectangle as polygon; its pixels are [y:y+h, x:x+w]."""
    return [[x, y, x + width, y, x + width, y + height, x, y + height]]


def person(segmentation, num_keypoints=5, iscrowd=False):
    return Person(np.zeros((17, 3)), num_keypoints, (0, 0, 1, 1), 1.0, iscrowd, segmentation)


def test_polygon():
    expected = np.zeros(SHAPE, bool)
    expected[3:8, 4:14] = True
    np.testing.assert_array_equal(segment(box(4, 3, 10, 5), *SHAPE), expected)


def test_run_lengths_both_ways():
    expected = segment(box(4, 3, 10, 5), *SHAPE)
    compressed = rle.encode(np.asfortranarray(expected.astype(np.uint8)))
    compressed["counts"] = compressed["counts"].decode()
    flat = expected.ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    plain = {"size": list(SHAPE), "counts": counts}
    for form in (compressed, plain, [plain]):
        np.testing.assert_array_equal(segment(form, *SHAPE), expected)


@pytest.mark.parametrize(
    "broken",
    [
        [[1, 2]],
        {"size": [1]},
        "text",
        [["a"] * 8],
        {"counts": 3},
        {"size": [30, 20], "counts": [600]},
        {"size": [20, 30], "counts": [500]},
        {"size": [30, 20], "counts": "hb0"},
        box(0, 0, 1e300, 5),
        box(-1e9, 0, 5, 5),
    ],
)
def test_unreadable_segmentation(broken):
    with pytest.raises(ValueError, match="segmentation cannot be read"):
        segment(broken, *SHAPE)


def test_no_segmentation_masks_nothing():
    assert (loss_mask([person(None, num_keypoints=0)], *SHAPE) == 255).all()


def test_crowds_and_unlabelled_people_are_ignored_but_not_labelled_people_before_them():
    people = [
        person(box(0, 0, 10, 20), iscrowd=True, num_keypoints=0),
        person(box(20, 0, 10, 20), num_keypoints=0),
        person(box(5, 0, 20, 10)),
    ]
    mask = loss_mask(people, *SHAPE)
    assert mask.dtype == np.uint8
    expected = np.full(SHAPE, 255)
    expected[:, :10] = expected[:, 20:] = 0
    expected[:10, 5:25] = 255
    np.testing.assert_array_equal(mask, expected)
    expected[:10, 20:25] = 0  # the reference gives only crowds back
    np.testing.assert_array_equal(loss_mask(people, *SHAPE, compat=True), expected)


def test_annotation_helper_draws_a_box():
    """The drawn data set's segment is its box, so that masks in other tests mean something."""
    entry = annotation(1, standing(2, 2, 10, 14))
    assert segment(entry["segmentation"], *SHAPE).any()
