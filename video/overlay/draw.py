"""From results and a video to a video with the results drawn in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter.errors import InputError
from video.overlay.clip import BlankClip, Clip, Shot, VideoClip
from video.overlay.movie import new_movie, padded
from video.overlay.people import draw_people
from video.overlay.strip import Strip
from video.overlay.style import Style
from video.results.document import Document, PeopleOf, Person
from video.results.palette import action_colours
from video.results.progress import show_progress
from video.results.targets import check_film, check_target
from video.results.timeline import Timeline, even_times, timeline_of
from video.results.view import USUAL_RATE, USUAL_SIZE, Size, View

log = logging.getLogger(__name__)

LARGEST_SIDE = 8192  # of plain pictures; H.264 ends at twice that, and at less where both are


@dataclass(frozen=True)
class Drawn:
    """What was drawn.

    Attributes:
        path: The video.
        frames: Its frames.
        size: (width, height) in pixels of the picture, without the strip below it.
        timeline: Who did what when.
        times: (frames + 1,) seconds at which each frame begins, and the last one ends.
        first_frame: Number in the document of the first frame.
        producer: What made the poses, where the document says so.
    """

    path: Path
    frames: int
    size: Size
    timeline: Timeline
    times: NDArray[np.float64]
    first_frame: int
    producer: str


def draw_overlay(
    results: str | Path,
    output: str | Path,
    video: str | Path | None = None,
    *,
    frame_size: Size | None = None,
    focal_length: float | None = None,
    rate: float | Fraction | None = None,
    source: str | None = None,
    strip: bool = True,
) -> Drawn:
    """Draw boxes, skeletons, ids, actions and a timeline.

    Memory does not depend on how long the video is, but for a few bytes a frame.

    Args:
        results: A document with actions; without them only persons are drawn.
        output: The MP4 to write or replace.
        video: What the poses were found in; None draws on plain pictures.
        frame_size: (width, height) that the poses refer to, where it is not the video's.
        focal_length: In pixels, for poses that are 3D only.
        rate: Frames per second where there is no video; None is 30.
        source: Which source of the document; None is the first.
        strip: Whether a strip with the timeline is added below the picture.

    Raises:
        InputError: The results or the video cannot be used.
    """
    results, output = Path(results), Path(output)
    video = None if video is None else Path(video)
    check_paths(results, output, video)
    with VideoClip(video) if video else nullcontext() as opened:
        document = Document(results, source)
        moments = show_progress(document.first_pass(), "reading", lambda: document.fraction)
        timeline = timeline_of(moments)
        clip: Clip = opened or _blank(frame_size, rate, timeline)
        if opened:
            _compare_lengths(results, timeline, opened)
        _compare_sizes(results, timeline, frame_size or clip.size)
        view = View.of(clip.size, frame_size, focal_length)
        _write(document, timeline, clip, view, output, strip)
    return Drawn(
        output, clip.done, clip.size, timeline, clip.times, clip.first_frame, document.producer
    )


def check_paths(results: Path, output: Path, video: Path | None) -> None:
    """Find out what `draw_overlay` would not write.

    Raises:
        InputError: The output is no MP4, no file, or would replace an input.
    """
    if output.suffix.lower() != ".mp4":
        raise InputError(f"{output}: the overlay is an MP4; let its name end in .mp4")
    check_target(output, results, video)
    check_film(output)


def _blank(size: Size | None, rate: float | Fraction | None, timeline: Timeline) -> BlankClip:
    size = size or USUAL_SIZE
    if max(size) > LARGEST_SIDE:
        raise InputError(
            f"a frame of {size[0]} by {size[1]} pixels is too large to draw on: at most "
            f"{LARGEST_SIDE} a side, or name the video"
        )
    times = even_times(timeline, float(rate or USUAL_RATE))
    speed = Fraction(rate or USUAL_RATE).limit_denominator(100_000)
    return BlankClip(size, speed, timeline.first_frame, times)


def _compare_lengths(results: Path, timeline: Timeline, clip: VideoClip) -> None:
    last, end = timeline.last_frame, clip.frames - 1
    if last > end:
        log.warning(
            "%s has frames up to %d, %s ends at %d; what is beyond is not drawn",
            *(results, last, clip.path, end),
        )
    elif last < end:
        log.warning(
            "%s has nobody after frame %d, %s ends at %d; nothing is drawn there",
            *(results, last, clip.path, end),
        )


def _compare_sizes(results: Path, timeline: Timeline, frame: Size) -> None:
    if any(np.array(timeline.reach) > 1.1 * np.array(frame)):
        log.warning(
            "%s: persons are up to %d, %d pixels, the frame is %d by %d; was it another size when "
            "the poses were found (--frame-size)?",
            *(results, *timeline.reach, *frame),
        )


def _write(
    document: Document, timeline: Timeline, clip: Clip, view: View, output: Path, strip: bool
) -> None:
    style = Style.of(clip.size)
    colours = action_colours(timeline.actions)
    width, height = (side + side % 2 for side in clip.size)
    lanes = None
    if strip:
        lanes = Strip(timeline, clip.times, clip.first_frame, width, colours, style)
    people = _Cursor(document.second_pass(), timeline.step)
    below = lanes.height if lanes else 0
    with new_movie(output, clip, (width, height + below)) as movie:
        for item in show_progress(clip.shots(), "drawing", lambda: clip.done / clip.frames):
            if not isinstance(item, Shot):
                movie.add_sound(item)
                continue
            canvas = padded(item.picture, below)
            inside = canvas[: clip.size[1], : clip.size[0]]
            draw_people(inside, people.at(item.number), view, colours, style)
            if lanes:
                lanes.draw(canvas[height:], float(clip.times[min(clip.done, clip.frames)]))
            movie.add_picture(canvas, item.pts)


class _Cursor:
    """Finds the persons of frame after frame.

    Args:
        moments: Frames with persons, in order.
        step: How many frames a pose stands for.
    """

    def __init__(self, moments: Iterator[PeopleOf], step: int) -> None:
        self._moments = moments
        self._step = step
        self._now: PeopleOf | None = None
        self._next = next(moments, None)

    def at(self, frame: int) -> list[Person]:
        """Return the persons of `frame`, which must not go back."""
        while self._next is not None and self._next.frame <= frame:
            self._now, self._next = self._next, next(self._moments, None)
        if self._now is None or frame - self._now.frame >= self._step:
            return []
        return self._now.people
