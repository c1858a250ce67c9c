import cv2
import numpy as np
import pytest

from tests.training.bpnet.figures import POSE, crowd
from tests.training.bpnet.postprocess import restatement
from training.bpnet.labels import LabelEncoder
from training.bpnet.postprocess import PeopleParser


def maps_of(joints, height=46, width=46):
    """Perfect network outputs for the people: heatmaps (H, W, 19), PAFs (H, W, 38)."""
    labels = LabelEncoder(POSE, (height, width), stride=8)(joints).transpose(1, 2, 0)
    split = POSE.paf_channels
    return np.ascontiguousarray(labels[..., split:]), np.ascontiguousarray(labels[..., :split])


def by_place(people):
    return sorted(people, key=lambda person: person[0][:, :2].sum())


def as_pairs(people):
    joints = np.concatenate([people.keypoints, people.joint_scores[..., None]], axis=2)
    return list(zip(joints, people.scores, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_reference_on_noisy_maps(seed):
    rng = np.random.default_rng(seed)
    heatmaps, pafs = maps_of(crowd(2, 3, 120, 180, rng))
    heatmaps *= rng.uniform(0.3, 1, heatmaps.shape[2]).astype(np.float32)
    heatmaps += cv2.GaussianBlur(rng.normal(0, 0.02, heatmaps.shape).astype(np.float32), (3, 3), 1)
    pafs += rng.normal(0, 0.05, pafs.shape).astype(np.float32)
    expected = by_place(restatement.people(heatmaps, pafs, POSE, 8))
    found = by_place(as_pairs(PeopleParser(POSE)(heatmaps, pafs)))
    assert len(found) == len(expected) > 0
    for (joints, score), (expected_joints, expected_score) in zip(found, expected, strict=True):
        np.testing.assert_allclose(joints, expected_joints, atol=1e-4)
        assert score == pytest.approx(expected_score, abs=1e-5)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_finds_every_joint_of_everybody_at_every_enlargement(factor):
    joints = crowd(2, 3, 120, 180)
    people = PeopleParser(POSE, factor=factor)(*maps_of(joints))
    assert len(people) == 6
    assert (people.joint_scores > 0.5).all()
    stride = 8 / factor
    pixels = (people.keypoints + 0.5) * stride - 0.5
    order = np.lexsort((pixels[:, 1, 0].round(-1), pixels[:, 1, 1].round(-1)))
    # To half a pixel of the enlarged map, where the cubic is not exact itself.
    assert np.abs(pixels[order] - joints[..., :2]).max() <= max(stride, 2)


def test_enlarging_a_rectangular_map_at_its_edges():
    joints = crowd(1, 1, 100, 130)
    joints[..., :2] += (-12, -8)  # some joints lie outside
    heatmaps, pafs = maps_of(joints, height=18, width=13)
    expected = restatement.people(heatmaps, pafs, POSE, 8)
    found = as_pairs(PeopleParser(POSE)(heatmaps, pafs))
    assert len(found) == len(expected) == 1
    np.testing.assert_allclose(found[0][0], expected[0][0], atol=1e-4)


def test_thresholds_reach_the_parser():
    heatmaps, pafs = maps_of(crowd(1, 2, 150, 200))
    assert len(PeopleParser(POSE)(heatmaps, pafs)) == 2
    assert len(PeopleParser(POSE, heatmap_threshold=1.1)(heatmaps, pafs)) == 0
    assert len(PeopleParser(POSE, paf_threshold=2)(heatmaps, pafs)) == 0
    assert len(PeopleParser(POSE, min_joints=19)(heatmaps, pafs)) == 0
    assert len(PeopleParser(POSE, min_mean_score=3)(heatmaps, pafs)) == 0


def test_missing_joints_are_zero():
    joints = crowd(1, 1, 150, 200)
    joints[0, POSE.joints.index("left_wrist"), 2] = 4
    people = PeopleParser(POSE)(*maps_of(joints))
    missing = people.joint_scores[0] == 0
    assert [POSE.joints[i] for i in np.flatnonzero(missing)] == ["left_wrist"]
    assert not people.keypoints[0, missing].any()


def test_nobody():
    empty = np.zeros((46, 46, 19), np.float32), np.zeros((46, 46, 38), np.float32)
    people = PeopleParser(POSE)(*empty)
    assert people.keypoints.shape == (0, 18, 2)
    assert people.scores.shape == (0,)


def test_noise_is_bounded():
    rng = np.random.default_rng(0)
    heatmaps = rng.random((46, 46, 19), np.float32)
    pafs = rng.normal(0, 1, (46, 46, 38)).astype(np.float32)
    people = PeopleParser(POSE)(heatmaps, pafs)
    assert np.isfinite(people.keypoints).all()


def test_twenty_people_are_found():
    heatmaps, pafs = maps_of(crowd(4, 5, 73, 91))
    parser = PeopleParser(POSE)
    assert len(parser(heatmaps, pafs)) == 20
