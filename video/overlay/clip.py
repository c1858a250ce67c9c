"""Pictures to draw on: those of a video, or plain ones."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from converter.errors import InputError
from video.overlay.style import bgr
from video.overlay.text import Picture
from video.results import palette
from video.results.view import Size

log = logging.getLogger(__name__)

# The conversion between RGB and YUV is a little off without.
EXACT_COLOURS = Interpolation.BICUBIC
if hasattr(Interpolation, "ACCURATE_RND"):  # PyAV 17, the last for Python 3.10, lacks it
    EXACT_COLOURS |= Interpolation.ACCURATE_RND
_UNSPECIFIED = 2
FfmpegError: type[Exception] = av.error.FFmpegError


@dataclass(frozen=True)
class Shot:
    """One picture of a clip.

    Attributes:
        number: Of the frame, as in the document.
        picture: (height, width, 3) uint8 BGR.
        pts: When it is shown, in units of the clip's time base.
    """

    number: int
    picture: Picture
    pts: int


class Clip(ABC):
    """A row of pictures.

    Attributes:
        size: (width, height) in pixels, as they are shown.
        rate: Frames per second, on average.
        time_base: Seconds per unit of `pts`.
        times: (frames + 1,) seconds at which each picture begins, and the last one ends.
        first_frame: Number of the first picture.
        done: How many pictures `shots` has given.
        sound: The stream of sound, if there is one.
        pixel_shape: Width of a pixel divided by its height; None is not known.
    """

    size: Size
    rate: Fraction
    time_base: Fraction
    times: NDArray[np.float64]
    first_frame: int = 0
    done: int = 0
    sound: Any = None
    pixel_shape: Fraction | None = None

    @property
    def frames(self) -> int:
        """How many pictures there are."""
        return len(self.times) - 1

    @abstractmethod
    def shots(self) -> Iterator[Shot | Any]:
        """Yield the pictures, and between them packets of sound, as they come."""


class BlankClip(Clip):
    """Plain pictures at a constant rate."""

    def __init__(
        self, size: Size, rate: Fraction, first_frame: int, times: NDArray[np.float64]
    ) -> None:
        self.size = size
        self.rate = rate
        self.time_base = 1 / rate
        self.first_frame = first_frame
        self.times = times

    def shots(self) -> Iterator[Shot]:
        """See `Clip`."""
        plain = np.empty((self.size[1], self.size[0], 3), dtype=np.uint8)
        plain[:] = bgr(palette.GROUND)
        for place in range(self.frames):
            yield Shot(self.first_frame + place, plain, place)
            self.done += 1


class VideoClip(Clip):
    """The first video stream of a file, and its first stream of sound.

    Args:
        path: The file, which is read once for the times of its frames and once for the pictures.

    Raises:
        InputError: It is no video, or cannot be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._opened() as container:
            self._survey(container)
        # Opened anew, because not every format can go back to its beginning.
        self._container = self._opened()
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.sound = next(iter(self._container.streams.audio), None)

    def __enter__(self) -> VideoClip:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def shots(self) -> Iterator[Shot | Any]:
        """See `Clip`; can be called once."""
        last: int | None = None
        step = max(1, round(1 / self.rate / self.time_base))
        streams = [self._stream] if self.sound is None else [self._stream, self.sound]
        for packet in self._packets(self._container, *streams):
            if packet.stream is self.sound:
                if packet.dts is not None:
                    yield packet
                continue
            for frame in self._decode(packet):
                last = _later(frame.pts, last, step)
                yield Shot(self.done, _upright(frame, self._stored), last)
                self.done += 1
        if lost := self.frames - self.done:
            log.warning("%s: %d of %d frames cannot be decoded", self.path, lost, self.frames)

    def _opened(self) -> Any:
        if not self.path.is_file():
            raise InputError(f"{self.path}: no such video")
        try:
            return av.open(str(self.path))
        except (FfmpegError, OSError) as error:
            reason = _reason(error)
            raise InputError(f"{self.path}: cannot be read as a video ({reason})") from None

    def _survey(self, container: Any) -> None:
        """Collect the times of all frames from the packets, of which only the first is decoded."""
        if not container.streams.video:
            raise InputError(f"{self.path}: has no video stream")
        stream = container.streams.video[0]
        self.time_base = stream.time_base or Fraction(1, 1000)
        self.rate = stream.average_rate or stream.guessed_rate or Fraction(30)
        first = None
        stamps = []
        for packet in self._packets(container, stream):
            first = first or next(iter(self._decode(packet)), None)
            if packet.size and not packet.is_discard:
                stamps.append(packet.pts)
        if first is None:
            raise InputError(f"{self.path}: no picture in it can be decoded")
        self.times = self._times(stamps)
        turned = first.rotation % 180 != 0
        self._stored: Size = first.width, first.height
        self.size = (first.height, first.width) if turned else self._stored
        shape = stream.sample_aspect_ratio
        self.pixel_shape = 1 / shape if shape and turned else shape

    def _times(self, stamps: list[int | None]) -> NDArray[np.float64]:
        usual = float(1 / self.rate)
        if None in stamps:
            times = np.arange(len(stamps)) * usual
        else:
            times = np.sort(np.array(stamps, dtype=np.float64)) * float(self.time_base)
        return np.append(times, times[-1] + usual)

    def _packets(self, container: Any, *streams: Any) -> Iterator[Any]:
        try:
            yield from container.demux(*streams)
        except FfmpegError as error:
            raise InputError(f"{self.path}: damaged ({_reason(error)})") from None

    def _decode(self, packet: Any) -> list[Any]:
        try:
            return list(packet.decode())
        except FfmpegError as error:
            log.debug("%s: a packet cannot be decoded: %s", self.path, _reason(error))
            return []


def _later(pts: int | None, last: int | None, step: int) -> int:
    """Return the time of a frame, which must come after the last one's."""
    if pts is None:
        return 0 if last is None else last + step
    return pts if last is None else max(pts, last + 1)


def _upright(frame: Any, stored: Size) -> Picture:
    """Return the pixels as they are shown: cameras may store them turned.

    A stream may change its size on the way; it is scaled to `stored`, the size it began with.
    """
    # Without a colour space in the file, players take BT.709 from 720 lines on, FFmpeg BT.601.
    space = "ITU709" if frame.colorspace == _UNSPECIFIED and frame.height >= 720 else None
    picture: Picture = frame.to_ndarray(
        format="bgr24",
        width=stored[0],
        height=stored[1],
        src_colorspace=space,
        interpolation=EXACT_COLOURS,
    )
    return np.rot90(picture, round(frame.rotation / 90)) if frame.rotation else picture


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
