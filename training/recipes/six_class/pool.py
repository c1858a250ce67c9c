"""Random windows out of labelled clips."""

from collections.abc import Iterable

import numpy as np

from converter import InputError
from training.recipes.six_class.labelled import SHORTEST, Labelled
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.rules import CLASSES
from training.recipes.six_class.windows import (
    Timeline,
    draw_window,
    led_in_and_out,
    played,
    stretched,
    timelines,
)

SOURCE_WEIGHTS = {"nw_ucla": 0.4, "utkinect": 0.25, "hdm05": 0.35}
"""How often each source is drawn from; those that lack the class are left out."""
STILL_CLASSES, UPRIGHT = ("sitting", "standing"), ("standing", "walking")
LED = 0.6
"""How often something else is put before or after people who move."""
SLOWEST, FASTEST = 0.6, 1.65
"""Motions are played at so many times their speed."""
TRIES = 1000


def random_speed(rng: np.random.Generator) -> float:
    """Return how many times its speed a motion is played at."""
    return float(np.exp(rng.uniform(np.log(SLOWEST), np.log(FASTEST))))


class WindowPool:
    """Timelines by class and source.

    Args:
        items: where the timelines are taken from.
    """

    def __init__(self, items: Iterable[Labelled]) -> None:
        self._timelines: dict[str, dict[str, list[tuple[str, Timeline]]]] = {}
        self._upright: dict[str, dict[str, list[Motion]]] = {}
        for item in items:
            person = f"{item.clip.source} {item.clip.subject}"
            for timeline in timelines(item.whole, item.runs):
                for label in dict.fromkeys(run.label for run in timeline.runs):
                    by_source = self._timelines.setdefault(label, {})
                    by_source.setdefault(item.clip.source, []).append((person, timeline))
            upright = self._upright.setdefault(person, {label: [] for label in UPRIGHT})
            for run in item.runs:
                if run.label in UPRIGHT:
                    upright[run.label].append(item.whole[run.start : run.end])

    @property
    def labels(self) -> list[str]:
        """Classes that the clips show, in the order of ``CLASSES``."""
        return [label for label in CLASSES if label in self._timelines]

    def draw(
        self, label: str, length: int, rng: np.random.Generator, vary: bool
    ) -> tuple[str, Motion]:
        """Return (person, window (T, 34, 4)) with ``SHORTEST`` <= T <= ``length``.

        Args:
            label: class wanted.
            length: most frames.
            rng: source of randomness.
            vary: play it slower or faster, at random, as people and cameras are.

        Raises:
            InputError: no clip shows the class for long enough.
        """
        by_source = self._timelines.get(label, {})
        weights = np.array([SOURCE_WEIGHTS[source] for source in by_source])
        for _ in range(TRIES if by_source else 0):
            source = list(by_source)[int(rng.choice(len(by_source), p=weights / weights.sum()))]
            person, timeline = by_source[source][int(rng.integers(len(by_source[source])))]
            timeline = stretched(timeline, rng)
            if label not in STILL_CLASSES and rng.random() < LED:
                timeline = led_in_and_out(timeline, self._upright[person], rng)
            if vary:
                timeline = played(timeline, 1 / random_speed(rng))
            window = draw_window(timeline, label, length, rng)
            if window is not None and len(window) >= SHORTEST:
                return person, window
        raise InputError(f"the data show nobody {label} for {SHORTEST} frames or more")
