"""The timeline below the picture: pages, lanes, and clocks."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from tests.video.documents import person
from video.overlay.strip import MOST_LANES, Strip, clock
from video.overlay.style import Style, bgr
from video.results.document import PeopleOf, Person
from video.results.palette import action_colours
from video.results.timeline import Timeline, timeline_of

WIDTH = 640


def timeline(frames: int, people: int = 1) -> Timeline:
    """Person n is there from second n on; all walk, then sit in the second half."""
    return timeline_of(
        PeopleOf(
            frame,
            msgspec.convert(
                [
                    person(name, "walk" if frame < frames / 2 else "sit")
                    for name in range(people)
                    if frame >= 10 * name
                ],
                list[Person],
            ),
        )
        for frame in range(frames)
    )


def strip_of(line: Timeline, frames: int) -> Strip:
    times = np.arange(frames + 1) / 10
    return Strip(line, times, 0, WIDTH, action_colours(line.actions), Style.of((WIDTH, 360)))


def share(strip: Strip, time: float, action: str, line: Timeline) -> float:
    """How much of the strip has the colour of an action."""
    picture = np.empty((strip.height, WIDTH, 3), dtype=np.uint8)
    strip.draw(picture, time)
    colour = bgr(action_colours(line.actions)[action])
    return float((picture == colour).all(axis=2).mean())


def test_a_long_video_has_pages() -> None:
    line = timeline(1200)  # two minutes
    strip = strip_of(line, 1200)
    assert share(strip, 30, "walk", line) > 0.3
    assert share(strip, 30, "sit", line) == 0
    assert share(strip, 90, "walk", line) == 0
    assert share(strip, 90, "sit", line) > 0.3


def test_a_minute_is_one_page() -> None:
    line = timeline(600)
    strip = strip_of(line, 600)
    assert share(strip, 10, "walk", line) == pytest.approx(share(strip, 50, "sit", line), rel=0.2)


def test_lanes_are_of_those_who_act_longest() -> None:
    few, many = (strip_of(timeline(200, people), 200).height for people in (MOST_LANES, 12))
    assert few == many
    assert strip_of(timeline(200, 1), 200).height < few


def test_how_many_are_left_out_stands_apart_from_the_times() -> None:
    strip = strip_of(timeline(200, 20), 200)
    picture = np.empty((strip.height, WIDTH, 3), dtype=np.uint8)
    strip.draw(picture, 10)
    below = picture[-strip.height // (MOST_LANES + 1) + 4 :]
    inked = (below != below[-1, -1]).any(axis=(0, 2))
    words = np.flatnonzero(np.diff(inked)[: WIDTH // 6])  # where they begin and end
    gaps = words[2::2] - words[1:-1:2]
    assert gaps.max() > 3 * gaps.min()  # beside those between letters


def test_the_strip_is_even_and_a_time_outside_is_drawn() -> None:
    line = timeline(7)
    strip = strip_of(line, 7)
    assert strip.height % 2 == 0
    assert share(strip, -5, "walk", line) == pytest.approx(share(strip, 99, "walk", line), rel=0.1)


@pytest.mark.parametrize(
    ("seconds", "tenths", "text"),
    [(0, False, "0:00"), (61, False, "1:01"), (3725, False, "1:02:05"), (0.5, True, "0:00.5")],
)
def test_clock(seconds: float, tenths: bool, text: str) -> None:
    assert clock(seconds, tenths) == text
