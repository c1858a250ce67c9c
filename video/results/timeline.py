"""Who did what from when to when, in memory that grows with the actions and not with the frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from converter.config import ConvertConfig
from converter.errors import InputError
from video.results.document import PeopleOf, Person

# A person who is missing for longer ends a span; the same number ends a track.
LONGEST_GAP: Final = ConvertConfig.max_gap or 0
MOST_FRAMES: Final = 10_000_000  # four days
SLOWEST, FASTEST = 0.0001, 10_000.0  # frames per second


@dataclass
class Span:
    """A stretch of time in which one person does one thing.

    Attributes:
        person: The person's id.
        action: The action's name; "" while it is not known.
        first_frame: Number of the first frame.
        last_frame: Number of the last frame.
    """

    person: str
    action: str
    first_frame: int
    last_frame: int
    _score_sum: float = 0.0
    _scored: int = 0

    @property
    def score(self) -> float:
        """Mean score of the frames that have one, 0..1; nan for none."""
        return self._score_sum / self._scored if self._scored else nan

    def extend(self, frame: int, score: float) -> None:
        """Go on to `frame`."""
        self.last_frame = frame
        if isfinite(score):
            self._score_sum += score
            self._scored += 1


@dataclass
class Timeline:
    """The spans of every person, in order of time.

    Attributes:
        spans: By person, in the order in which the persons appear.
        first_frame: Number of the first frame with a person.
        last_frame: Number of the last frame with a person.
        sightings: Persons in frames, counted.
        reach: Farthest to the right and down, in pixels, that a pelvis of `pose25d` is.
    """

    spans: dict[str, list[Span]] = field(default_factory=dict)
    first_frame: int = 0
    last_frame: int = -1
    sightings: int = 0
    reach: tuple[float, float] = (0.0, 0.0)
    _steps: Counter[int] = field(default_factory=Counter)

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of all actions that occur, sorted."""
        return tuple(sorted({s.action for spans in self.spans.values() for s in spans} - {""}))

    @property
    def step(self) -> int:
        """Usual distance between two frames: more than 1 if poses are of every n-th frame only."""
        return self._steps.most_common(1)[0][0] if self._steps else 1

    def add(self, moment: PeopleOf) -> None:
        """Take the persons of the next frame."""
        frame = moment.frame
        if not self.sightings:
            self.first_frame = frame
        elif (step := frame - self.last_frame) <= LONGEST_GAP:
            self._steps[step] += 1
        for person in moment.people:
            self._extend(frame, person)
            x, y = (person.pose or (None, None))[:2]
            self.reach = max(self.reach[0], x or 0.0), max(self.reach[1], y or 0.0)
        if moment.people:
            self.last_frame = frame
            self.sightings += len(moment.people)

    def _extend(self, frame: int, person: Person) -> None:
        action = person.action or ""
        spans = self.spans.setdefault(person.name, [])
        last = spans[-1] if spans else None
        if last is not None and last.last_frame == frame:
            return  # the same id twice in a frame
        gap = LONGEST_GAP + 1 if last is None else frame - last.last_frame - 1
        if last is None or last.action != action or gap > LONGEST_GAP:
            spans.append(last := Span(person.name, action, frame, frame))
        last.extend(frame, person.score)


def even_times(timeline: Timeline, rate: float) -> NDArray[np.float64]:
    """Return the times of the frames where there is no video to tell.

    Args:
        timeline: From its first frame to its last.
        rate: Frames per second.

    Returns:
        (frames + 1,) seconds at which each frame begins, and the last one ends.

    Raises:
        InputError: The rate is none of a video, or the frame numbers are no numbers of frames.
    """
    if not SLOWEST <= rate <= FASTEST:
        raise InputError(f"{rate:g} frames per second: must be from {SLOWEST:g} to {FASTEST:g}")
    frames = timeline.last_frame - timeline.first_frame + 1
    if frames > MOST_FRAMES:
        raise InputError(
            f"frame numbers go from {timeline.first_frame} to {timeline.last_frame}, which are too "
            "many frames to draw; name the video that they belong to"
        )
    times: NDArray[np.float64] = np.arange(frames + 1) / rate
    return times


def timeline_of(moments: Iterable[PeopleOf]) -> Timeline:
    """Gather the timeline of all frames."""
    timeline = Timeline()
    for moment in moments:
        timeline.add(moment)
    return timeline
