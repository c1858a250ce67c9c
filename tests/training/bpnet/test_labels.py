import math

import numpy as np
import pytest

from training.bpnet.keypoints import Visibility
from training.bpnet.labels import LabelEncoder
from training.bpnet.pose_config import PoseConfig

ABSENT = (0, 0, Visibility.NOT_LABELED)


@pytest.fixture
def pose():
    category = {"name": "person", "keypoints": ["a", "b"], "skeleton": [[1, 2]]}
    return PoseConfig.from_document({"categories": [category]})


def people(*persons):
    return np.array(persons, float)


def test_heatmap_cells_by_hand(pose):
    labels = LabelEncoder(pose, (4, 6), stride=8)(people([(11.5, 3.5, 0), ABSENT]))
    assert labels.shape == (2 + 2 + 1, 4, 6)
    assert labels.dtype == np.float32
    a, b, background = labels[2], labels[3], labels[4]
    assert a[0, 1] == pytest.approx(1)  # the centre of cell (0, 1) is at 8 + 3.5
    assert a[0, 2] == pytest.approx(math.exp(-(8**2) / (2 * 49)))
    assert a[1, 0] == pytest.approx(math.exp(-(8**2 + 8**2) / (2 * 49)))
    assert a[1, 4] == pytest.approx(math.exp(-(24**2 + 8**2) / (2 * 49)))  # 0.0015
    assert a[3, 5] == 0  # below 0.001
    assert not b.any()
    assert background[0, 1] == pytest.approx(0)
    assert background[3, 5] == 1


def test_heatmap_takes_the_largest_of_all_people(pose):
    encoder = LabelEncoder(pose, (4, 4), stride=8)
    one, other = [(3.5, 3.5, 0), ABSENT], [(19.5, 3.5, 0), ABSENT]
    both = encoder(people(one, other))[2]
    np.testing.assert_array_equal(
        both, np.maximum(encoder(people(one))[2], encoder(people(other))[2])
    )


@pytest.mark.parametrize("flag", list(Visibility))
def test_which_joints_are_drawn(pose, flag):
    drawn = LabelEncoder(pose, (4, 4), stride=8)(people([(8, 8, flag), ABSENT]))[2].any()
    assert drawn == (flag <= Visibility.OCCLUDED)


def test_paf_cells_by_hand(pose):
    # A level limb at y = 11.5 from x = 3.5 to 27.5: the half width of 8 pixels reaches the rows
    # with centres 3.5, 11.5 and 19.5, and the columns with centres up to 35.5.
    labels = LabelEncoder(pose, (5, 6), stride=8)(people([(3.5, 11.5, 0), (27.5, 11.5, 0)]))
    x, y = labels[0], labels[1]
    expected = np.zeros((5, 6))
    expected[0:3, 0:5] = 1
    np.testing.assert_array_equal(x, expected)
    assert not y.any()


def test_paf_is_the_unit_vector(pose):
    labels = LabelEncoder(pose, (8, 8), stride=8)(people([(12, 12, 0), (36, 44, 0)]))
    inside = labels[:2, 3, 2]  # the middle of the limb, about (24, 28)
    np.testing.assert_allclose(inside, [0.6, 0.8], rtol=1e-6)


def test_limb_without_length_or_without_an_end_has_no_field(pose):
    encoder = LabelEncoder(pose, (4, 4), stride=8)
    assert not encoder(people([(9, 9, 0), (9, 9, 0)]))[:2].any()
    for y in (9, 11.5):  # on the centres of a row of cells, too
        assert not encoder(people([(9, y, 0), (30, y, Visibility.NOT_LABELED)]))[:2].any()


def test_crossing_limbs_are_averaged_and_nothing_is_erased(pose):
    level = [(4, 28, 0), (60, 28, 0)]
    steep = [(4, 4, 0), (60, 60, 0)]
    encoder = LabelEncoder(pose, (8, 8), stride=8)
    alone, both = encoder(people(level))[:2], encoder(people(level, steep))[:2]
    assert alone[0, 3, 7] == both[0, 3, 7] == 1  # far from the second limb, inside its box
    diagonal = 1 / math.sqrt(2)
    np.testing.assert_allclose(both[:, 3, 3], [(1 + diagonal) / 2, diagonal / 2], rtol=1e-6)


def reference_pafs(joints, limb, shape, stride, width):
    """The reference's rule, cell by cell."""
    pafs = np.zeros((2, *shape))
    reach = width * stride
    for person in joints:
        (ax, ay), (bx, by) = person[limb[0], :2], person[limb[1], :2]
        length = math.hypot(bx - ax, by - ay)
        for row in range(shape[0]):
            for column in range(shape[1]):
                in_x = round((min(ax, bx) - reach) / stride) <= column
                in_x &= column < round((max(ax, bx) + reach) / stride)
                in_y = round((min(ay, by) - reach) / stride) <= row
                in_y &= row < round((max(ay, by) + reach) / stride)
                if not (in_x and in_y):
                    continue
                dx, dy = column * stride - ax, row * stride - ay
                near = abs((dx * (by - ay) - dy * (bx - ax)) / length) <= reach
                pafs[:, row, column] = [(bx - ax) / length, (by - ay) / length] if near else 0
    return pafs


def test_compat_repeats_the_reference(pose):
    rng = np.random.default_rng(3)
    joints = np.zeros((4, 2, 3))
    joints[..., :2] = rng.uniform(-20, 90, (4, 2, 2))
    labels = LabelEncoder(pose, (8, 9), stride=8, compat=True)(joints)
    expected = reference_pafs(joints, (0, 1), (8, 9), 8, 1.0)
    np.testing.assert_allclose(labels[:2], expected, atol=1e-6)
    assert not np.allclose(labels[:2], LabelEncoder(pose, (8, 9), stride=8)(joints)[:2])


def test_no_people(pose):
    labels = LabelEncoder(pose, (2, 2), stride=8)(np.zeros((0, 2, 3)))
    assert not labels[:4].any()
    assert (labels[4] == 1).all()
