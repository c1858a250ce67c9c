import numpy as np
import pytest

from converter.bodypose import People
from tests.training.bpnet.figures import POSE, crowd
from training.bpnet.visualise import SkeletonPainter


def people(joints, missing=()):
    scores = np.ones(joints.shape[:2], np.float32)
    scores[:, list(missing)] = 0
    keypoints = joints[..., :2].astype(np.float32) * (scores[..., None] > 0)
    return People(keypoints, scores, np.ones(len(joints), np.float32))


@pytest.mark.parametrize("scale", [1, 4, 16])
def test_lines_scale_with_the_image(scale):
    photo = np.full((120 * scale, 90 * scale, 3), 128, np.uint8)
    drawn = SkeletonPainter(POSE)(photo, people(crowd(1, 1, 90 * scale, 120 * scale)))
    share = (drawn != photo).any(axis=2).mean()
    assert 0.03 < share < 0.3
    assert (photo == 128).all()  # the photo itself is left alone


def test_left_and_right_differ():
    photo = np.full((240, 180, 3), 128, np.uint8)
    joints = crowd(1, 1, 180, 240)
    drawn = SkeletonPainter(POSE)(photo, people(joints)).astype(int)
    for side, blue_is_more in (("left", True), ("right", False)):
        x, y = joints[0, POSE.joints.index(f"{side}_knee"), :2].astype(int)
        red, _, blue = drawn[y, x]
        assert (blue > red) == blue_is_more


def test_missing_joints_draw_nothing():
    photo = np.full((240, 180, 3), 128, np.uint8)
    joints = crowd(1, 1, 180, 240)
    wrist = POSE.joints.index("left_wrist")
    painter = SkeletonPainter(POSE)
    drawn = painter(photo, people(joints, missing=[wrist]))
    x, y = joints[0, wrist, :2].astype(int)
    assert (drawn[y - 2 : y + 3, x - 2 : x + 3] == 128).all()
    assert (drawn[:12, :12] == 128).all()  # nor at (0, 0)
    assert (painter(photo, people(joints[:0])) == photo).all()
