"""Policy `dense` against its rules restated slowly, and each rule by an example."""

import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.deepstream import Segment, TrackId
from tests.converter.deepstream.documents import (
    annotate,
    frame,
    person,
    record,
    save,
    small_batches,
    small_chunks,
    small_config,
    walk,
)


def name(segment: Segment) -> str:
    track = segment.track
    return f"{track.source}/{track.object_id}:{segment.first_frame}-{segment.last_frame}"


def tracks_of(document, config) -> tuple[dict[tuple[str, int, str], list[tuple[int, int]]], int]:
    """(frame number, ordinal) of the poses by source, start of the video and id; and how many."""
    newest, starts, tracks = {}, defaultdict(int), defaultdict(list)
    count = 0
    for fr in (fr for rec in document for fr in rec["batches"]):
        source, number = str(fr.get("source_id", fr["batch_id"])), fr["frame_num"]
        if number < newest.get(source, number) - config.reorder_frames:
            starts[source] += 1
            newest[source] = number
        newest[source] = max(number, newest.get(source, number))
        for someone in fr["objects"]:
            tracks[source, starts[source], str(someone["object_id"])].append((number, count))
            count += 1
    return tracks, count


def stretches_of(poses: list[tuple[int, int]], max_gap: int) -> list[list[tuple[int, list[int]]]]:
    """Frame numbers in order, each with its ordinals, parted at gaps."""
    stretches: list[list[tuple[int, list[int]]]] = []
    for number, ordinal in sorted(poses):
        if stretches and stretches[-1][-1][0] == number:
            stretches[-1][-1][1].append(ordinal)
        elif stretches and number - stretches[-1][-1][0] - 1 <= max_gap:
            stretches[-1].append((number, [ordinal]))
        else:
            stretches.append([(number, [ordinal])])
    return stretches


def expected_actions(document, config) -> list[str]:
    tracks, count = tracks_of(document, config)
    actions = [""] * count
    for (source, _, object_id), poses in tracks.items():
        for stretch in stretches_of(poses, config.max_gap):
            numbers = [number for number, _ in stretch]
            for place, (_, ordinals) in enumerate(stretch):
                action = nearest_segment(place, numbers, config)
                for ordinal in ordinals:
                    actions[ordinal] = action and f"{source}/{object_id}:{action}"
    return actions


def nearest_segment(place: int, frames: list[int], config) -> str:
    length = len(frames)
    if length < config.sequence_length_min:
        return ""
    size = min(length, config.sequence_length)
    starts = sorted({*range(0, length - size + 1, config.stride), length - size})
    best = min(starts, key=lambda start: (abs(place - (start + (size - 1) / 2)), -start))
    return f"{frames[best]}-{frames[best + size - 1]}"


@st.composite
def documents(draw):
    """Two sources; frames out of order, missing and doubled, starting again; ids come and go."""
    records = []
    number = draw(st.integers(0, 5))
    for _ in range(draw(st.integers(0, 60))):
        number += draw(st.sampled_from([1, 1, 1, 1, 1, 1, 2, 3, 6, 0, -1, -2, -30]))
        ids = draw(st.lists(st.sampled_from([1, "two", 3]), max_size=3))
        extra = draw(st.sampled_from([{}, {}, {"source_id": "door"}, {"batch_id": 1}]))
        records.append(record(frame(number, [person(i, number) for i in ids], **extra)))
    return records


@settings(max_examples=100, deadline=None)
@given(
    documents(),
    st.integers(100, 5000),
    st.sampled_from([0.26, 0.5, 0.9]),
    st.integers(1, 4),
    st.integers(0, 4),
    st.sampled_from([1, 7, 400]),
)
def test_labels_are_those_of_the_rules(document, chunk, overlap, shortest, reorder, batch):
    config = small_config(
        sequence_overlap=overlap, sequence_length_min=shortest, reorder_frames=reorder
    )
    with tempfile.TemporaryDirectory() as folder, small_chunks(chunk), small_batches(batch):
        result = annotate(save(Path(folder, "in.json"), document), config, name=name)
    assert result.actions == expected_actions(document, config)
    assert result.summary.segments == len(result.segments)
    assert result.summary.objects == len(result.actions)
    assert result.summary.labelled == sum(action != "" for action in result.actions)


