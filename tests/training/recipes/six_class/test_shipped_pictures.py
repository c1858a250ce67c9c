"""The networks that ship for poses in a picture, on the document that ships."""

import numpy as np
import pytest

from converter import ConvertConfig, network_input
from tests.training.recipes.six_class.shipped import Floats, Network, windows

EACH = pytest.mark.parametrize("pose_type", ["2dbp", "25dbp"])
Window = tuple[str, Floats]


def inputs(pose_type: str, poses: list[Floats]) -> Floats:
    """Sequences (N, C, T, 34, 1) of pixels (T, 34, 4)."""
    config = ConvertConfig(pose_type=pose_type)
    return np.stack([network_input(each, config) for each in poses])


@pytest.fixture(scope="module")
def found() -> list[Window]:
    return windows("pose25d", length=60, step=20)


@EACH
def test_windows_of_one_action_are_recognised(pose_type: str, found: list[Window]) -> None:
    actions, poses = zip(*found, strict=True)
    answers = Network(pose_type).answers(inputs(pose_type, list(poses)))
    right = [answer == action for answer, action in zip(answers, actions, strict=True)]
    assert len(found) >= 15
    assert np.mean(right) >= 0.85


@EACH
def test_place_and_size_in_the_picture_do_not_matter(pose_type: str, found: list[Window]) -> None:
    network, moved = Network(pose_type), []
    for _, poses in found:
        far = poses.copy()
        far[..., :2] = 0.1 * poses[..., :2] + [1600, 40]
        moved.append(far)
    expected = network.logits(inputs(pose_type, [poses for _, poses in found]))
    np.testing.assert_allclose(network.logits(inputs(pose_type, moved)), expected, atol=0.02)
