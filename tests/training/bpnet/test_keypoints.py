import numpy as np
import pytest

from converter import InputError
from training.bpnet.dataset_spec import load_dataset_spec
from training.bpnet.keypoints import KeypointMap, Visibility, labelled
from training.bpnet.pose_config import DEFAULT_POSE_CONFIG, PoseConfig

SPECS = DEFAULT_POSE_CONFIG.parent

COCO = load_dataset_spec(SPECS / "coco_spec.json").person.keypoints
FLAGS = {"visible": 2, "occluded": 1, "not_labeled": 0}


def person(**joints):
    keypoints = np.zeros((1, 17, 3))
    for name, value in joints.items():
        keypoints[0, COCO.index(name)] = value
    return keypoints


@pytest.fixture
def pose():
    return PoseConfig.load()


def test_joints_are_reordered_by_name_and_flags_translated(pose):
    keypoints = person(left_wrist=(3, 4, 2), right_eye=(5, 6, 1))
    joints = KeypointMap(COCO, pose, FLAGS, {})(keypoints)
    assert joints[0, pose.joints.index("left_wrist")].tolist() == [3, 4, Visibility.VISIBLE]
    assert joints[0, pose.joints.index("right_eye")].tolist() == [5, 6, Visibility.OCCLUDED]
    assert joints[0, pose.joints.index("nose"), 2] == Visibility.NOT_LABELED


def test_neck_is_the_middle_of_labelled_shoulders(pose):
    keypoints = person(left_shoulder=(10, 20, 2), right_shoulder=(30, 40, 1))
    neck = KeypointMap(COCO, pose, FLAGS, {})(keypoints)[0, 1]
    assert neck.tolist() == [20, 30, Visibility.OCCLUDED]


def test_neck_of_an_unlabelled_shoulder_is_not_labelled_unless_compat(pose):
    keypoints = person(left_shoulder=(10, 20, 2))
    fixed = KeypointMap(COCO, pose, FLAGS, {})(keypoints)[0, 1]
    assert not labelled(fixed[2:])[0]
    as_reference = KeypointMap(COCO, pose, FLAGS, {}, compat=True)(keypoints)[0, 1]
    assert as_reference.tolist() == [5, 10, Visibility.VISIBLE]


def test_a_joint_that_the_data_set_lacks(pose):
    source = [joint for joint in COCO if joint != "nose"]
    joints = KeypointMap(source, pose, FLAGS, {})(np.ones((2, 16, 3)))
    assert (joints[:, 0, 2] == Visibility.NOT_LABELED_IN_DATASET).all()


def test_flag_mapping_decides_the_meaning(pose):
    keypoints = person(nose=(1, 1, 1))
    joints = KeypointMap(COCO, pose, FLAGS, {"occluded": "truncated"})(keypoints)
    assert joints[0, 0, 2] == Visibility.TRUNCATED
    assert not labelled(joints[0, :1, 2])[0]
    with pytest.raises(InputError, match="visibility 'hidden' is unknown"):
        KeypointMap(COCO, pose, FLAGS, {"occluded": "hidden"})


def test_nothing_in_common(pose):
    with pytest.raises(InputError, match="share no joint"):
        KeypointMap(["wing", "tail"], pose, FLAGS, {})
