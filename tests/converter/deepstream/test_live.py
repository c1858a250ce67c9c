"""A stream gives the segments that a file of the same records gives, and gives them at once."""

from __future__ import annotations

import json
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter import InputError
from converter.deepstream.live import PATIENCE, SILENCE, LiveSegment, LiveSegmenter
from tests.converter.deepstream.documents import (
    annotate,
    frame,
    person,
    record,
    save,
    small_config,
    walk,
)

CAMERA = Path("camera")


def push(live: LiveSegmenter, document: object, now: float = 0.0) -> list[LiveSegment]:
    live.push(json.dumps(document).encode(), now, CAMERA, 0)
    return list(live.segments(now))


def spans(segments) -> list[tuple[int, int]]:
    return [(segment.first_frame, segment.last_frame) for segment in segments]


@st.composite
def videos(draw, reorder):
    """The frames of one source: some missing, some a little late; it may start again."""
    frames = []
    for start in draw(st.sampled_from([[0], [7], [5, -100]])):
        steps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 1, 1, 2, 3, 6, 9]), max_size=40))
        numbers = np.cumsum([start, *steps]).tolist()
        delays = draw(
            st.lists(st.integers(0, reorder), min_size=len(numbers), max_size=len(numbers))
        )
        arrivals = sorted(zip(numbers, delays, strict=True), key=lambda pair: sum(pair))
        for number, _ in arrivals:
            ids = draw(st.lists(st.sampled_from([1, 1, "two", 3]), max_size=3))
            people = [person(key, number + place) for place, key in enumerate(ids)]
            frames.append((number, people))
    return frames


@settings(max_examples=150, deadline=None)
@given(
    st.data(),
    st.integers(0, 4),
    st.sampled_from([0.26, 0.5, 0.9]),
    st.integers(1, 4),
    st.integers(1, 5),
)
def test_a_stream_gives_the_segments_of_the_file(data, reorder, overlap, shortest, stride):
    config = small_config(
        sequence_overlap=overlap, sequence_length_min=shortest, reorder_frames=reorder
    )
    first, second = data.draw(videos(reorder)), data.draw(videos(reorder))
    document = [record(frame(*item, source_id="door")) for item in first]
    for item in second:
        place = data.draw(st.integers(0, len(document)))
        document.insert(place, item)
    # The other source's frames keep their own order wherever they were put.
    order = iter(second)
    document = [r if isinstance(r, dict) else record(frame(*next(order))) for r in document]

    with tempfile.TemporaryDirectory() as folder:
        expected = annotate(save(Path(folder, "in.json"), document), config).segments
    live = LiveSegmenter(config)
    found = []
    for number, each in enumerate(document):
        live.push(json.dumps(each).encode(), 0.0, CAMERA, number)
        if number % stride == 0:
            found += live.segments(0.0)
    found += live.close()

    def facts(segments):
        return sorted(
            (s.track, s.first_frame, s.last_frame, s.keypoints.tobytes()) for s in segments
        )

    assert facts(found) == facts(expected)
    assert [segment.index for segment in found] == list(range(len(found)))


def test_a_segment_is_complete_with_its_last_frame():
    live = LiveSegmenter(small_config())
    found = [spans(push(live, each)) for each in walk(range(10))]
    assert found == [[], [], [], [(0, 3)], [], [(2, 5)], [], [(4, 7)], [], [(6, 9)]]
    assert list(live.close()) == []


def test_a_first_frame_that_is_not_the_first_delays_nothing_for_long():
    live = LiveSegmenter(small_config(reorder_frames=30))
    for each in walk(range(500, 503)):
        push(live, each)
    (segment,) = push(live, walk([503])[0], now=PATIENCE + 0.01)
    assert spans([segment]) == [(500, 503)]


def test_a_missing_frame_is_waited_for_by_number_of_frames():
    live = LiveSegmenter(small_config(reorder_frames=2))
    found = [spans(push(live, each)) for each in walk([0, 1, 2, 4, 5, 6, 7])]
    assert found == [[], [], [], [], [], [(0, 4), (2, 6)], []]


def test_a_missing_frame_is_waited_for_no_longer_than_patience():
    live = LiveSegmenter(small_config(reorder_frames=30))
    for number, each in enumerate(walk([0, 1, 2, 4])):
        push(live, each, now=number)
    assert spans(live.segments(3 + PATIENCE)) == []
    (segment,) = live.segments(3 + PATIENCE + 0.01)
    assert spans([segment]) == [(0, 4)]
    assert segment.arrived == 3
    push(live, walk([3])[0], now=9)
    assert (live.summary.late, live.summary.duplicates) == (1, 0)
    assert "1 objects came too late" in " ".join(live.summary.warnings)


def test_each_missing_frame_is_waited_for_anew():
    live = LiveSegmenter(small_config(reorder_frames=30))
    swapped = [number ^ 1 for number in range(40)]  # 1, 0, 3, 2 ...
    found = []
    for number, each in zip(swapped, walk(swapped), strict=True):
        found += push(live, each, now=number * PATIENCE / 8)
    assert live.summary.late == 0
    assert spans(found) == [(first, first + 3) for first in range(0, 38, 2)]


