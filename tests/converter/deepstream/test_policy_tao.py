"""Policy `tao` against NVIDIA's rules restated, on random documents: arrays, labels, text."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter import ConvertConfig, InputError, network_input
from converter.deepstream import AnnotationJob
from tests.converter import nvidia_rules
from tests.converter.deepstream.documents import (
    JOINTS,
    annotate,
    save,
    small_batches,
    small_chunks,
    walk,
)

# Eighths are exact in float32 and print alike everywhere.
numbers = st.integers(-4000, 4000).map(lambda eighths: eighths / 8)
confidences = st.sampled_from([0.0, 0.25, 1.0])
joints = st.tuples(numbers, numbers, numbers, confidences)
poses = st.lists(joints, min_size=JOINTS, max_size=JOINTS).map(lambda rows: [*sum(rows, ())])


@st.composite
def documents(draw):
    """Frames in any order, with gaps; ids come and go; batches of any size."""
    order = draw(st.lists(st.integers(0, 60), unique=True, max_size=30))
    frames = []
    for number in order:
        ids = draw(st.lists(st.sampled_from([0, 3, 2**63, 11]), unique=True, max_size=3))
        people = [{"object_id": i, "pose25d": draw(poses), "pose3d": draw(poses)} for i in ids]
        if people and draw(st.booleans()):
            people[0]["bbox"] = [1.5, 2.25, 3.0, 4.0]
        frame = {"batch_id": 0, "frame_num": number, "ntp_timestamp": 10**18, "objects": people}
        frames.append(frame | {"num_obj_meta": len(ids)})
    records = []
    while frames:
        size = draw(st.integers(1, 3))
        batch, frames = frames[:size], frames[size:]
        records.append({"num_frames_in_batch": len(batch), "batches": batch})
    return records


@st.composite
def configs(draw):
    length = draw(st.integers(2, 8))
    values = {
        "pose_type": draw(st.sampled_from(["3dbp", "25dbp", "2dbp"])),
        "num_joints": JOINTS,
        "frame_width": draw(st.integers(1, 4000)),
        "frame_height": draw(st.integers(1, 4000)),
        "focal_length": draw(st.floats(1, 4000)),
        "sequence_length": length,
        "sequence_length_min": draw(st.integers(1, length)),
        "sequence_length_max": length + draw(st.integers(0, 3)),
        "sequence_overlap": draw(st.floats(1 / length, 0.99)),
    }
    try:
        ConvertConfig(**values)
    except InputError:  # rounding made a stride of 0
        values["sequence_overlap"] = 0.5
    return values


@settings(max_examples=100, deadline=None)
@given(
    documents(),
    configs(),
    st.integers(40, 3000),
    st.sampled_from([1, 5, 400]),
    st.sampled_from([None, 1]),
)
def test_arrays_labels_and_text_are_nvidias(document, values, chunk, batch, indent):
    config = ConvertConfig(**values)
    with tempfile.TemporaryDirectory() as folder, small_chunks(chunk), small_batches(batch):
        source, target = Path(folder, "in.json"), Path(folder, "out.json")
        source.write_text(json.dumps(document, indent=indent))
        arrays, expected = nvidia_rules.convert(document, nvidia_rules.Settings(**values))
        with AnnotationJob(source, config, "tao") as job:
            segments = list(job.segments())
            # NVIDIA numbers the segments object by object, a stream as they are completed.
            first_seen = list(
                dict.fromkeys(
                    str(p["object_id"])
                    for r in document
                    for f in r["batches"]
                    for p in f["objects"]
                )
            )
            order = sorted(segments, key=lambda s: (first_seen.index(s.track.object_id), s.index))
            for rank, segment in enumerate(order):
                job.assign(segment.index, rank)
            job.write(target, [f"class {rank}" for rank in range(len(order))], style="nvidia")
        text = target.read_text()

    for array, segment in zip(arrays, order, strict=True):
        np.testing.assert_array_equal(network_input(segment.keypoints, config), array[0])
    for record in expected:
        for frame in record["batches"]:
            for person in frame["objects"]:
                segment_id = person.pop("segment_id")
                person["action"] = f"class {segment_id}" if segment_id >= 0 else ""
    assert text == json.dumps(expected, sort_keys=True, indent=2, ensure_ascii=False)


def test_example_of_the_reference(tmp_path: Path):
    """A track of 220 frames with the default settings, worked out by hand."""
    pose = [1.0] * 34 * 4
    document = [
        {
            "num_frames_in_batch": 1,
            "batches": [{"frame_num": n, "objects": [{"object_id": 1, "pose3d": pose}]}],
        }
        for n in range(220)
    ]
    source = tmp_path / "in.json"
    source.write_text(json.dumps(document))
    with AnnotationJob(source, ConvertConfig(max_gap=None), "tao") as job:
        bounds = [(s.first_frame, s.last_frame) for s in job.segments()]
        for index in range(len(bounds)):
            job.assign(index, index)
        summary = job.write(tmp_path / "out.json", ["s0", "s1", "s2", "s3", "s4"])
    assert bounds == [(0, 99), (50, 149), (100, 199), (150, 219), (200, 219)]
    data = json.loads((tmp_path / "out.json").read_text())
    actions = [r["batches"][0]["objects"][0]["action"] for r in data]
    assert actions == [""] * 50 + ["s0"] * 50 + ["s1"] * 50 + ["s2"] * 50 + ["s3"] * 20
    assert summary.labelled == 170


@pytest.mark.parametrize("lengths", [[9], [9, 30], []])
def test_short_tracks_do_not_crash(tmp_path: Path, lengths: list[int]):
    pose = [1.0] * 34 * 4
    document = [
        {"batches": [{"frame_num": n, "objects": [{"object_id": i, "pose3d": pose}]}]}
        for i, length in enumerate(lengths)
        for n in range(length)
    ]
    source = tmp_path / "in.json"
    source.write_text(json.dumps(document))
    with AnnotationJob(source, ConvertConfig(), "tao") as job:
        assert len(list(job.segments())) == lengths.count(30)
        summary = job.write(tmp_path / "out.json", [])
    assert summary.short_tracks == lengths.count(9)
    assert len(json.loads((tmp_path / "out.json").read_text())) == sum(lengths)


@pytest.mark.parametrize("sources", [["a"], ["a", "b"], ["a", "b", 3]])
def test_sources_that_are_taken_for_one_are_told(tmp_path: Path, sources: list[str | int]):
    document = [walk([n], source_id=source)[0] for n, source in enumerate(sources)]
    summary = annotate(save(tmp_path / "in.json", document), policy="tao").summary
    assert summary.tracks == 1
    told = f"{len(sources)} sources are taken for one" in "".join(summary.warnings)
    assert told == (len(sources) > 1)
