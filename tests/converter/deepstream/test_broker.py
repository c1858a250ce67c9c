"""Messages of DeepStream's broker become records of the same poses."""

from __future__ import annotations

import json

import pytest

from converter import ConvertConfig, get_layout
from converter.deepstream.broker import to_record
from tests.converter.deepstream.documents import annotate

JOINTS = get_layout("nvidia").joints


def message(frame: int, key: str = "pose3D", joints: tuple[str, ...] = JOINTS) -> bytes:
    """A frame as nvmsgconv writes it, of person 12."""
    words = [f"{j.replace('_', '-')},{n}.5,-2,{frame},0.9" for n, j in enumerate(joints)]
    person = ["12", "100", "50", "180", "250", "person", "#", *[""] * 5, "0.98", "#", key, *words]
    return json.dumps(
        {
            "version": "4.0",
            "id": str(frame),
            "@timestamp": "2026-11-21T10:15:03.250Z",
            "sensorId": "door",
            "objects": ["|".join(person) + "|"],
        }
    ).encode()


@pytest.mark.parametrize(("key", "name"), [("pose3D", "pose3d"), ("pose25D", "pose25d")])
def test_a_message_is_a_record(key, name):
    record = json.loads(to_record(message(7, key), producer="app"))
    assert (record["producer"], record["num_frames_in_batch"]) == ("app", 1)
    (frame,) = record["batches"]
    assert (frame["frame_num"], frame["source_id"], frame["num_obj_meta"]) == (7, "door", 1)
    assert frame["ntp_timestamp"] == 1795256103_250_000_000
    (person,) = frame["objects"]
    assert (person["object_id"], person["bbox"]) == (12, [100, 50, 80, 200])
    assert person[name] == [n for j in range(34) for n in (j + 0.5, -2, 7, 0.9)]


def test_joints_go_by_name_and_missing_ones_are_zero():
    found = json.loads(to_record(message(1, joints=("right_thumb_tip", "neck"))))
    pose = found["batches"][0]["objects"][0]["pose3d"]
    assert pose[33 * 4 :] == [0.5, -2, 1, 0.9]
    assert pose[6 * 4 : 7 * 4] == [1.5, -2, 1, 0.9]
    assert sum(value != 0 for value in pose) == 8


def test_records_of_messages_are_segmented(tmp_path):
    path = tmp_path / "poses.ndjson"
    path.write_bytes(b"\n".join(to_record(message(n)) for n in range(100)))
    (segment,) = annotate(path, ConvertConfig()).segments
    assert segment.track == ("door", "12")
    assert segment.keypoints.shape == (100, 34, 4)


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense",
        b"[]",
        b'{"id": "1"}',
        b'{"id": "one", "objects": []}',
        b'{"id": "1", "objects": ["1|2|3"]}',
        b'{"id": "1", "objects": ["x|1|2|3|4|person"]}',
        b'{"id": "1", "objects": ["1|1|2|3|4|pose3D|tail,1,2,3,1"]}',
        b'{"id": "1", "objects": [], "@timestamp": "yesterday"}',
        b'{"id": "1", "objects": [], "@timestamp": "0001-01-01T00:00:00Z"}',
        b'{"id": "99999999999999999999", "objects": []}',
        b'{"id": "1", "objects": ["99999999999999999999|1|2|3|4|person"]}',
        b'{"id": "1", "objects": [], "more": ' + b"[" * 100_000,
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        to_record(text)