def test_what_comes_too_late_or_a_second_time_is_left_out_and_counted():
    live = LiveSegmenter(small_config(reorder_frames=30))
    found = [push(live, each) for each in walk([0, 1, 2, 4])]
    found.append(list(live.segments(PATIENCE + 0.01)))
    found.append(push(live, record(*(frame(n, [person(7, n)]) for n in (4, 3))), now=1.0))
    found.extend(push(live, each, now=1.0) for each in walk([5, 6]))
    found.append(list(live.segments(2.0)))
    assert [spans(each) for each in found if each] == [[(0, 4)], [(2, 6)]]
    assert live.summary.late == 2
    assert "2 objects came too late, or a second time" in "".join(live.summary.warnings)
    assert list(live.close()) == []


def test_arrival_is_that_of_the_last_pose():
    live = LiveSegmenter(small_config())
    for number, each in enumerate(walk(range(4))):
        found = push(live, each, now=100 + number / 30)
    assert found[0].arrived == pytest.approx(100 + 3 / 30, abs=1e-6)


def test_a_pose_that_came_late_may_be_the_last_to_arrive():
    live = LiveSegmenter(small_config(reorder_frames=4))
    found = [push(live, each, now=now) for now, each in enumerate(walk([0, 1, 3, 2]))]
    found.append(list(live.segments(4)))
    (segment,) = [segment for part in found for segment in part]
    assert (spans([segment]), segment.arrived) == ([(0, 3)], 3)


def test_a_person_who_left_gets_the_last_segment_while_others_go_on():
    live = LiveSegmenter(small_config())
    for each in walk(range(5), object_id=1):
        push(live, each)
    found = [segment for each in walk(range(5, 12), object_id=2) for segment in push(live, each)]
    assert [(s.track.object_id, s.last_frame) for s in found if s.track.object_id == "1"] == [
        ("1", 4)
    ]


def test_the_tracks_of_a_silent_source_end():
    live = LiveSegmenter(small_config())
    for each in walk(range(5)):
        push(live, each, now=1.0)
    assert list(live.segments(1.0 + SILENCE)) == []
    assert spans(live.segments(1.1 + SILENCE)) == [(1, 4)]
    assert not live._tracker._sources
    assert spans(push(live, walk([5])[0], now=2 + SILENCE)) == []  # it may come back


def test_time_in_which_nobody_listened_is_no_silence():
    live = LiveSegmenter(small_config(reorder_frames=30))
    for each in walk([0, 1, 2, 4]):
        push(live, each, now=1.0)
    live.excuse(1000.0)
    assert list(live.segments(1001.0 + PATIENCE)) == []
    assert spans(live.segments(1001.1 + PATIENCE)) == [(0, 4)]
    assert live._tracker._sources
    list(live.segments(1001.1 + SILENCE))
    assert not live._tracker._sources


def test_a_bad_record_is_refused_with_its_place_and_the_next_is_taken():
    live = LiveSegmenter(small_config())
    with pytest.raises(InputError, match=r"camera: record 6 is not valid JSON"):
        live.push(b'{"batches": oops}', 0.0, CAMERA, 6)
    with pytest.raises(InputError, match=r"camera: record 7, frame 3: 'objects' must be a list"):
        live.push(b'{"batches": [{"frame_num": 3, "objects": 1}]}', 0.0, CAMERA, 7)
    short = json.dumps(record(frame(4, [{"object_id": 9, "pose3d": [1.0]}]))).encode()
    with pytest.raises(InputError, match=r"record 8, frame 4, object 9: 'pose3d' holds 1 numbers"):
        live.push(short, 0.0, CAMERA, 8)
    live.push(b'{"batches": [{"frame_num": 5, "objects": []}]}', 0.0, CAMERA, 9)
    assert (live.summary.records, live.summary.frames) == (2, 2)


def test_numbers_that_are_not_finite_are_missing():
    live = LiveSegmenter(small_config(sequence_length_min=1))
    text = json.dumps(walk([1])[0]).replace('"pose3d": [2.0', '"pose3d": [-nan')
    live.push(text.encode(), 0.0, CAMERA, 0)
    (segment,) = live.close()
    assert np.isnan(segment.keypoints).sum() == 1
    assert live.summary.not_finite == 1


def test_tracks_that_would_never_end_are_refused():
    with pytest.raises(InputError, match="max_gap"):
        LiveSegmenter(small_config(max_gap=None))


def test_memory_does_not_grow_with_time():
    live = LiveSegmenter(small_config())

    def hours(numbers: range) -> int:
        for number in numbers:
            people = [person(number // 10), person(number // 10)]  # a double, too
            step = record(frame(2 * number, people, source_id=f"camera {number // 500}"))
            push(live, step, now=number)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = hours(range(2000))
        after = hours(range(2000, 6000))
    finally:
        tracemalloc.stop()
    assert after - before < 50_000
    list(live.close())
    assert live.summary.duplicates == 6000
