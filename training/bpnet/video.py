"""Frames of a video, and annotated frames to a video that browsers play."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

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
            self._stream = self._container.streams.video[0]
        except (OSError, av.FFmpegError, IndexError) as error:
            raise InputError(f"{path}: cannot read the video: {error}") from None
        self.count = self._stream.frames or None
        self.rate = self._stream.average_rate or self._stream.guessed_rate or 25

    def __iter__(self) -> Iterator[tuple[float, Array]]:
        """Time in seconds and (H, W, 3) uint8 RGB of each frame."""
        self._stream.thread_type = "AUTO"
        try:
            for frame in self._container.decode(self._stream):
                yield float(frame.time or 0), frame.to_ndarray(format="rgb24")
        except av.FFmpegError as error:
            raise InputError(f"{self.path}: the video is damaged: {error}") from None
        finally:
            self._container.close()


class VideoWriter:
    """Writes H.264 in MP4; the file appears under its name when it is closed in good order.

    Args:
        path: the file.
        rate: frames per second.
    """

    def __init__(self, path: Path, rate: Fraction | int) -> None:
        self.path, self._rate = path, rate
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

    def write(self, image: Array) -> None:
        """Append (H, W, 3) uint8 RGB; odd sides lose a row or column."""
        height, width = (side - side % 2 for side in image.shape[:2])
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", self._rate, {"crf": "18"})
            self._stream.width, self._stream.height = width, height
            self._stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(image[:height, :width].copy(), format="rgb24")
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
