"""Give a body other proportions, from one distribution for all sources.

What a joint is differs more from sensor to sensor than people do: of the length of a leg, pelvis
to neck is 0.45 by a Kinect, 0.61 by motion capture as in HDM05, 0.65 by BlazePose. A network that
sees jumping by motion capture alone can tell it by the length of the trunk, and does: walkers on
BlazePose's skeletons were jumping to it.
"""

import numpy as np
from numpy.typing import NDArray

from training.recipes.six_class.body import leg_length, unit
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.skeleton import ANKLES, HIPS, JOINT, KNEES, NECK, PELVIS

Vectors = NDArray[np.float32]

TRUNK = (0.42, 0.68)
HEAD = (0.17, 0.36)
HIP_WIDTH, SHOULDER_WIDTH = (0.14, 0.30), (0.33, 0.60)
DROP = (0.0, 0.13)
"""Of the hips below the pelvis, and of the shoulders below the neck."""
THIGH = (0.45, 0.59)
"""The shank is the rest of the leg."""
UPPER_ARM, FOREARM = (0.26, 0.36), (0.23, 0.35)
"""Lengths as shares of the leg: least and most that the three data sets and BlazePose have."""

SHOULDERS = [JOINT["left_shoulder"], JOINT["right_shoulder"]]
ELBOWS = [JOINT["left_elbow"], JOINT["right_elbow"]]
WRISTS = [JOINT["left_wrist"], JOINT["right_wrist"]]
NOSE, TORSO = JOINT["nose"], JOINT["torso"]
CARRIED = [
    ([JOINT[f"{side}_{part}"] for part in parts], JOINT[carrier.format(side)])
    for side in ("left", "right")
    for carrier, parts in {
        "nose": ("eye", "ear"),
        "{}_wrist": ("pinky_knuckle", "middle_tip", "index_knuckle", "thumb_tip"),
        "{}_ankle": ("big_toe", "small_toe", "heel"),
    }.items()
]
"""Joints that move with another as if they were one."""


def rebuilt(motion: Motion, rng: np.random.Generator) -> Motion:
    """Return the motion by a body whose bones are as long as drawn and point where they did.

    Args:
        motion: ``(T, 34, 4)``, all joints present.
        rng: source of randomness.
    """
    old, result = motion[..., :3], motion.copy()
    new = result[..., :3]
    leg = leg_length(motion)
    down = -unit(old[:, NECK] - old[:, PELVIS])[:, None]

    def drawn(share: tuple[float, float]) -> float:
        return leg * rng.uniform(*share)

    def stretch(ends: list[int], starts: list[int], length: float) -> None:
        """Put `ends` at `length` from `starts`."""
        new[:, ends] = new[:, starts] + of_length(old[:, ends] - old[:, starts], length)

    def spread(pair: list[int], start: int, width: float) -> None:
        """Put a left and a right joint `width` apart, below `start`."""
        middle = old[:, pair].mean(axis=1, keepdims=True)
        across = of_length(old[:, pair] - middle, width / 2)
        new[:, pair] = new[:, [start]] + down * drawn(DROP) + across

    stretch([NECK], [PELVIS], drawn(TRUNK))
    new[:, TORSO] += (new[:, NECK] - old[:, NECK]) / 2
    stretch([NOSE], [NECK], drawn(HEAD))
    spread(HIPS, PELVIS, drawn(HIP_WIDTH))
    spread(SHOULDERS, NECK, drawn(SHOULDER_WIDTH))
    thigh = drawn(THIGH)
    stretch(KNEES, HIPS, thigh)
    stretch(ANKLES, KNEES, leg - thigh)
    stretch(ELBOWS, SHOULDERS, drawn(UPPER_ARM))
    stretch(WRISTS, ELBOWS, drawn(FOREARM))
    for joints, carrier in CARRIED:
        new[:, joints] = old[:, joints] + (new[:, [carrier]] - old[:, [carrier]])
    return result


def of_length(bones: Vectors, length: float) -> Vectors:
    """Return the vectors (T, n, 3) scaled to a length, in the median; not beyond recognition."""
    usual = max(float(np.median(np.linalg.norm(bones, axis=-1))), 1e-6)
    scaled: Vectors = bones * np.float32(np.clip(length / usual, 0.4, 2.5))
    return scaled
