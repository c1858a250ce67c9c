"""Odd input that has a way on: it is used as far as it goes, and reported."""

from pathlib import Path

import numpy as np

from tests.converter.deepstream.documents import JOINTS, annotate, frame, person, record, save, walk


def test_persons_without_a_pose_have_no_action(tmp_path: Path, caplog):
    people = [person(1), {"object_id": 2}, person(3) | {"pose3d": None}]
    path = save(tmp_path / "in.json", [record(frame(n, people)) for n in range(4)])
    result = annotate(path)
    assert result.actions == ["0", "", ""] * 4
    assert "8 objects have no pose" in caplog.text


def test_ids_may_be_text_or_large(tmp_path: Path):
    ids = ["anna", 2**64 - 1, 10**30, "", -1]
    path = save(
        tmp_path / "in.json", [record(frame(n, [person(i) for i in ids])) for n in range(4)]
    )
    result = annotate(path)
    assert [s.track.object_id for s in result.segments] == [str(i) for i in ids]
    assert [p["object_id"] for p in result.data[0]["batches"][0]["objects"]] == ids


def test_numbers_may_be_whole_or_huge(tmp_path: Path):
    pose = [1, 2**70, -3, 1] * JOINTS
    pose[4] = 1e300
    path = save(
        tmp_path / "in.json", [record(frame(n, [person(1) | {"pose3d": pose}])) for n in range(4)]
    )
    result = annotate(path)
    np.testing.assert_array_equal(result.segments[0].keypoints[0, 0], np.float32([1, 2**70, -3, 1]))
    assert np.isinf(result.segments[0].keypoints[0, 1, 0])
    assert str(2**70) in result.text
    assert "1e+300" in result.text


def test_batches_of_another_size_than_said(tmp_path: Path, caplog):
    document = [record(frame(n, [person(1)])) | {"num_frames_in_batch": 2} for n in range(4)]
    result = annotate(save(tmp_path / "in.json", document))
    assert result.actions == ["0"] * 4
    assert "4 records do not hold num_frames_in_batch frames" in caplog.text


def test_frames_without_objects_stay_so(tmp_path: Path):
    bare = {"frame_num": 5}
    path = save(tmp_path / "in.json", [*walk(range(4)), record(bare), record()])
    assert annotate(path).data[-2:] == [record(bare), record()]
