"""Frames of a source that does not wait: the newest each time, across interruptions."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from converter.complaints import Complaints
from video.capture import PATIENCE, Video, VideoFrame
from video.people import Image

log = logging.getLogger(__name__)

LONGEST = 3 * PATIENCE  # seconds that opening the source and reading from it may take
RETRY = 1.0  # seconds between two tries to open the source again


class LiveFrames:
    """Reads a video in a thread of its own and hands out the newest frame.

    Frames that were missed are counted in the numbers of the frames; the first gaps are logged,
    and how many frames were missed at the end. A camera or stream that goes away is opened again
    until it is back; a file is played at its own speed, to its end.

    Args:
        video: The source; nobody else may read it.
    """

    def __init__(self, video: Video) -> None:
        self._video = video
        self._changed = threading.Condition()
        self._frame: VideoFrame | None = None
        self._error: Exception | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __iter__(self) -> Iterator[VideoFrame]:
        self._thread.start()
        gaps = Complaints("frames that are missed")  # a slow machine has several a second for days
        expected = missed = 0
        try:
            while (frame := self._newest()) is not None:
                if frame.number > expected:
                    gaps.note(f"frames {expected} to {frame.number - 1} were missed")
                    missed += frame.number - expected
                expected = frame.number + 1
                yield frame
        finally:
            self._end()
            self._thread.join(timeout=LONGEST)
            if gaps.flooded:
                log.warning("%d of %d frames were missed", missed, expected)
        if self._error:
            raise self._error

    def _newest(self) -> VideoFrame | None:
        """Wait for a frame; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended)
            frame, self._frame = self._frame, None
        return frame

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _run(self) -> None:
        try:
            self._read()
        except Exception as error:  # raised where the frames are taken
            self._error = error
        self._end()

    def _read(self) -> None:
        video, number = self._video, 0
        start = seen = time.monotonic()
        while not self._ended:
            image = video.take()
            # What comes after a long silence is what the decoder still held: the source is gone.
            silent = image is None or time.monotonic() - seen >= PATIENCE
            if silent and not video.is_file:
                image = self._bring_back()
                number += round((time.monotonic() - seen) * video.rate)
            if image is None:
                return
            if video.is_file:
                time.sleep(max(0.0, start + video.seconds - time.monotonic()))
            seen = time.monotonic()
            frame = VideoFrame(number, seen - start, time.time_ns(), image)
            with self._changed:
                self._frame = frame
                self._changed.notify()
            number += 1

    def _bring_back(self) -> Image | None:
        log.warning("%s is gone; opening it again until it is back", self._video.source)
        while not self._ended:
            if (image := self._video.reopen()) is not None:
                log.warning("%s is back", self._video.source)
                return image
            time.sleep(RETRY)
        return None