@pytest.mark.parametrize("length", [2, 3, 4, 5, 7, 8, 9, 30])
def test_every_frame_of_a_track_has_a_label(tmp_path, length):
    result = annotate(save(tmp_path / "in.json", walk(range(length))))
    assert all(result.actions)
    assert {len(s.keypoints) for s in result.segments} == {min(length, 4)}


def test_poses_arrive_raw_and_in_order(tmp_path):
    result = annotate(save(tmp_path / "in.json", walk([5, 4, 6, 7, 8])))
    first = result.segments[0]
    assert (first.first_frame, first.last_frame, first.track) == (4, 7, TrackId("0", "7"))
    assert first.keypoints.dtype == np.float32
    np.testing.assert_array_equal(first.keypoints[:, 0, 0], [8, 10, 12, 14])


def test_a_gap_ends_a_track_only_when_longer_than_max_gap(tmp_path):
    joined = annotate(save(tmp_path / "a.json", walk([0, 1, 5, 6])))
    split = annotate(save(tmp_path / "b.json", walk([0, 1, 6, 7])))
    assert len(joined.segments) == 1
    assert [(s.first_frame, s.last_frame) for s in split.segments] == [(0, 1), (6, 7)]
    endless = annotate(
        save(tmp_path / "c.json", walk([0, 1, 9000, 9001])), small_config(max_gap=None)
    )
    assert len(endless.segments) == 1


def test_same_id_in_two_sources_is_two_tracks(tmp_path):
    both = [record(frame(n, [person(1)], source_id=s)) for n in range(4) for s in ("a", "b")]
    result = annotate(save(tmp_path / "in.json", both), name=name)
    assert result.actions == ["a/1:0-3", "b/1:0-3"] * 4


def test_a_video_that_starts_again_starts_new_tracks(tmp_path, caplog):
    result = annotate(save(tmp_path / "in.json", walk([*range(8), *range(4)])), name=name)
    assert result.actions[-4:] == ["0/7:0-3"] * 4
    assert result.summary.restarts == 1
    assert result.summary.tracks == 2
    assert "went back too far to sort (1 times)" in caplog.text


def test_doubles_in_a_frame_share_the_label_of_the_first(tmp_path, caplog):
    doubled = [record(frame(n, [person(1, n), person(1, 99)])) for n in range(4)]
    result = annotate(save(tmp_path / "in.json", doubled))
    assert result.actions == ["0"] * 8
    np.testing.assert_array_equal(result.segments[0].keypoints[:, 0, 0], [0, 2, 4, 6])
    assert result.summary.duplicates == 4
    assert "4 objects have the id of another" in caplog.text


def test_a_double_that_comes_later_is_one_all_the_same(tmp_path):
    config = small_config(reorder_frames=0)
    with small_chunks(30), small_batches(1):
        result = annotate(save(tmp_path / "in.json", walk([0, 1, 1, 2, 3])), config)
    assert result.actions == ["0"] * 5
    assert result.summary.duplicates == 1


def test_short_tracks_are_reported_and_left_empty(tmp_path, caplog):
    document = [*walk([0]), *walk(range(4), object_id=8)]
    result = annotate(save(tmp_path / "in.json", document))
    assert result.actions == ["", "0", "0", "0", "0"]
    assert (result.summary.short_tracks, result.summary.tracks) == (1, 2)
    assert "1 of 2 tracks are shorter" in caplog.text


@pytest.mark.parametrize(
    ("rate", "length", "shorter"), [(10.0, 3, 0), (30.0, 4, 0), (30.0, 3, 1), (60.0, 5, 1)]
)
def test_how_short_a_track_is_depends_on_the_frame_rate(tmp_path, rate, length, shorter):
    config = small_config(frame_rate=rate, sequence_length=8, sequence_length_min=4)
    result = annotate(save(tmp_path / "in.json", walk(range(length))), config)
    assert result.summary.short_tracks == shorter
    assert result.actions == ["" if shorter else "0"] * length
