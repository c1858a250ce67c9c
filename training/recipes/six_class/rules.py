"""Which frames of a clip show which class: posture and speed, in 3D, at 30 frames a second.

Two curves decide, both smoothed over five frames:

* *height*: hips above ankles, divided by the length of the legs (1 = standing upright);
* *speed*: mean speed of pelvis, torso, neck, shoulders and knees in m/s.

A person is *still* where the speed stays under ``STILL`` for ``STILL_FRAMES`` or more. Each
way of the height curve from above ``HIGH`` to below ``LOW`` or back is a change of posture. It
reaches from the last settled frame before to the first one after it, at most ``REACH`` frames
each way and not past the turning point between two changes. Downwards it is ``sitting_down``,
upwards ``getting_up``. Settled are the still frames below ``LOW``, which are ``sitting``, and
above ``HIGH``, which are ``standing``; where somebody turns round without a rest (a squat), the
``PAUSE`` lowest frames are ``sitting``. Nobody sits or stands whose trunk is not *upright* (within
45 degrees of the vertical). All other frames (gestures, lying down) have no class and are not used.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from converter.resample import NETWORK_RATE
from training.recipes.six_class.body import leg_length
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.skeleton import ANKLES, HIPS, JOINT, KNEES, NECK, PELVIS

CLASSES = ("sitting_down", "getting_up", "sitting", "standing", "walking", "jumping")
EVENTS = ("sitting_down", "getting_up", "jumping")

MOVING = {"walk": "walking", "jog": "walking", "sneak": "walking", "hop": "jumping"}
SEATED = ("sit_down", "stand_up", "squat", "lie_down")
"""Actions in which people go down or come up; in others (throwing, waving) they only stand."""

STILL, STILL_FRAMES = 0.4, 8
LOW, HIGH = 0.8, 0.9
REACH = 45
PAUSE, SCRAP = 7, 4
TRUNK = [PELVIS, JOINT["torso"], NECK, JOINT["left_shoulder"], JOINT["right_shoulder"], *KNEES]

Curve = NDArray[np.float32]


@dataclass(frozen=True)
class Run:
    """Frames ``start`` to ``end`` (exclusive) of a clip, all of one class."""

    label: str
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


def height_curve(motion: Motion) -> Curve:
    """Return hips above ankles by leg length, (T,); y of ``motion`` points down."""
    drop = motion[:, ANKLES, 1] - motion[:, HIPS, 1]
    return _smooth(drop.mean(axis=1) / leg_length(motion))


def speed_curve(motion: Motion) -> Curve:
    """Return the mean speed of the trunk and the knees in m/s, (T,)."""
    if len(motion) < 2:
        return np.zeros(len(motion), np.float32)
    velocity = np.gradient(motion[:, TRUNK, :3], axis=0) * (NETWORK_RATE / 1000)
    return _smooth(np.linalg.norm(velocity, axis=2).mean(axis=1))


def upright(motion: Motion) -> NDArray[np.bool_]:
    """Return where the trunk is within 45 degrees of the vertical, (T,)."""
    trunk = motion[:, PELVIS, :3] - motion[:, NECK, :3]
    vertical: NDArray[np.bool_] = trunk[:, 1] > 0.7 * np.linalg.norm(trunk, axis=1)
    return vertical


def posture_runs(motion: Motion) -> list[Run]:
    """Label a clip in which somebody sits down, gets up, squats or just stands.

    Args:
        motion: ``(T, 34, 4)`` at 30 frames a second, camera level.

    Returns:
        Runs in order, none overlapping; frames without a class lie between them.
    """
    height, still = height_curve(motion), _long_runs(speed_curve(motion) < STILL, STILL_FRAMES)
    still &= upright(motion)
    low, high = still & (height < LOW), still & (height > HIGH)
    changes = _changes(height, low | high)
    for before, after in pairwise(changes):
        if (before.label, after.label) == ("sitting_down", "getting_up"):
            bottom = before.start + int(np.argmin(height[before.start : after.end]))
            if before.end == after.start and height[bottom] < LOW:
                low[max(0, bottom - PAUSE // 2) : bottom + PAUSE // 2 + 1] = True
    names = np.full(len(motion), "", dtype="U12")
    for change in changes:
        names[change.start : change.end] = change.label
    names[low] = "sitting"
    names[high & (names == "")] = "standing"
    return _as_runs(names)


def label_runs(action: str, motion: Motion) -> list[Run]:
    """Label a clip by what its source says is done in it.

    Args:
        action: ``Clip.action``; of an unknown one only the frames of standing still are used.
        motion: ``(T, 34, 4)`` at 30 frames a second, camera level.
    """
    # Lying, before the first or after the last frame with an upright trunk, is no way to sit.
    seen = np.flatnonzero(upright(motion)) if action == "lie_down" else np.arange(len(motion))
    first, last = (int(seen[0]), int(seen[-1]) + 1) if len(seen) else (0, 0)
    runs = [
        Run(run.label, first + run.start, first + run.end)
        for run in posture_runs(motion[first:last])
    ]
    if action in SEATED:
        return runs
    standing = [run for run in runs if run.label == "standing"]
    if action not in MOVING:
        return standing
    moving = _moving_run(motion, MOVING[action])
    before = [run for run in standing for other in moving if run.end <= other.start]
    after = [run for run in standing for other in moving if run.start >= other.end]
    return [*before, *moving, *after]


def _moving_run(motion: Motion, label: str) -> list[Run]:
    """Return one run from the first to the last frame that is not still, if it is no scrap."""
    moving = np.flatnonzero(~_long_runs(speed_curve(motion) < STILL, STILL_FRAMES))
    if len(moving) == 0 or moving[-1] + 1 - moving[0] < STILL_FRAMES:
        return []
    return [Run(label, int(moving[0]), int(moving[-1]) + 1)]


def _changes(height: Curve, settled: NDArray[np.bool_]) -> list[Run]:
    """Return the changes of posture: each way from above ``HIGH`` to below ``LOW`` or back."""
    clear = np.flatnonzero((height < LOW) | (height > HIGH))
    above = height[clear] > HIGH
    last_old = clear[:-1][above[:-1] != above[1:]]
    first_new = clear[1:][above[:-1] != above[1:]]
    turns = [
        int(start + (np.argmax if height[start] > HIGH else np.argmin)(height[start : end + 1]))
        for start, end in zip(first_new, last_old[1:], strict=False)
    ]
    # A clip may begin on its way down, or end on its way up, without having been up.
    begin, final = 0, len(height)
    if len(last_old) and height[last_old[0]] < LOW < height[0]:
        begin = int(np.argmin(height[: last_old[0] + 1]))
    if len(first_new) and height[first_new[-1]] < LOW < height[-1]:
        final = int(first_new[-1] + np.argmin(height[first_new[-1] :]))
    runs = []
    for old, new, first, last in zip(
        last_old, first_new, [begin, *turns], [*turns, final], strict=False
    ):
        before = np.flatnonzero(settled[max(first, old - REACH) : old])
        after = np.flatnonzero(settled[new : min(last, new + REACH)])
        start = max(first, old - REACH) + (int(before[-1]) + 1 if len(before) else 0)
        end = new + int(after[0]) if len(after) else min(last, new + REACH)
        runs.append(Run("sitting_down" if height[old] > HIGH else "getting_up", start, end))
    return runs


def _smooth(values: NDArray[np.float32], width: int = 5) -> Curve:
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid").astype(np.float32)


def _as_runs(names: NDArray[np.str_]) -> list[Run]:
    """Return the stretches of one class, but for scraps of fewer than ``SCRAP`` frames."""
    edges = np.flatnonzero(names[1:] != names[:-1]) + 1
    bounds = [0, *edges.tolist(), len(names)]
    return [
        Run(str(names[start]), start, end)
        for start, end in pairwise(bounds)
        if names[start] and end - start >= SCRAP
    ]


def _long_runs(flags: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    """Keep only the true stretches of at least ``shortest`` frames."""
    result = np.zeros_like(flags)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2):
        if end - start >= shortest:
            result[start:end] = True
    return result
