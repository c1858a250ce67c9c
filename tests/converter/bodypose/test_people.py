import numpy as np
import pytest

from converter import InputError
from converter.bodypose import Limbs, NetworkFacts, Peaks, PeopleAssembler, match

# Four joints in a row, and a limb from the first to the last that closes the ring.
RING = PeopleAssembler(4, ((0, 1), (1, 2), (2, 3), (0, 3)), min_joints=2)


def peaks(*joints, score=1.0):
    """Candidate i at (10 i, i)."""
    index = np.arange(len(joints))
    return Peaks(np.array(joints), 10 * index, index, np.full(len(joints), score))


def limbs(*rows, score=1.0):
    limb, start, end = np.array(rows).reshape(-1, 3).T
    return Limbs(limb, start, end, np.full(len(limb), score))


def test_the_best_pairs_are_matched_and_each_end_once():
    found = match(
        np.array([1, 0, 0, 0, 0]), np.array([0, 0, 0, 1, 1]), np.array([5, 5, 6, 5, 6]),
        np.array([0.1, 0.5, 0.9, 0.4, 0.8]),
    )  # fmt: skip
    rows = list(zip(found.limb, found.start, found.end, found.score, strict=True))
    assert rows == [(0, 0, 6, 0.9), (0, 1, 5, 0.4), (1, 0, 5, 0.1)]


def test_a_chain_becomes_one_person():
    found = RING(peaks(0, 1, 2, 3), limbs((0, 0, 1), (1, 1, 2), (2, 2, 3)))
    assert len(found) == 1
    np.testing.assert_array_equal(found.keypoints[0], [[0, 0], [10, 1], [20, 2], [30, 3]])
    assert found.scores[0] == pytest.approx(1 - 1 / 7)  # four joints, three limbs


def test_two_parts_are_joined_by_a_limb_between_them():
    found = RING(peaks(0, 1, 2, 3), limbs((0, 0, 1), (2, 2, 3), (3, 0, 3)))
    assert len(found) == 1
    assert found.scores[0] == pytest.approx(1 - 1 / 7)


def test_a_closing_limb_starts_nobody():
    assert len(RING(peaks(0, 3), limbs((3, 0, 1)))) == 0


def test_a_disputed_joint_goes_to_the_first():
    found = RING(peaks(0, 0, 1, 1, 2), limbs((0, 0, 2), (0, 1, 3), (1, 2, 4)))
    assert found.joint_scores.tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]]


def test_few_joints_and_low_scores_are_dropped():
    strict = PeopleAssembler(4, RING.limbs, min_joints=3)
    chain = limbs((0, 0, 1), (1, 1, 2))
    assert len(strict(peaks(0, 1, 2), chain)) == 1
    assert len(strict(peaks(0, 1), limbs((0, 0, 1)))) == 0
    weak = limbs((0, 0, 1), (1, 1, 2), score=0.1)
    assert len(strict(peaks(0, 1, 2, score=0.3), weak)) == 0  # (0.9 + 0.2) / 3 < 0.4
    fair = limbs((0, 0, 1), (1, 1, 2), score=0.2)
    assert len(strict(peaks(0, 1, 2, score=0.3), fair)) == 1  # (0.9 + 0.4) / 3, of joints found


def test_a_score_is_never_below_zero():
    found = RING(peaks(0, 1, score=0.3), limbs((0, 0, 1), score=0.3))
    assert found.scores.tolist() == [0.0]


def test_nobody():
    found = RING(peaks(), limbs())
    assert found.keypoints.shape == (0, 4, 2)
    assert found.scores.shape == (0,)


def test_what_a_graph_gives():
    """Two people of two candidates per joint; candidates are numbered within their joint."""
    given = np.zeros((4, 2, 3), np.float32)
    given[:3, 0] = [[5, 6, 0.9], [7, 8, 0.8], [9, 10, 0.7]]
    given[:3, 1] = [[50, 60, 0.6], [70, 80, 0.5], [90, 99, 0.5]]
    scores = np.zeros((4, 2, 2), np.float32)
    scores[0] = [[1, 0.3], [0.2, 1]]
    scores[1] = [[1, 0], [0, 1]]
    found = RING.of_graph(given, scores)
    np.testing.assert_array_equal(found.keypoints[0, :3], given[:3, 0, :2])
    np.testing.assert_array_equal(found.keypoints[1, :3], given[:3, 1, :2])
    np.testing.assert_allclose(found.scores, 1 - 1 / np.array([2.4 + 2, 1.6 + 2]), rtol=1e-6)


def test_a_network_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="not the description of a 2D pose network"):
        NetworkFacts.of_model(tmp_path / "none")
