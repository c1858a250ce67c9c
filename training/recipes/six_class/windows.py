"""Cut windows of one class out of labelled clips, with what may come before and after.

A *timeline* is a stretch of a clip in which every frame has a class. For training it is
stretched: still runs are played to and fro and cyclic ones (walking, hopping) are repeated, so
that short clips give long windows; between two runs no frame jumps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from training.recipes.six_class.motion import Motion, cycle, join, resample, to_and_fro
from training.recipes.six_class.rules import EVENTS, Run

EVENT_COVERED, EVENT_SHARE, EVENT_TRACE = 0.6, 0.6, 0.15
STATE_SHARE = 0.75
LONGEST = {"sitting": 150, "standing": 150, "walking": 200, "jumping": 120}
LEAD, BLEND, STILLER = 60, 10, 4.0


@dataclass(frozen=True)
class Timeline:
    """A motion whose frames all have a class.

    Attributes:
        motion: ``(T, 34, 4)``.
        runs: runs that follow each other and together cover the motion.
    """

    motion: Motion
    runs: tuple[Run, ...]


def timelines(motion: Motion, runs: Sequence[Run]) -> list[Timeline]:
    """Split a clip into timelines at the frames without a class.

    Args:
        motion: ``(T, 34, 4)``.
        runs: runs in order, none overlapping.
    """
    groups: list[list[Run]] = []
    for run in runs:
        if groups and groups[-1][-1].end == run.start:
            groups[-1].append(run)
        else:
            groups.append([run])
    return [
        _timeline([motion[run.start : run.end] for run in group], [run.label for run in group])
        for group in groups
    ]


def window_label(runs: Sequence[Run], start: int, end: int) -> str | None:
    """Return the class of the window from ``start`` to ``end``, or None where it is doubtful.

    Sitting down, getting up and jumping are events: a window shows one when most of it lies in
    the window (``EVENT_COVERED``) or when it fills most of the window (``EVENT_SHARE``).
    Sitting, standing and walking are states: a window shows one when it fills ``STATE_SHARE``
    of it and no event leaves more than a trace (``EVENT_TRACE`` of itself).
    """
    shown, frames = set(), dict[str, int]()
    for run in runs:
        overlap = max(0, min(run.end, end) - max(run.start, start))
        if run.label not in EVENTS:
            frames[run.label] = frames.get(run.label, 0) + overlap
        elif overlap >= EVENT_COVERED * len(run) or overlap >= EVENT_SHARE * (end - start):
            shown.add(run.label)
        elif overlap > EVENT_TRACE * len(run):
            return None
    if shown:
        return shown.pop() if len(shown) == 1 else None
    label = max(frames, key=frames.__getitem__)
    return label if frames[label] >= STATE_SHARE * (end - start) else None


def stretched(timeline: Timeline, rng: np.random.Generator) -> Timeline:
    """Return the timeline with its still and cyclic runs played for longer, at random."""
    parts = []
    for run in timeline.runs:
        part = timeline.motion[run.start : run.end]
        longest = LONGEST.get(run.label, 0)
        length = int(rng.integers(min(len(part), longest), longest + 1))
        if run.label in ("walking", "jumping"):
            part = part if length <= len(part) else cycle(part, length)
        elif longest:
            part = resample(part, float(rng.uniform(1, STILLER)))
            turn = max(1, len(part) - 1)
            there_and_back = max(0, length // turn - 1) // 2
            part = to_and_fro(part, turn * (2 * there_and_back + 1) + 1)
        parts.append(part)
    return _timeline(parts, [run.label for run in timeline.runs])


def led_in_and_out(
    timeline: Timeline, upright: Mapping[str, Sequence[Motion]], rng: np.random.Generator
) -> Timeline:
    """Return the timeline with standing or walking before and after it, each half the time.

    Nothing is put before somebody who begins on a seat, or after somebody who ends on one.

    Args:
        timeline: what to lead in and out.
        upright: motions of the same person by class (``standing``, ``walking``).
        rng: source of randomness.
    """
    labels = [run.label for run in timeline.runs]
    leads = [
        (label, motion)
        for label, motions in upright.items()
        for motion in motions
        if label not in labels
    ]
    parts, motion = list(labels), timeline.motion
    edges = [run.start for run in timeline.runs] + [len(motion)]
    if leads and labels[0] not in ("getting_up", "sitting") and rng.random() < 0.5:
        label, lead = _lead(leads, rng)
        motion, parts = join(lead, motion, BLEND), [label, *parts]
        edges = [0, *(edge + len(lead) for edge in edges)]
    if leads and labels[-1] not in ("sitting_down", "sitting") and rng.random() < 0.5:
        label, lead = _lead(leads, rng)
        motion, parts = join(motion, lead, BLEND), [*parts, label]
        edges = [*edges, len(motion)]
    runs = zip(parts, edges, edges[1:], strict=False)
    return Timeline(motion, tuple(Run(*run) for run in runs))


def played(timeline: Timeline, factor: float) -> Timeline:
    """Return the timeline in ``factor`` times as many frames."""
    motion = resample(timeline.motion, factor)
    edges = [round(run.start * factor) for run in timeline.runs] + [len(motion)]
    labels = [run.label for run in timeline.runs]
    runs = zip(labels, edges, edges[1:], strict=False)
    return Timeline(motion, tuple(Run(*run) for run in runs))


def draw_window(
    timeline: Timeline, label: str, length: int, rng: np.random.Generator, tries: int = 20
) -> Motion | None:
    """Return a random window of the wanted class, of at most ``length`` frames.

    Args:
        timeline: where to cut.
        label: the class wanted.
        length: frames wanted; fewer where the timeline, or the run of a state, is shorter.
        rng: source of randomness.
        tries: places tried.

    Returns:
        ``(T, 34, 4)``, or None where no place tried shows the class.
    """
    targets = [run for run in timeline.runs if run.label == label]
    for _ in range(tries):
        run = targets[int(rng.integers(len(targets)))]
        length = min(length, len(timeline.motion))
        if label not in EVENTS:
            length = min(length, int(len(run) / STATE_SHARE))
        low = max(0, run.start - length // 2)
        high = min(len(timeline.motion) - length, run.end - length // 2)
        start = int(rng.integers(min(low, high), max(low, high) + 1))
        if window_label(timeline.runs, start, start + length) == label:
            return timeline.motion[start : start + length]
    return None


def _lead(leads: Sequence[tuple[str, Motion]], rng: np.random.Generator) -> tuple[str, Motion]:
    """Return one of the (class, motion) pairs, played for at most ``LEAD`` frames."""
    label, motion = leads[int(rng.integers(len(leads)))]
    length = int(rng.integers(5, LEAD))
    if label == "walking":
        return label, cycle(motion, length)
    return label, to_and_fro(motion, length, int(rng.integers(len(motion))))


def _timeline(parts: Sequence[Motion], labels: Sequence[str]) -> Timeline:
    edges = list(accumulate((len(part) for part in parts), initial=0))
    runs = zip(labels, edges, edges[1:], strict=False)
    return Timeline(np.concatenate(parts), tuple(Run(*run) for run in runs))
