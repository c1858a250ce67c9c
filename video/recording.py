"""Keeping the pictures of a camera, so that results can be drawn on them later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av

from converter.atomic import replacing
from video.capture import VideoFrame

QUALITY = {"crf": "23", "preset": "veryfast"}


class Recording:
    """Writes frames as H.264; picture n of the file is frame n.

    Args:
        container: An open MP4 file.
        size: (width, height) of the frames; an odd row or column is cut off.
        rate: Frames a second.
    """

    def __init__(
        self, container: av.container.OutputContainer, size: tuple[int, int], rate: float
    ) -> None:
        self._container = container
        steady = Fraction(rate).limit_denominator(1001)
        self._stream = container.add_stream("libx264", rate=steady, options=QUALITY)
        self._stream.width, self._stream.height = (length - length % 2 for length in size)
        self._stream.pix_fmt = "yuv420p"
        self._tick = 1 / steady
        self._count = 0

    def keep(self, frame: VideoFrame) -> None:
        """Write a frame, also in the place of those before it that were missed."""
        height, width = self._stream.height, self._stream.width
        image = frame.image[:height, :width].copy()
        while self._count <= frame.number:
            picture = av.VideoFrame.from_ndarray(image, format="bgr24")
            picture.pts, picture.time_base = self._count, self._tick
            self._container.mux(self._stream.encode(picture))
            self._count += 1

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))


@contextmanager
def recording(path: Path, size: tuple[int, int], rate: float) -> Iterator[Recording]:
    """Open a recording; the file appears when the block ends without an exception."""
    with replacing(path) as file, av.open(file, "w", format="mp4") as container:
        kept = Recording(container, size, rate)
        yield kept
        kept.finish()
