"""People drawn with a few numbers: nvidia motions for the tests of the recipe."""

import numpy as np
from numpy.typing import NDArray

from training.recipes.six_class.motion import Motion
from training.recipes.six_class.skeleton import JOINT

LEG = 800.0


def person(drop: NDArray[np.floating], forward: NDArray[np.floating] | float = 0.0) -> Motion:
    """Someone whose hips are ``drop`` (T,) of a leg length lower than when standing.

    Returns:
        (T, 34, 4): x right, y down, z forward in mm, facing the camera, feet on y = 0.
    """
    frames = len(drop)
    motion = np.zeros((frames, 34, 4), np.float32)
    forward = np.broadcast_to(forward, frames)

    def put(name: str, x: float, y: NDArray[np.floating] | float, z: float = 0.0) -> None:
        motion[:, JOINT[name], 0] = x
        motion[:, JOINT[name], 1] = y
        motion[:, JOINT[name], 2] = 4000 + z - forward
        motion[:, JOINT[name], 3] = 1

    hip = -LEG * (1 - drop)
    # The knees go forward so that thigh and shin keep their length.
    bend = np.sqrt(np.maximum(0, (LEG / 2) ** 2 - (hip / 2) ** 2))
    put("pelvis", 0, hip - 50)
    put("torso", 0, hip - 300)
    put("neck", 0, hip - 550)
    put("nose", 0, hip - 700)
    # Facing the camera, somebody's left is on the right of the picture.
    for side, sign in (("left", 1), ("right", -1)):
        put(f"{side}_hip", 100 * sign, hip)
        put(f"{side}_knee", 100 * sign, hip / 2)
        motion[:, JOINT[f"{side}_knee"], 2] -= bend.astype(np.float32)
        put(f"{side}_ankle", 100 * sign, 0)
        put(f"{side}_shoulder", 180 * sign, hip - 540)
        put(f"{side}_elbow", 230 * sign, hip - 300)
        put(f"{side}_wrist", 240 * sign, hip - 60)
    return motion


def ramp(*stretches: tuple[float, float, int]) -> NDArray[np.float64]:
    """Values that go linearly (from, to, frames), one stretch after the other."""
    return np.concatenate([np.linspace(first, last, count) for first, last, count in stretches])
