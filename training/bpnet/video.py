"""Frames of a video, and annotated frames to a video that browsers play."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from converter import InputError
from training.bpnet.arrays import Array


class VideoReader:
    """Streams the frames of a file.

    Args:
        path: a video that FFmpeg knows.

    Raises:
        InputError: it cannot be opened or has no pictures.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._container = av.open(str(path))
        except (OSError, av.FFmpegError) as error:
            raise InputError(f"{path}: cannot read the video: {error}") from None
        if not self._container.streams.video:
            raise InputError(f"{path}: has no video stream")
        self._stream = self._container.streams.video[0]
        self.count = self._stream.frames or None
        self.rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        self.time_base = self._stream.time_base or 1 / self.rate

    def __iter__(self) -> Iterator[tuple[float, Array]]:
        """Time in seconds and (H, W, 3) uint8 RGB of each frame, as it is shown."""
        self._stream.thread_type = "AUTO"
        expected = 0.0
        try:
            for frame in self._container.decode(self._stream):
                time = expected if frame.time is None else float(frame.time)
                expected = time + float(1 / self.rate)
                picture = frame.to_ndarray(format="rgb24")
                # Cameras may store pictures turned.
                yield time, np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))
        except av.FFmpegError as error:
            raise InputError(f"{self.path}: the video is damaged: {error}") from None
        finally:
            self._container.close()


class VideoWriter:
    """Writes H.264 in MP4; the file appears under its name when it is closed in good order.

    Args:
        path: the file.
        rate: frames per second, on average.
        time_base: seconds, of which the times of frames are multiples; None: a frame's length.
    """

    def __init__(self, path: Path, rate: Fraction | int, time_base: Fraction | None = None) -> None:
        self.path, self._rate = path, Fraction(rate)
        self._time_base = time_base or 1 / self._rate
        self._start, self._last = 0.0, -1
        self._beside = path.with_name(f".part-{path.name}")
        self._container = av.open(str(self._beside), "w")
        self._stream: av.VideoStream | None = None

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._stream is not None:
            for packet in self._stream.encode():
                self._container.mux(packet)
        self._container.close()
        if kind is None:
            self._beside.replace(self.path)
        else:
            self._beside.unlink(missing_ok=True)

    def write(self, image: Array, time: float | None = None) -> None:
        """Append a frame.

        Args:
            image: (H, W, 3) uint8 RGB; odd sides lose a row or column.
            time: seconds; the first frame begins the file. None: a frame's length after the last.
        """
        height, width = (side - side % 2 for side in image.shape[:2])
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", self._rate, {"crf": "18"})
            self._stream.width, self._stream.height = width, height
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = self._time_base
            self._start = time or 0.0
        frame = av.VideoFrame.from_ndarray(image[:height, :width].copy(), format="rgb24")
        frame.pts, frame.time_base = self._later(time), self._time_base
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def _later(self, time: float | None) -> int:
        """The time of a frame in units of the time base, after that of the last one."""
        if time is not None:
            pts = round((time - self._start) / self._time_base)
        else:
            pts = self._last + round(1 / self._rate / self._time_base) if self._last >= 0 else 0
        self._last = max(pts, self._last + 1)
        return self._last
