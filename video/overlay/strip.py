"""The strip below the picture: a lane of actions for every person, and a playhead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from video.overlay.style import Style, bgr
from video.overlay.text import Picture, draw_text, line_height, text_width
from video.results import palette
from video.results.timeline import Span, Timeline

LONGEST_PAGE = 60.0  # seconds
MOST_LANES = 5

_GROUND = bgr(palette.INK)
_LANE = (46, 40, 35)
_FAINT = (160, 152, 144)
_PLAYHEAD = (255, 255, 255)
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)  # seconds


class Strip:
    """Draws the strip; a long video has it in pages of at most a minute.

    Args:
        timeline: Who did what when.
        times: (frames + 1,) seconds at which each frame begins, and the last one ends.
        first_frame: Number of the frame that `times` begins with.
        width: Of the strip in pixels.
        colours: By action.
        style: Sizes.

    Attributes:
        height: Of the strip in pixels, even.
    """

    def __init__(
        self,
        timeline: Timeline,
        times: NDArray[np.float64],
        first_frame: int,
        width: int,
        colours: Mapping[str, str],
        style: Style,
    ) -> None:
        self._timeline, self._colours, self._style = timeline, colours, style
        self._times, self._first = times, first_frame
        self._start = float(times[0])
        length = max(float(times[-1]) - self._start, 1e-3)
        self._pages = ceil(length / LONGEST_PAGE)
        self._length = length / self._pages
        self._row = round(1.3 * line_height(style.text))
        pages = [self._lanes(page) for page in range(self._pages)]
        most = max(len(lanes) for lanes, _ in pages)
        # The first time stands half beside how many are left out.
        names = [*timeline.spans, f"+{max(hidden for _, hidden in pages)} 0:"]
        self._left = 2 * style.text + max(text_width(name, style.text) for name in names)
        self._left = min(self._left, width // 3)
        self._right = width - style.text
        self._shape = (most + 1) * self._row + style.text // 2, width
        self.height = self._shape[0] + self._shape[0] % 2
        self._page = -1
        self._drawn: Picture

    def draw(self, picture: Picture, time: float) -> None:
        """Draw the strip as it is at `time` seconds into `picture` (height, width, 3) BGR."""
        page = min(max(int((time - self._start) / self._length), 0), self._pages - 1)
        if page != self._page:
            self._page, self._drawn = page, self._draw_page(page, picture.shape[:2])
        picture[:] = self._drawn
        x, wide = self._x(time), max(1, self._style.edge)
        bottom = picture.shape[0] - self._row
        cv2.rectangle(picture, (x - wide, 0), (x + wide, bottom), _GROUND, cv2.FILLED)
        cv2.rectangle(picture, (x - wide // 2, 0), (x + wide // 2, bottom), _PLAYHEAD, cv2.FILLED)
        half = max(3, self._style.text // 3)
        head = np.array([(x - half, 0), (x + half, 0), (x, round(1.3 * half))])
        cv2.fillPoly(picture, [head], _PLAYHEAD, cv2.LINE_AA)

    def _seconds(self, frame: int) -> float:
        place = min(max(frame - self._first, 0), len(self._times) - 1)
        return float(self._times[place])

    def _bounds(self, span: Span) -> tuple[float, float]:
        return self._seconds(span.first_frame), self._seconds(span.last_frame + 1)

    def _lanes(self, page: int) -> tuple[list[list[Span]], int]:
        """Return the lanes of a page, of those who act longest, and how many are left out."""
        start = self._start + page * self._length
        end = start + self._length
        lanes, length = [], []
        for spans in self._timeline.spans.values():
            bounds = [(max(a, start), min(b, end)) for a, b in map(self._bounds, spans)]
            here = [(span, b - a) for span, (a, b) in zip(spans, bounds, strict=True) if b > a]
            if here:
                lanes.append([span for span, _ in here])
                # Whoever does nothing known comes after all others.
                length.append(sum(seen if span.action else 1e-6 * seen for span, seen in here))
        kept = sorted(np.argsort(length, kind="stable")[::-1][:MOST_LANES].tolist())
        return [lanes[lane] for lane in kept], len(lanes) - len(kept)

    def _x(self, time: float) -> int:
        share = (time - self._start - self._page * self._length) / self._length
        return round(self._left + min(max(share, 0), 1) * (self._right - self._left))

    def _draw_page(self, page: int, shape: tuple[int, ...]) -> Picture:
        self._page = page
        strip = np.empty((*shape, 3), dtype=np.uint8)
        strip[:] = _GROUND
        lanes, hidden = self._lanes(page)
        inset = max(1, self._row // 10)
        for lane, spans in enumerate(lanes):
            top = self._style.text // 2 + lane * self._row
            self._draw_lane(strip, spans, top + inset, top + self._row - inset)
        if hidden:
            corner = self._style.text // 2, shape[0] - self._row + self._style.text // 3
            draw_text(strip, f"+{hidden}", corner, self._style.text, _FAINT)
        self._draw_axis(strip)
        return strip

    def _draw_lane(self, strip: Picture, spans: Sequence[Span], top: int, bottom: int) -> None:
        size, style = self._style.text, self._style
        baseline = (top + bottom - line_height(size)) // 2
        name = _shortened(spans[0].person, size, self._left - size)
        draw_text(strip, name, (size // 2, baseline), size, _PLAYHEAD)
        cv2.rectangle(strip, (self._left, top), (self._right, bottom), _LANE, cv2.FILLED)
        for span in spans:
            left, right = (self._x(time) for time in self._bounds(span))
            right = max(left + 1, right - style.edge)
            colour = bgr(self._colours[span.action])
            if not span.action:
                middle = (top + bottom) // 2
                cv2.rectangle(
                    strip, (left, middle - style.edge), (right, middle + style.edge), _FAINT, -1
                )
                continue
            cv2.rectangle(strip, (left, top), (right, bottom), colour, cv2.FILLED)
            if text_width(span.action, size) + size < right - left:
                corner = left + size // 2, baseline
                draw_text(strip, span.action, corner, size, bgr(palette.INK))

    def _draw_axis(self, strip: Picture) -> None:
        size = self._style.text
        top = strip.shape[0] - self._row
        room = text_width("00:00.0", size) * 1.6
        per_second = (self._right - self._left) / self._length
        tick = next((tick for tick in _TICKS if tick * per_second > room), LONGEST_PAGE)
        begin = self._page * self._length
        for number in range(ceil(begin / tick), int((begin + self._length) / tick + 1e-6) + 1):
            x = self._x(self._start + number * tick)
            cv2.line(strip, (x, top), (x, top + size // 3), _FAINT, max(1, self._style.edge // 2))
            text = clock(number * tick, tick < 1)
            left = min(x - text_width(text, size) // 2, self._right - text_width(text, size))
            draw_text(strip, text, (left, top + size // 3), size, _FAINT)


def clock(seconds: float, tenths: bool = False) -> str:
    """Write a time as `m:ss` or `h:mm:ss`, with tenths of a second where wanted."""
    whole = round(seconds * 10)
    minutes, rest = divmod(whole, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{text}:{rest // 10:02}" + (f".{rest % 10}" if tenths else "")


def _shortened(text: str, size: int, room: int) -> str:
    if text_width(text, size) <= room:
        return text
    while text and text_width(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text}…"
