"""Photograph a motion: what DeepStream's ``pose25d`` shows of it to a camera at random.

The networks of the pose types ``2dbp`` and ``25dbp`` are trained and tested on such pictures of
the same motions that the one of ``3dbp`` is given as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from converter import ConvertConfig
from training.recipes.six_class.body import LEG, leg_length
from training.recipes.six_class.document import projected
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.skeleton import PELVIS

FRAMES = {(1920, 1080): 0.7, (1440, 1080): 0.2, (1080, 1920): 0.1}
"""Width and height of pictures, and how often they are met."""
FOCAL = (0.5, 1.2)
"""Focal length by the longer side: 90 to 45 degrees of view."""
FILLED = (0.2, 0.9)
"""Share of the picture's height that a standing person fills."""
NEAREST = 500.0
"""Millimetres that no joint comes nearer."""
LEGS_TALL = 2.05
"""Height of a person by the length of a leg, hip to ankle."""


def rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a rotation (3, 3): any heading, looking 10 degrees up to 35 down, rolled a little."""
    yaw = rng.uniform(-np.pi, np.pi)
    pitch = np.deg2rad(rng.uniform(-10, 35)) if rng.random() < 0.8 else 0.0
    roll = np.deg2rad(rng.normal(0, 4))
    cos, sin = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_y = np.array([[cos[0], 0, -sin[0]], [0, 1, 0], [sin[0], 0, cos[0]]])
    about_x = np.array([[1, 0, 0], [0, cos[1], -sin[1]], [0, sin[1], cos[1]]])
    about_z = np.array([[cos[2], -sin[2], 0], [sin[2], cos[2], 0], [0, 0, 1]])
    result: NDArray[np.float64] = about_z @ about_x @ about_y
    return result


def keypoints(motion: Motion, pose_type: str, rng: np.random.Generator) -> Motion:
    """Return what the converter is given of a motion (T, 34, 4).

    Args:
        motion: seen by a level camera, in mm.
        pose_type: ``3dbp``: the motion itself; else its picture from any side.
        rng: source of randomness; untouched for ``3dbp``.
    """
    if pose_type == "3dbp":
        return motion
    turned = motion.copy()
    turned[..., :3] = motion[..., :3] @ rotation(rng).T
    return photographed(turned, rng) * (motion[..., 3:] > 0)


def photographed(motion: Motion, rng: np.random.Generator) -> Motion:
    """Return the picture of a motion: pixels, relative depth, confidence, (T, 34, 4).

    Distance, place in the picture, focal length and shape of the picture are random. Pixels are
    those of a frame of the converter's default size, to which other shapes are stretched, as
    dividing by width and height does.

    Args:
        motion: in the directions of the camera's axes, in mm, wherever it is.
        rng: source of randomness.
    """
    width, height = list(FRAMES)[int(rng.choice(len(FRAMES), p=list(FRAMES.values())))]
    focal = float(rng.uniform(*FOCAL) * max(width, height))
    config = replace(ConvertConfig(), frame_width=width, frame_height=height, focal_length=focal)
    leg = leg_length(motion)
    distance = focal * LEGS_TALL * leg / (rng.uniform(*FILLED) * height)
    across = rng.uniform(0.2, 0.8) - 0.5, rng.uniform(0.4, 0.65) - 0.5
    place = np.array([across[0] * width, across[1] * height, focal]) * (distance / focal)
    moved = motion.copy()
    moved[..., :3] += (place - motion[:, PELVIS, :3].mean(axis=0)).astype(np.float32)
    seen = motion[..., 3] > 0
    moved[..., 2] += max(0.0, NEAREST - float(moved[..., 2].min(where=seen, initial=np.inf)))
    moved[..., 2] = np.maximum(moved[..., 2], NEAREST)  # of joints that nobody sees
    picture = projected(moved, config)
    picture[..., :2] *= np.array(ConvertConfig().frame_size) / config.frame_size
    picture[..., 2] *= LEG / leg
    return picture
