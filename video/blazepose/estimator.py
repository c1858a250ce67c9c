"""BlazePose for several people: each is followed from frame to frame by their own landmarks.

The detector looks for new people all the time, at a few parts of each frame, and harder when nobody
is followed. MediaPipe's multi-person landmarker works alike, but looks at the whole frame only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from video.blazepose.detector import Detector
from video.blazepose.landmarks import LandmarkNetwork, Landmarks
from video.blazepose.roi import Roi
from video.blazepose.smoothing import LandmarkFilter
from video.blazepose.views import Views, whole
from video.people import Image

LOOKS = 30  # of the detector, a second
# Landmarks nearer to each other than this share of the person's size are those of one person.
SAME_PERSON = 0.08
# Somebody new of whom more than this share lies over somebody known is an arm or a leg of theirs.
PART_OF_PERSON = 0.6
PROBATION = 15  # frames for which somebody is new


@dataclass
class _Follower:
    """Somebody who is followed: where they are next, and how their landmarks are smoothed."""

    roi: Roi
    age: int = 0  # in frames
    filter: LandmarkFilter = field(default_factory=LandmarkFilter)


class BlazePose:
    """Estimates the poses of the people in a video.

    Args:
        max_people: How many are followed at most; the surest are taken up first.
        rate: Frames a second.
        smooth: Smooth landmarks over time; the regions to look at are always smoothed.
        tiles: Look at parts of the frame too; without, and with one person, it does what
            MediaPipe's `solutions.pose` does.

    Raises:
        InputError: The networks are not installed.
    """

    def __init__(
        self, max_people: int, rate: float = 30.0, smooth: bool = True, tiles: bool = True
    ) -> None:
        self._detector = Detector()
        self._network = LandmarkNetwork()
        self._max_people = max_people
        self._looks = max(1, round(LOOKS / rate))
        self._smooth = smooth
        self._tiles = tiles
        self._views: Views | None = None
        self._followed: list[_Follower] = []

    def __call__(self, image: Image, seconds: float) -> list[Landmarks]:
        """Return the landmarks of the people in a frame (H, W, 3) BGR, taken at `seconds`."""
        if len(self._followed) < self._max_people:
            self._take_up(self._detector(image, self._where(image)))
        found: list[Landmarks] = []
        kept: list[_Follower] = []
        for follower in self._followed:
            raw = self._network(image, follower.roi)
            if raw is None or any(_same(raw, other) for other in found):
                continue
            over = max((_share_over(raw, other) for other in found), default=0.0)
            if follower.age < PROBATION and over > PART_OF_PERSON:
                continue
            follower.age += 1
            smoothed = follower.filter(raw, seconds)
            follower.roi = Roi.around(smoothed.alignment)
            found.append(smoothed if self._smooth else raw)
            kept.append(follower)
        self._followed = kept
        return found

    def _where(self, image: Image) -> list[Roi]:
        """Where to look for new people in this frame."""
        height, width = image.shape[:2]
        if not self._tiles:
            return [whole(width, height)]
        self._views = self._views or Views(width, height)
        some = self._views.next(self._looks)
        return some if self._followed else self._views.large + some

    def _take_up(self, detected: list[Roi]) -> None:
        """Follow those of the detected people who are not followed yet, while there is room."""
        for roi in detected:
            known = any(roi.is_near(follower.roi) for follower in self._followed)
            if not known and len(self._followed) < self._max_people:
                self._followed.append(_Follower(roi))


def _same(one: Landmarks, other: Landmarks) -> bool:
    apart = np.linalg.norm(one.image[:, :2] - other.image[:, :2], axis=1).mean()
    return bool(apart < SAME_PERSON * Roi.around(other.alignment).scale)


def _share_over(one: Landmarks, other: Landmarks) -> float:
    """Share of the box around one person that lies in the box around the other."""
    low, high = one.image[:, :2].min(0), one.image[:, :2].max(0)
    common_low = np.maximum(low, other.image[:, :2].min(0))
    common_high = np.minimum(high, other.image[:, :2].max(0))
    common = np.prod(np.clip(common_high - common_low, 0, None))
    return float(common / max(np.prod(high - low), 1e-9))
