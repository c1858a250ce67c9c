"""Frames of a video file, a camera or a network stream."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from converter import InputError
from video.people import Image

log = logging.getLogger(__name__)

DEFAULT_RATE = 30.0  # of cameras that do not tell
PATIENCE = 5.0  # seconds without a frame after which a source that has no end counts as gone


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One frame.

    Attributes:
        number: From 0; a live source counts the frames that were skipped too.
        seconds: When it was taken, since the start.
        nanoseconds: The same since the epoch for a live source, since the start for a file.
        image: (H, W, 3) uint8, BGR.
    """

    number: int
    seconds: float
    nanoseconds: int
    image: Image


class Video:
    """An open source.

    Args:
        source: Path of a video file, number of a camera, or URL (`rtsp://...`).

    Attributes:
        size: (width, height) in pixels, as played.
        rate: Frames a second.
        total: Number of frames, 0 where nobody knows.
        position: Number of frames read so far.
        is_file: Whether it has an end and waits for its reader.

    Raises:
        InputError: It cannot be opened.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.is_file = not source.isdecimal() and "://" not in source
        self._capture = _open(source)
        self.position = 0
        self._first = image = self._read()
        if image is None:
            self.close()
            raise InputError(f"{source}: holds no picture that can be decoded")
        self.size = image.shape[1], image.shape[0]
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if 1 <= rate <= 1000 else DEFAULT_RATE
        self.total = max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0) if self.is_file else 0

    def frames(self) -> Iterator[VideoFrame]:
        """Every frame, once, until the source ends."""
        number, image = 0, self.take()
        while image is not None:
            seconds = number / self.rate
            if self.is_file:
                yield VideoFrame(number, seconds, round(seconds * 1e9), image)
            else:
                yield VideoFrame(number, seconds, time.time_ns(), image)
            number, image = number + 1, self.take()
        if self.total and number < self.total:
            log.warning(
                "%s: ended after %d of %d frames; the rest cannot be decoded",
                *(self.source, number, self.total),
            )

    def close(self) -> None:
        """Let go of the source."""
        self._capture.release()

    def reopen(self) -> Image | None:
        """Try to open the source again; returns its first frame, None if that failed.

        Raises:
            InputError: It is back, but not as it was.
        """
        self.close()
        try:
            self._capture = _open(self.source)
        except InputError:
            return None
        image = self._read()
        if image is not None and (image.shape[1], image.shape[0]) != self.size:
            raise InputError(f"{self.source}: came back with another size of picture")
        return image

    def take(self) -> Image | None:
        """Read the next frame; None at the end."""
        image, self._first = self._first, None
        image = self._read() if image is None else image
        self.position += image is not None
        return image

    def _read(self) -> Image | None:
        ok, image = self._capture.read()
        return np.asarray(image, dtype=np.uint8) if ok and image is not None else None


def _open(source: str) -> cv2.VideoCapture:
    if source.isdecimal():
        capture = cv2.VideoCapture(int(source))
        if not capture.isOpened():
            raise InputError(f"there is no camera {source}, or another program uses it")
        return capture
    if "://" not in source and not Path(source).is_file():
        raise InputError(f"{source}: no such file")
    capture = cv2.VideoCapture(
        source,
        cv2.CAP_FFMPEG,
        [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(PATIENCE * 1000)),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(PATIENCE * 1000)),
        ],
    )
    if not capture.isOpened():
        what = "does not answer" if "://" in source else "is no video that can be read"
        raise InputError(f"{source}: {what}")
    return capture
