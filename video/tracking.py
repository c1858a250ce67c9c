"""Who is who from frame to frame, also through short occlusion, by norfair's Kalman tracker.

The numbers here were chosen on real clips; docs/video.md has the counts of ids that changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from norfair.distances import ScalarDistance
from norfair.tracker import Detection, Tracker

from converter import get_layout
from video.people import Person

# Joints that do not swing about; hands and feet would blur the motion of the whole.
STEADY = (
    *("pelvis", "torso", "neck", "nose", "left_shoulder", "right_shoulder"),
    *("left_hip", "right_hip", "left_knee", "right_knee"),
)
MIN_CONFIDENCE = 0.2  # of a joint that counts
MAX_DISTANCE = 0.25  # of the joints, in heights of the person
MIN_FRAMES = 3  # in a row, before somebody new is believed
HIDDEN = 1.0  # seconds for which the motion is carried on
REMEMBERED = 2.0  # further seconds for which the place is remembered
MAX_STEP = 0.6  # between vanishing and coming back, in heights of the person


class PeopleTracker:
    """Gives people the same id in every frame.

    Somebody new is passed on from the third frame in a row, so that a mistake of one frame makes
    no person.

    Args:
        rate: Frames a second.
    """

    def __init__(self, rate: float) -> None:
        joints = get_layout("nvidia").joints
        self._steady = [joints.index(name) for name in STEADY]
        self._tracker = Tracker(
            distance_function="euclidean",
            distance_threshold=MAX_DISTANCE,
            hit_counter_max=max(round(HIDDEN * rate), MIN_FRAMES),
            initialization_delay=MIN_FRAMES - 1,
            detection_threshold=MIN_CONFIDENCE,
            past_detections_length=0,
            reid_distance_function=_step,
            reid_distance_threshold=MAX_STEP,
            reid_hit_counter_max=round(REMEMBERED * rate),
        )
        # Given to the constructor, norfair advises everybody on stderr to take another.
        self._tracker.distance_function = ScalarDistance(_distance)  # type: ignore[assignment] # a field of this type inside

    def __call__(self, people: list[Person], frames: int = 1) -> list[tuple[int, Person]]:
        """Tell who the people of the next frame are.

        Args:
            people: Those in the frame.
            frames: How many frames later than the last call it is.

        Returns:
            (id, person), by id; people who are not believed yet are left out.
        """
        # Who is new is believed after so many looks, however far apart these are; who is known
        # is kept for a time.
        skipped = frames - 1
        for one in self._tracker.tracked_objects:
            if one.is_initializing and one.hit_counter_is_positive:
                one.hit_counter += skipped
        for _ in range(skipped):
            self._tracker.update()
        seen = [self._detection(person) for person in people]
        known = self._tracker.update([d for d in seen if d is not None])
        now = {id(detection) for detection in seen}
        here = [one for one in known if id(one.last_detection) in now]
        for one in here:
            kept = min(one.hit_counter + 2 * skipped, one.hit_counter_max)
            one.hit_counter = max(kept, frames)  # at least until the next look
        found: list[tuple[int, Person]] = [
            (int(one.id or 0), one.last_detection.data) for one in here
        ]
        return sorted(found, key=lambda pair: pair[0])

    def _detection(self, person: Person) -> Detection | None:
        """The person's steady joints as norfair wants them; None without any."""
        steady = person.pose25d[self._steady]
        if not (steady[:, 3] > MIN_CONFIDENCE).any():
            return None
        return Detection(points=steady[:, :2], scores=steady[:, 3], data=person)


def _distance(seen: Any, known: Any) -> float:
    """Mean distance of the joints that both have, in heights of the person."""
    both = (seen.scores > MIN_CONFIDENCE) & known.detected_at_least_once_points
    if not both.any():
        return float("inf")
    apart = np.linalg.norm(seen.points[both] - known.estimate[both], axis=1)
    return float(apart.mean()) / _height(seen)


def _step(new: Any, lost: Any) -> float:
    """How far from where `lost` was last seen `new` is, in heights of the person."""
    one, other = new.last_detection, lost.last_detection
    both = (one.scores > MIN_CONFIDENCE) & (other.scores > MIN_CONFIDENCE)
    if not both.any() or not 0.5 < _height(one) / _height(other) < 2:
        return float("inf")
    apart = np.linalg.norm(one.points[both] - other.points[both], axis=1)
    return float(apart.mean()) / _height(other)


def _height(seen: Any) -> float:
    person: Person = seen.data
    return max(float(person.bbox[3]), 1.0)
