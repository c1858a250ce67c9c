"""Writing an MP4 that browsers play: H.264, yuv420p, the index in front, the sound kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

from converter.atomic import replacing
from video.overlay.clip import EXACT_COLOURS, Clip, FfmpegError
from video.overlay.text import Picture
from video.results.view import Size

log = logging.getLogger(__name__)

# Sound in one of these codecs is copied, other sound is encoded as AAC.
COPIED_SOUND = frozenset({"aac", "mp3", "opus", "flac"})
QUALITY = {"crf": "21", "preset": "veryfast"}


class Movie:
    """An MP4 that is being written; made by `new_movie`."""

    def __init__(self, container: Any, clip: Clip, size: Size) -> None:
        self._container = container
        self._video = container.add_stream("libx264", rate=clip.rate, options=QUALITY)
        self._video.width, self._video.height = size
        self._video.pix_fmt = "yuv420p"
        context = self._video.codec_context
        context.time_base = self._time_base = clip.time_base
        context.gop_size = max(1, round(2 * clip.rate))  # quick to seek in
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1  # "limited", as players expect
        if clip.pixel_shape:
            context.sample_aspect_ratio = clip.pixel_shape
        self._damaged = False
        self._sound: Any = None
        self._copied = clip.sound is not None and clip.sound.codec_context.name in COPIED_SOUND
        if self._copied:
            self._sound = container.add_stream_from_template(clip.sound)
        elif clip.sound is not None:
            self._sound = container.add_stream("aac", rate=clip.sound.rate)

    def add_picture(self, picture: Picture, pts: int) -> None:
        """Add a picture (height, width, 3) BGR, shown at `pts` in the clip's time base."""
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame = frame.reformat(
            format="yuv420p",
            dst_colorspace="ITU709",
            dst_color_range="MPEG",
            interpolation=EXACT_COLOURS,
        )
        frame.pts, frame.time_base = pts, self._time_base
        self._container.mux(self._video.encode(frame))

    def add_sound(self, packet: Any) -> None:
        """Add a packet of the clip's sound; one that is damaged is left out."""
        try:
            if self._copied:
                packet.stream = self._sound
                self._container.mux(packet)
            else:
                for frame in packet.decode():
                    self._container.mux(self._sound.encode(frame))
        except FfmpegError as error:
            level = logging.DEBUG if self._damaged else logging.WARNING
            log.log(level, "some of the sound is damaged and left out (%s)", error)
            self._damaged = True

    def finish(self) -> None:
        """Write what the encoders still hold."""
        self._container.mux(self._video.encode(None))
        if self._sound is not None and not self._copied:
            self._container.mux(self._sound.encode(None))


@contextmanager
def new_movie(path: Path, clip: Clip, size: Size) -> Iterator[Movie]:
    """Make the movie `path`, which appears when it is complete.

    Args:
        path: The file to write or replace.
        clip: Gives the rate, the time base and the sound.
        size: (width, height) of the pictures, both even.
    """
    with replacing(path) as file:
        options = {"movflags": "+faststart"}
        with av.open(file.name, "w", format="mp4", options=options) as container:
            movie = Movie(container, clip, size)
            yield movie
            movie.finish()


def padded(picture: Picture, below: int = 0) -> Picture:
    """Return a copy with even sides and `below` black rows at the bottom.

    A row or column that is missing to an even number repeats the last one.
    """
    height, width = picture.shape[:2]
    edges = (0, height % 2), (0, width % 2), (0, 0)
    even = np.pad(picture, edges, mode="edge") if height % 2 or width % 2 else picture
    if not below:
        return np.ascontiguousarray(even).copy()
    canvas = np.zeros((even.shape[0] + below, even.shape[1], 3), dtype=np.uint8)
    canvas[: even.shape[0]] = even
    return canvas
