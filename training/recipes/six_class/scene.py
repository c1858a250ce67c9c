"""Who does what in the sample document: recorded clips, one after the other."""

from dataclasses import dataclass

import numpy as np

from training.recipes.six_class.motion import Motion, join, moved, resample, to_and_fro
from training.recipes.six_class.rules import Run
from training.recipes.six_class.skeleton import PELVIS

BLEND = 10
"""Frames over which the poses of two clips are blended."""
HELD_SLOWER = 5.0
"""A held stretch is played this much slower, so that nobody rocks."""
CAMERA_HEIGHT = 1400.0


@dataclass(frozen=True)
class Part:
    """A stretch of a recorded clip: what is done, and for how many frames if it is held."""

    clip: str
    start: int
    end: int
    action: str
    held: int = 0


@dataclass(frozen=True)
class Person:
    """Somebody in the sample: number, first frame, place (x, z) in mm on average, parts."""

    object_id: int
    first_frame: int
    place: tuple[float, float]
    parts: tuple[Part, ...]


SNEAK, SQUAT = "HDM_mm_sneak2StepsLStart_{:03}_120", "HDM_mm_squat1Reps_{:03}_120"
HOP, FLOOR = "HDM_tr_hopBothLegs1hops_{:03}_120", "HDM_mm_lieDownFloor_015_120"
STAND_TR, STAND_MM = "HDM_tr_throwBasketball_012_120", "HDM_mm_grabHighR_018_120"
PERSONS = (
    Person(
        0,
        first_frame=0,
        place=(-900.0, 5200.0),
        parts=(
            *(Part(SNEAK.format(take), 0, 60, "walking") for take in (11, 12, 13)),
            Part(SQUAT.format(38), 0, 21, "sitting_down"),
            Part(SQUAT.format(38), 21, 28, "sitting", held=110),
            Part(SQUAT.format(38), 28, 44, "getting_up"),
            Part(SQUAT.format(38), 44, 52, "standing", held=80),
        ),
    ),
    Person(
        1,
        first_frame=40,
        place=(1900.0, 6000.0),
        parts=(
            Part(STAND_TR, 0, 77, "standing"),
            *(Part(HOP.format(take), 0, 30, "jumping") for take in (34, 35, 36, 35)),
            Part(STAND_TR, 134, 181, "standing"),
        ),
    ),
    Person(
        2,
        first_frame=150,
        place=(-2300.0, 7000.0),
        parts=(
            Part(FLOOR, 0, 51, "sitting_down"),
            Part(FLOOR, 51, 99, "sitting", held=110),
        ),
    ),
)


def perform(person: Person, clips: dict[str, Motion]) -> tuple[Motion, list[Run]]:
    """Join the parts of a person.

    Args:
        person: who does what.
        clips: motions (T, 34, 4) by name, feet on the floor at y = 0.

    Returns:
        The motion in front of the camera (T, 34, 4) and what is done when.
    """
    motion: Motion | None = None
    runs: list[Run] = []
    for part in person.parts:
        piece = clips[part.clip][part.start : part.end]
        if part.held:
            piece = to_and_fro(resample(piece, HELD_SLOWER), part.held)
        start = 0 if motion is None else len(motion)
        motion = piece if motion is None else join(motion, piece, BLEND)
        if runs and runs[-1].label == part.action:
            start = runs.pop().start
        runs.append(Run(part.action, start, len(motion)))
    assert motion is not None  # noqa: S101 - a person has parts
    middle = motion[:, PELVIS, :3].mean(axis=0) * np.array([1, 0, 1], np.float32)
    place = np.array([person.place[0], CAMERA_HEIGHT, person.place[1]], np.float32)
    return moved(motion, place - middle), runs
