"""A video becomes records: find the people in each frame, tell who is who, write it down."""

from __future__ import annotations

from collections.abc import Callable, Generator

from video.capture import Video, VideoFrame
from video.live import LiveFrames
from video.people import PoseSource
from video.writer import record


def video_records(
    video: Video,
    source: PoseSource,
    every: int,
    live: bool,
    keep: Callable[[VideoFrame], None] | None = None,
) -> Generator[bytes]:
    """Yield the record of each frame that is worked on, people or not, as JSON text.

    Args:
        video: What to look at.
        source: What finds the people.
        every: Work on every so many frames.
        live: Take the newest frame each time instead of each frame.
        keep: Is given every frame that is taken.
    """
    from video.tracking import PeopleTracker  # its scipy takes seconds to import

    track = PeopleTracker(video.rate)
    last = -1
    for frame in LiveFrames(video) if live else video.frames():
        if keep:
            keep(frame)
        if last >= 0 and frame.number - last < every:
            continue
        found = source.people(frame.image, frame.seconds)
        people = track(found, frame.number - last)
        last = frame.number
        yield record(frame.number, frame.nanoseconds, people, source.producer)
