"""What the page knows: spans with their times, and skeletons to draw where there is no video."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from math import ceil, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from video.results import palette
from video.results.document import LAYOUT, PeopleOf
from video.results.skeleton import side_of
from video.results.timeline import Span, Timeline
from video.results.view import View

MOST_POSES = 20_000  # about 5 MB of page; longer documents are thinned out
UNIT = 10_000  # places are whole numbers of this part of the picture's width and height
SMALLEST_VIEW = 16 / 9  # width to height


def timeline_data(
    timeline: Timeline, times: NDArray[np.float64], first_frame: int
) -> dict[str, Any]:
    """Describe who did what when.

    Args:
        timeline: The spans.
        times: (frames + 1,) seconds at which each frame begins, and the last one ends.
        first_frame: Number of the frame that `times` begins with.

    Returns:
        `start`, `end`, `frames`, `rate`; `actions` with names and colours; `people` with names and
        spans [start, end, first frame, last frame, number of the action or -1, score or null].
    """
    actions = timeline.actions
    colours = palette.action_colours(actions)
    number = {name: place for place, name in enumerate(actions)}
    frames = len(times) - 1

    def seconds(frame: int) -> float:
        return round(float(times[min(max(frame - first_frame, 0), frames)]), 4)

    def describe(span: Span) -> list[float | None]:
        bounds = seconds(span.first_frame), seconds(span.last_frame + 1)
        score = None if isnan(span.score) else round(span.score, 4)
        action = number.get(span.action, -1)
        return [*bounds, span.first_frame, span.last_frame, action, score]

    people = [
        {"name": name, "spans": [describe(span) for span in spans]}
        for name, spans in timeline.spans.items()
    ]
    length = float(times[-1] - times[0])
    return {
        "start": seconds(first_frame),
        "end": seconds(first_frame + frames),
        "frames": frames,
        "rate": round(frames / length, 3) if length > 0 else 0,
        "actions": [{"name": name, "colour": colours[name]} for name in actions],
        "noAction": palette.NO_ACTION,
        "people": people,
    }


def skeleton_data(
    moments: Iterable[PeopleOf], timeline: Timeline, view: View, first_frame: int
) -> dict[str, Any]:
    """Pack the poses for the page's canvas.

    Args:
        moments: Frames with persons, in order.
        timeline: Of the same frames.
        view: Where joints are.
        first_frame: Number of the frame that the page's time begins with.

    Returns:
        `bones` and `joints` with their colours; `hold`, frames that a pose stands for; `box`
        (left, top, width, height) of what to show in pixels; and by person `frames` (int32 in
        base64, from 0) and `poses` (int16 in base64: V times x, y, confidence in `unit`).
    """
    every = max(1, ceil(timeline.sightings / MOST_POSES))
    frames: dict[str, list[int]] = {name: [] for name in timeline.spans}
    poses: dict[str, list[bytes]] = {name: [] for name in timeline.spans}
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    unit = np.array([UNIT / view.picture[0], UNIT / view.picture[1], UNIT])
    for place, moment in enumerate(moments):
        if place % every:
            continue
        for person in moment.people:
            joints = view.joints(person)
            seen = joints[joints[:, 2] > 0, :2]
            if len(seen):
                low, high = np.minimum(low, seen.min(axis=0)), np.maximum(high, seen.max(axis=0))
            frames[person.name].append(moment.frame - first_frame)
            poses[person.name].append(np.rint(joints * unit).astype("<i2").tobytes())
    return {
        "size": list(view.picture),
        "unit": UNIT,
        "hold": timeline.step * every,
        "box": _view_box(low, high, view),
        "bones": [[a, b, side_of(a, b)] for a, b in LAYOUT.edges],
        "joints": [side_of(joint) for joint in range(LAYOUT.num_joints)],
        "people": [
            {
                "frames": b64encode(np.array(frames[name], dtype="<i4").tobytes()).decode(),
                "poses": b64encode(b"".join(poses[name])).decode(),
            }
            for name in timeline.spans
        ],
    }


def _view_box(low: NDArray[np.float64], high: NDArray[np.float64], view: View) -> list[float]:
    """Return the part of the picture where people are, with room around them."""
    if not np.isfinite(low).all():
        return [0, 0, *view.picture]
    size = (high - low).clip(1)
    margin = 0.1 * size.max()
    size += 2 * margin
    wanted = max(size[0], size[1] * SMALLEST_VIEW), max(size[1], size[0] / SMALLEST_VIEW)
    corner = (low + high - wanted) / 2
    return [round(number, 1) for number in (*corner.tolist(), *wanted)]
