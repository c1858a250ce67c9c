import json

import numpy as np
import pytest

from converter import InputError
from training.bpnet.pose_config import PoseConfig


def document(joints, skeleton, **more):
    category = {"name": "person", "keypoints": joints, "skeleton": skeleton, **more}
    return {"pose_config_type": "test", "categories": [category]}


def test_the_shipped_file_is_the_reference_18_joints():
    pose = PoseConfig.load()
    assert pose.name == "bpnet_18_joints"
    assert pose.num_joints == 18
    assert (pose.heatmap_channels, pose.paf_channels) == (19, 38)
    assert pose.joints[:3] == ("nose", "neck", "right_shoulder")
    assert pose.topology[0].tolist() == [0, 1, 1, 8]
    assert pose.topology[-1].tolist() == [36, 37, 15, 17]
    assert pose.derived == {"neck": ("left_shoulder", "right_shoulder")}


def test_mirror_swaps_left_and_right_and_is_its_own_inverse():
    pose = PoseConfig.load()
    swapped = [pose.joints[i] for i in pose.mirror]
    assert swapped[0] == "nose"
    assert swapped[2] == "left_shoulder"
    assert np.array_equal(pose.mirror[pose.mirror], np.arange(18))


def test_other_joints(tmp_path):
    path = tmp_path / "hand.json"
    path.write_text(json.dumps(document(["wrist", "thumb_l", "thumb_r"], [[1, 2], [1, 3]])))
    pose = PoseConfig.load(path)
    assert pose.limbs == ((0, 1), (0, 2))
    assert pose.mirror.tolist() == [0, 2, 1]
    assert pose.heatmap_channels == 4


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ([], "'categories'"),
        ({"categories": [{"name": "dog"}]}, "no category named 'person'"),
        (document(["a", "a"], [[1, 2]]), "names a joint twice"),
        (document(["a", "b"], [[1, 3]]), r"skeleton entry \[1, 3\]"),
        (document(["a", "b"], [[1, 2]], num_joints=3), "num_joints is 3 but 2"),
        (document(["a", "left_b"], [[1, 2]]), "no counterpart 'right_b'"),
        (document(["a", "b"], [[1, 2]], skeleton_edge_names=[["b", "a"]]), "different limbs"),
        (document(["a", "b"], [[1, 2]], derived_keypoints=[]), "derived_keypoints"),
    ],
)
def test_what_does_not_fit_is_one_line(broken, says):
    with pytest.raises(InputError, match=says):
        PoseConfig.from_document(broken)


def test_unreadable_file(tmp_path):
    with pytest.raises(InputError, match="cannot read the pose config"):
        PoseConfig.load(tmp_path / "missing.json")
