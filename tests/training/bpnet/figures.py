"""Stick figures: people whose joints are known exactly, as arrays and as drawn images."""

from __future__ import annotations

import cv2
import numpy as np

from training.bpnet.arrays import Array
from training.bpnet.pose_config import PoseConfig

POSE = PoseConfig.load()

_STANDING = {  # shares of a figure's box
    "nose": (0.5, 0.1),
    "neck": (0.5, 0.24),
    "right_shoulder": (0.36, 0.24),
    "left_shoulder": (0.64, 0.24),
    "right_elbow": (0.26, 0.38),
    "left_elbow": (0.74, 0.38),
    "right_wrist": (0.2, 0.52),
    "left_wrist": (0.8, 0.52),
    "right_hip": (0.42, 0.54),
    "left_hip": (0.58, 0.54),
    "right_knee": (0.4, 0.74),
    "left_knee": (0.6, 0.74),
    "right_ankle": (0.38, 0.95),
    "left_ankle": (0.62, 0.95),
    "right_eye": (0.46, 0.06),
    "left_eye": (0.54, 0.06),
    "right_ear": (0.41, 0.09),
    "left_ear": (0.59, 0.09),
}
STANDING = np.array([_STANDING[joint] for joint in POSE.joints])


def standing(
    x: float, y: float, width: float, height: float, rng: np.random.Generator | None = None
) -> Array:
    """(V, 2) joints of a figure in the box; with a generator, every joint is moved a little."""
    joints: Array = STANDING * (width, height) + (x, y)
    if rng is not None:
        joints = joints + rng.uniform(-0.03, 0.03, joints.shape) * (width, height)
    return joints


def crowd(
    rows: int,
    columns: int,
    cell_width: float,
    cell_height: float,
    rng: np.random.Generator | None = None,
) -> Array:
    """(P, V, 3) joints of a grid of figures, all visible."""
    joints = np.zeros((rows * columns, POSE.num_joints, 3))
    for person in range(rows * columns):
        row, column = divmod(person, columns)
        joints[person, :, :2] = standing(
            column * cell_width + 2,
            row * cell_height + 2,
            cell_width - 6,
            cell_height - 6,
            rng,
        )
    return joints


def draw(image: Array, joints: Array) -> Array:
    """Draw figures (P, V, >=2) into an RGB image: a colour per limb, so that limbs differ."""
    thickness = 3
    for person in joints:
        for limb, (a, b) in enumerate(POSE.limbs):
            hue = np.array([[[limb * 180 // len(POSE.limbs), 255, 255]]], np.uint8)
            colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
            ends = np.rint(person[[a, b], :2]).astype(int).tolist()
            cv2.line(image, ends[0], ends[1], colour, thickness, cv2.LINE_AA)
    return image
