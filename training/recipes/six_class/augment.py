"""Change a motion at random so that nothing tells the sensor that took it.

Jumping comes from optical motion capture alone, nearly all sitting from a Kinect; a network
could learn the sensor instead of the motion. So every window, whatever its source, is given the
joints, the proportions, the noise, the frame rate and the smoothing of any of them, and the
faulty depth of DeepStream's lifted poses; besides, camera, size and side of the body vary.
Speed, start and length vary where the windows are cut (`pool`, `windows`). All functions
take and return motions ``(T, 34, 4)``: millimetres, x right, y down, z forward, confidence (0:
missing).
"""

import numpy as np
from numpy.typing import NDArray

from converter import joint_map
from training.recipes.six_class.build import rebuilt
from training.recipes.six_class.cameras import photographed, rotation
from training.recipes.six_class.motion import Motion, resample
from training.recipes.six_class.skeleton import JOINT, LAYOUT, PELVIS

FACE = [JOINT[name] for name in ("left_eye", "right_eye", "left_ear", "right_ear")]
HANDS = [
    JOINT[f"{side}_{part}"]
    for side in ("left", "right")
    for part in ("pinky_knuckle", "middle_tip", "index_knuckle", "thumb_tip")
]
FEET = [
    JOINT[f"{side}_{part}"]
    for side in ("left", "right")
    for part in ("big_toe", "small_toe", "heel")
]
GROUPS = (FACE, HANDS, FEET, [JOINT["nose"]], [JOINT["torso"]], [JOINT["neck"]])
GROUP_CHANCES = (0.5, 0.5, 0.4, 0.2, 0.2, 0.1)
"""How often each group is missing where no whole layout is imitated."""
IMITATED = [
    (joint_map(name, "nvidia").matrix != 0).any(axis=1)
    for name in ("kinect-v1", "ntu-rgb+d", "hdm05", "human3.6m", "coco")
]
"""Joints (34,) that the skeletons of other sources have."""


def augment(motion: Motion, pose_type: str, rng: np.random.Generator) -> Motion:
    """Return a random variation of the motion, some frames shorter at most.

    Args:
        motion: ``(T, 34, 4)``.
        pose_type: ``3dbp``: the variation itself; else its picture, as of ``pose25d``.
        rng: source of randomness.
    """
    motion = motion.copy()
    motion[..., :3] -= motion[0, PELVIS, :3]
    if rng.random() < 0.5:
        motion = mirrored(motion)
    motion = rebuilt(motion, rng)
    shape = np.exp(rng.uniform(-0.1, 0.1, 3)) * np.exp(rng.uniform(-0.35, 0.35))
    motion[..., :3] = motion[..., :3] * shape @ rotation(rng).T
    motion = slow_camera(motion, rng)
    motion = lifted(motion, rng)
    motion[..., :3] += noise(len(motion), rng) * (motion[..., 3:] > 0)
    motion = smoothed(motion, rng)
    motion = with_lost_frames(motion, rng)
    if pose_type != "3dbp":
        motion = photographed(motion, rng)
    return motion * present(motion, rng)[..., None]


def mirrored(motion: Motion) -> Motion:
    """Return the motion as a mirror shows it: x negated, left and right joints exchanged."""
    order = np.arange(LAYOUT.num_joints)
    for left, right in LAYOUT.pairs:
        order[left], order[right] = right, left
    result: Motion = motion[:, order] * np.array([-1, 1, 1, 1], np.float32)
    return result


def slow_camera(motion: Motion, rng: np.random.Generator) -> Motion:
    """Keep every second or third frame and interpolate the others, in a third of the cases."""
    step = int(rng.choice([1, 2, 3], p=[0.65, 0.25, 0.1]))
    if step == 1 or len(motion) <= 2 * step:
        return motion
    slow = resample(motion[::step], step)
    return np.concatenate([slow, motion[len(slow) :]])


def lifted(motion: Motion, rng: np.random.Generator) -> Motion:
    """Flatten or stretch the body in depth, slowly changing, in a third of the cases.

    So it goes where depth is guessed from a picture, as by DeepStream and MediaPipe.
    """
    if rng.random() < 0.65:
        return motion
    factor = np.exp(np.log(rng.uniform(0.5, 1.3)) + 0.15 * wander(len(motion), (1,), rng))
    root = motion[:, PELVIS : PELVIS + 1, 2]
    result = motion.copy()
    result[..., 2] = root + (motion[..., 2] - root) * factor
    return result


def noise(frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return errors (T, 34, 3) in mm, most of them in depth.

    They are white, drift as tracking does, and are constant where one sensor's idea of a joint
    is not another's.
    """
    white, drift, bias = rng.uniform(0, 12), rng.uniform(0, 35), rng.uniform(0, 25)
    depth = np.array([1, 1, rng.uniform(1, 2.5)])
    shape = (LAYOUT.num_joints, 3)
    error = rng.normal(size=(frames, *shape)) * white + rng.normal(size=shape) * bias
    error += wander(frames, shape, rng) * drift
    result: NDArray[np.float32] = (error * depth).astype(np.float32)
    return result


def wander(frames: int, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return values (T, *shape) that go in straight lines from one normal number to the next."""
    knots = max(2, frames // int(rng.integers(4, 20)) + 1)
    slow = rng.normal(size=(knots, *shape))
    position = np.linspace(0, knots - 1, frames)
    before = np.minimum(position.astype(int), knots - 2)
    weight = (position - before).reshape(-1, *[1] * len(shape))
    result: NDArray[np.float64] = slow[before] * (1 - weight) + slow[before + 1] * weight
    return result


def smoothed(motion: Motion, rng: np.random.Generator) -> Motion:
    """Return the motion averaged over 3, 5 or 9 frames, or as it is half the time."""
    width = int(rng.choice([1, 3, 5, 9], p=[0.5, 0.2, 0.2, 0.1]))
    if width == 1:
        return motion
    padded = np.pad(motion[..., :3], ((width // 2, width // 2), (0, 0), (0, 0)), mode="edge")
    total = np.cumsum(np.pad(padded, ((1, 0), (0, 0), (0, 0))), axis=0, dtype=np.float64)
    result = motion.copy()
    result[..., :3] = (total[width:] - total[:-width]) / width
    return result


def with_lost_frames(motion: Motion, rng: np.random.Generator) -> Motion:
    """Take out up to a tenth of the frames, in a fifth of the cases, as a busy pipeline does."""
    if rng.random() < 0.8 or len(motion) < 15:
        return motion
    kept: Motion = motion[rng.random(len(motion)) >= rng.uniform(0, 0.1)]
    return kept


def present(motion: Motion, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which joints are seen, (T, 34).

    Missing are what another source's skeleton lacks or groups of joints, single joints, and bursts.
    """
    seen = np.ones(motion.shape[:2], bool)
    if rng.random() < 0.4:
        seen &= IMITATED[int(rng.integers(len(IMITATED)))]
    else:
        for group, chance in zip(GROUPS, GROUP_CHANCES, strict=True):
            if rng.random() < chance:
                seen[:, group] = False
    if rng.random() < 0.3:
        seen[:, rng.random(LAYOUT.num_joints) < 0.06] = False
    if rng.random() < 0.2:
        start = int(rng.integers(len(motion)))
        burst = slice(start, start + int(rng.integers(2, 15)))
        seen[burst, rng.random(LAYOUT.num_joints) < 0.2] = False
    seen[:, PELVIS] = True
    return seen
