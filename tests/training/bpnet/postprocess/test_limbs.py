"""The rule for limbs, on a field of one limb that is read cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from converter.bodypose import Limbs, Peaks
from training.bpnet.postprocess.limbs import find_limbs

TOPOLOGY = np.array([[0, 1, 0, 1]])  # channels x and y, from joint 0 to joint 1
ENDS = Peaks(np.array([0, 1]), np.array([0, 9]), np.array([1, 1]), np.ones(2))


def limbs_of(row: np.ndarray) -> Limbs:
    """Of a limb from the first to the last of ten cells, whose component along it is `row`."""
    field = np.zeros((3, 10, 2), np.float32)
    field[1, :, 0] = row
    return find_limbs(field, ENDS, TOPOLOGY, factor=1, threshold=0.05)


@pytest.mark.parametrize("place", range(10))
def test_one_place_of_ten_may_fail_and_does_not_count(place: int) -> None:
    row = np.full(10, 0.5)
    row[place] = 0.05  # not above the threshold
    limbs = limbs_of(row)
    assert (limbs.start.tolist(), limbs.end.tolist()) == ([0], [1])
    np.testing.assert_allclose(limbs.score, 0.5)


@pytest.mark.parametrize("places", [(0, 9), (4, 5), (2, 3), (0, 1)])
def test_two_places_of_ten_may_not(places: tuple[int, int]) -> None:
    row = np.full(10, 0.5)
    row[list(places)] = 0.05
    assert len(limbs_of(row).score) == 0


def test_a_field_against_the_limb_is_none() -> None:
    assert len(limbs_of(np.full(10, -0.5)).score) == 0
