"""Spans of actions."""

from __future__ import annotations

import itertools
from math import isnan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.video.documents import person
from video.results.document import PeopleOf, Person
from video.results.timeline import LONGEST_GAP, Timeline, timeline_of


def moment(number: int, *people: dict[str, Any]) -> PeopleOf:
    return PeopleOf(number, msgspec.convert(people, list[Person]))


def walk(*numbers: int, action: str = "walking") -> Timeline:
    return timeline_of(moment(number, person(1, action)) for number in numbers)


def bounds(timeline: Timeline, name: str = "1") -> list[tuple[int, int]]:
    return [(span.first_frame, span.last_frame) for span in timeline.spans[name]]


def test_an_action_is_one_span_with_its_mean_score() -> None:
    timeline = timeline_of(moment(n, person(1, score=score)) for n, score in enumerate((0.5, 1.0)))
    assert bounds(timeline) == [(0, 1)]
    assert timeline.spans["1"][0].score == pytest.approx(0.75)


def test_without_scores_there_is_no_mean() -> None:
    timeline = timeline_of([moment(0, person(1, score=None))])
    assert isnan(timeline.spans["1"][0].score)
    some = timeline_of(moment(n, person(1, score=score)) for n, score in enumerate((None, 0.5)))
    assert some.spans["1"][0].score == 0.5


def test_a_new_action_begins_a_span() -> None:
    timeline = timeline_of(moment(n, person(1, "ab"[n // 2])) for n in range(4))
    assert bounds(timeline) == [(0, 1), (2, 3)]
    assert timeline.actions == ("a", "b")


def test_only_a_long_gap_splits() -> None:
    assert len(bounds(walk(0, LONGEST_GAP + 1))) == 1
    assert len(bounds(walk(0, LONGEST_GAP + 2))) == 2


def test_no_action_is_a_span_and_no_action_name() -> None:
    timeline = walk(0, 1, action="")
    assert bounds(timeline) == [(0, 1)]
    assert timeline.actions == ()


def test_an_id_twice_in_a_frame_counts_once() -> None:
    timeline = timeline_of([moment(0, person(1, "a"), person(1, "b"))])
    assert [span.action for span in timeline.spans["1"]] == ["a"]


def test_step_is_the_usual_distance_of_frames() -> None:
    assert walk(0, 3, 6, 12, 15).step == 3
    assert walk(5).step == 1


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from(["", "a", "b"])), min_size=1))
def test_spans_never_overlap_and_hold_every_sighting(seen: list[tuple[int, str]]) -> None:
    timeline, number, frames = Timeline(), 0, {}
    for distance, action in seen:
        number += distance
        frames[number] = action
        timeline.add(moment(number, person(1, action)))
    spans = timeline.spans["1"]
    assert all(a.last_frame < b.first_frame for a, b in itertools.pairwise(spans))
    for number, action in frames.items():
        inside = [s for s in spans if s.first_frame <= number <= s.last_frame]
        assert [s.action for s in inside] == [action]
    assert timeline.sightings == len(frames)
