"""Estimate the joints that a source lacks, so that a network meets all 34 of them.

DeepStream gives face, fingers, toes and heels; motion capture and Kinect give few of these or
none. A network that never saw them would take whatever they bring for noise of unknown size.
Here they are put where they are on a person of ordinary build, relative to the joints at hand:
they carry no motion of their own, but they are no surprise any more.
"""

import numpy as np
from numpy.typing import NDArray

from training.recipes.six_class.motion import Motion
from training.recipes.six_class.skeleton import ANKLES, HIPS, JOINT, KNEES

Vectors = NDArray[np.float32]
LEG = 830.0
"""Hip to ankle, in mm, of the build that the offsets below belong to."""


def complete(motion: Motion) -> Motion:
    """Return the motion with every joint of the nvidia layout present.

    Args:
        motion: ``(T, 34, 4)``; pelvis, neck, hips, knees, ankles, shoulders, elbows, wrists
            and nose (the middle of the head) are present.

    Returns:
        ``(T, 34, 4)``: joints that were there are untouched, the others estimated, confidence 1.
        Only the nose is moved, from the middle of the head, which all sources give, to the face.
    """
    result = motion.copy()
    point = {name: motion[:, joint, :3] for name, joint in JOINT.items()}
    up = unit(point["neck"] - point["pelvis"])
    across = unit(point["left_shoulder"] - point["right_shoulder"])
    forward = unit(np.cross(across, up))
    size = leg_length(motion) / LEG

    def put(name: str, origin: Vectors, *offsets: tuple[Vectors, float]) -> Vectors:
        joint = JOINT[name]
        estimate = origin + size * sum(direction * mm for direction, mm in offsets)
        missing = result[:, joint, 3:] == 0
        result[:, joint, :3] = np.where(missing, estimate, result[:, joint, :3])
        result[:, joint, 3] = 1
        return result[:, joint, :3]

    put("torso", (point["pelvis"] + point["neck"]) / 2)
    nose = point["nose"] + size * (forward * 80 - up * 30)
    result[:, JOINT["nose"], :3] = nose
    for side, out in (("left", across), ("right", -across)):
        put(f"{side}_eye", nose, (up, 35), (forward, -15), (out, 32))
        put(f"{side}_ear", nose, (up, 20), (forward, -95), (out, 72))
        wrist = point[f"{side}_wrist"]
        along = unit(wrist - point[f"{side}_elbow"])
        inward = unit(np.cross(along, out))
        put(f"{side}_middle_tip", wrist, (along, 170))
        put(f"{side}_index_knuckle", wrist, (along, 90), (inward, 25))
        put(f"{side}_pinky_knuckle", wrist, (along, 80), (inward, -30))
        put(f"{side}_thumb_tip", wrist, (along, 85), (inward, 60))
        ankle = point[f"{side}_ankle"]
        shin = unit(ankle - point[f"{side}_knee"])
        ahead = unit(forward - shin * np.sum(forward * shin, axis=1, keepdims=True))
        toe = put(f"{side}_big_toe", ankle, (ahead, 170), (shin, 70))
        foot = unit(toe - ankle)
        put(f"{side}_small_toe", toe, (foot, -30), (out, 60))
        put(f"{side}_heel", ankle, (ahead, -50), (shin, 60))
    return result


def leg_length(motion: Motion) -> float:
    """Return hip to ankle along the leg, in mm: the 90th percentile over frames and sides."""
    hip, knee, ankle = motion[:, HIPS, :3], motion[:, KNEES, :3], motion[:, ANKLES, :3]
    leg = np.linalg.norm(hip - knee, axis=2) + np.linalg.norm(knee - ankle, axis=2)
    return float(np.percentile(leg, 90))


def unit(vectors: Vectors) -> Vectors:
    """Return the vectors (T, 3) at length 1; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Vectors = vectors / np.maximum(length, 1e-6)
    return result
