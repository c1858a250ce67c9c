"""Frames of a video file, a camera or a network stream."""

from __future__ import annotations

import logging
import os
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
TOO_LONG = 10  # for the number of a camera, in digits
FFMPEG_QUIET = "-8"  # FFmpeg's AV_LOG_QUIET
OPENCV_SILENT = 0
PATIENCE = 5.0  # seconds without a frame after which a source that has no end counts as gone
THREADS = 2  # that decode a stream: each holds a picture back, 4K needs more than one
EXPLAIN = 2.0  # seconds that a server has to say why it gives no pictures


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
        total: Number of frames, 0 where nobody knows; of some files an estimate from their length.
        position: Number of frames read so far.
        seconds: When the frame read last is shown, in a file.
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
        self.seconds = -1 / self.rate
        self.total = max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0) if self.is_file else 0

    def frames(self) -> Iterator[VideoFrame]:
        """Every frame, once, until the source ends."""
        number, image = 0, self.take()
        while image is not None:
            if self.is_file:
                yield VideoFrame(number, self.seconds, round(self.seconds * 1e9), image)
            else:
                yield VideoFrame(number, number / self.rate, time.time_ns(), image)
            number, image = number + 1, self.take()
        if number < self.total and _counts_its_frames(self.source):
            log.warning(
                "%s: ended after %d of %d frames; the rest cannot be decoded",
                *(self.source, number, self.total),
            )
        if not self.is_file:
            log.warning(
                "%s: ended after %d frames; --live would open it again", self.source, number
            )

    def close(self) -> None:
        """Close the source."""
        self._capture.release()

    def reopen(self) -> Image | None:
        """Try to open the source again; returns its first frame, None if that failed.

        Raises:
            InputError: It is back, but not as it was.
        """
        self.close()
        self._capture = _capture(self.source)
        image = self._read()
        if image is not None and (image.shape[1], image.shape[0]) != self.size:
            raise InputError(f"{self.source}: came back with pictures of another size; start again")
        return image

    def take(self) -> Image | None:
        """Read the next frame; None at the end."""
        image, self._first = self._first, None
        image = self._read() if image is None else image
        if image is not None:
            self.position += 1
            self.seconds = self._time()
        return image

    def _time(self) -> float:
        """When the frame just read is shown: a frame after the last one where nothing else is told.

        Files without a container tell nothing, or nonsense.
        """
        told = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        return told if told > max(self.seconds, 0.0) else self.seconds + 1 / self.rate

    def _read(self) -> Image | None:
        ok, image = self._capture.read()
        return np.asarray(image, dtype=np.uint8) if ok and image is not None else None


def _counts_its_frames(path: str) -> bool:
    """Whether a file says how many frames it has; OpenCV does not tell that from its estimate."""
    import av

    try:
        with av.open(path) as container:
            return any(stream.frames for stream in container.streams.video)
    except av.error.FFmpegError:
        return False


def _open(source: str) -> cv2.VideoCapture:
    # What is wrong is said here, once; they would say it at each try to open a camera that is away.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", FFMPEG_QUIET)
    cv2.setLogLevel(OPENCV_SILENT)
    if source.isdecimal():
        if len(source) >= TOO_LONG or not (capture := _capture(source)).isOpened():
            raise InputError(f"there is no camera {source}, or another program uses it")
        return capture
    try:
        source.encode()
    except UnicodeEncodeError:  # at which OpenCV crashes
        raise InputError(
            f"{source!a}: a name that is not UTF-8 cannot be opened; give the video another"
        ) from None
    if "://" not in source and not Path(source).is_file():
        raise InputError(f"{source}: no such file")
    capture = _capture(source)
    if not capture.isOpened():
        what = _refusal(source) if "://" in source else "is not a video that can be read"
        raise InputError(f"{source}: {what}")
    return capture


def _capture(source: str) -> cv2.VideoCapture:
    if source.isdecimal():
        return cv2.VideoCapture(int(source))
    return cv2.VideoCapture(
        source,
        cv2.CAP_FFMPEG,
        [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(PATIENCE * 1000)),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(PATIENCE * 1000)),
            *((cv2.CAP_PROP_N_THREADS, THREADS) if "://" in source else ()),
        ],
    )


def _refusal(url: str) -> str:
    """Ask again why a stream cannot be opened: OpenCV does not tell."""
    import av

    said = av.error.HTTPClientError, av.error.HTTPServerError, av.error.ConnectionRefusedError
    try:
        av.open(url, timeout=EXPLAIN).close()
    except said as error:
        return str(error.strerror)
    except av.error.ArgumentError:
        return "cannot be a URL; in a password write %2F for /, %3F for ? and %23 for #"
    except av.error.FFmpegError:
        pass
    return "does not answer with a video"
