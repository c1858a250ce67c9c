"""Bad input: one line that says what is wrong and where, or a way on that is reported."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter import InputError
from converter.deepstream import records
from tests.converter.deepstream.documents import (
    annotate,
    frame,
    person,
    record,
    save,
    small_config,
    walk,
)


def message(path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        annotate(path, **options)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def with_person(someone: dict[str, Any]) -> list[Any]:
    """Seven good records, then frame 40 with a good and this person."""
    return [*walk(range(7)), record(frame(40, [person(1), someone]))]


@pytest.mark.parametrize(
    ("pose", "expected"),
    [
        ([1.0, "2.5"], "'pose3d[1]' must be a number or null, is text"),
        ([True], "'pose3d[0]' must be a number or null, is true or false"),
        ({}, "'pose3d' must be a list or null, is an object"),
        ([1.0] * 12, "'pose3d' holds 12 numbers, but num_joints 2 asks for 8"),
        ([1.0] * 6 + [None], "'pose3d' holds 7 numbers, but num_joints 2 asks for 8"),
        ([], "'pose3d' holds 0 numbers, but num_joints 2 asks for 8"),
    ],
)
def test_a_bad_pose_is_named(tmp_path: Path, pose: Any, expected: str):
    path = save(tmp_path / "in.json", with_person(person(9) | {"pose3d": pose}))
    assert message(path) == f"record 7, frame 40, object 9: {expected}"


@pytest.mark.parametrize(
    ("someone", "expected"),
    [
        (person([9]), "object [9]: 'object_id' must be a whole number or text, is a list"),
        (person(None), "object at index 1: 'object_id' must be a whole number or text, is null"),
        ({"pose3d": [1.0]}, "object at index 1: 'object_id' is missing"),
        (7, "object at index 1: it must be an object, is a whole number"),
    ],
)
def test_a_bad_person_is_named(tmp_path: Path, someone: Any, expected: str):
    path = save(tmp_path / "in.json", with_person(someone))
    assert message(path) == f"record 7, frame 40, {expected}"


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (7, "'7]' is neither record 0 nor the closing ]"),
        ({"images": []}, "record 0: 'batches' is missing"),
        ({"batches": {}}, "record 0: 'batches' must be a list, is an object"),
        (record({"objects": []}), "record 0, frame at index 0: 'frame_num' is missing"),
    ],
)
def test_a_bad_record_is_named(tmp_path: Path, bad: Any, expected: str):
    assert message(save(tmp_path / "in.json", [bad])) == expected


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"frame_num": "1"}, "1: 'frame_num' must be a whole number, is text"),
        ({"frame_num": 1.5}, "1.5: 'frame_num' must be a whole number, is a number"),
        ({"frame_num": 10**20}, f"{10**20}: 'frame_num' must be a whole number <= {2**53}"),
        ({"objects": None}, "1: 'objects' must be a list, is null"),
        ({"source_id": 1.5}, "1: 'source_id' must be a whole number or text or null, is a number"),
    ],
)
def test_a_bad_frame_is_named(tmp_path: Path, member: dict[str, Any], expected: str):
    path = save(tmp_path / "in.json", [record(frame(1, []) | member)])
    assert message(path) == f"record 0, frame {expected}"


DEEP = b'[{"batches": [], "deep": ' + b"[" * 9999 + b"]" * 9999 + b"}]"
HUGE = b'[{"batches": [{"frame_num": 1, "objects": [{"object_id": 5, "pose3d": [1e999]}]}]}]'
SPACE = b" " * records.CHUNK_SIZE
NO_ARRAY = "holds neither a JSON array of records nor JSON lines"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"frame,object\n", NO_ARRAY),
        ("[]".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("\ufeff[]".encode("utf-16-be"), "is UTF-16 text; save it as UTF-8"),
        (b'[{"batches": []}, {"batches" []}]', "record 1 is not valid JSON: expected ':' at"),
        (b'[{"batches": []} {"batches": []}]', "record 1 is not valid JSON: expected ',' or"),
        (b'[{"batches": []}, 5]', "'5]' is neither record 1 nor the closing ]"),
        (b'[{"batches": []}] x', "there is text after the closing ]"),
        (b'[{"batches": []}]\n[{"batches": []}]', "there is text after the closing ]"),
        (b'[{"batches": []}]' + 3 * SPACE + b"[]", "there is text after the closing ]"),
        (b'[{"batches": [}, {"batches": []}]', "record 0 is not valid JSON: invalid character"),
        (b'{"batches": []}\n{"batches": }\n', "record 1 is not valid JSON: invalid character at"),
        (b'{\n "batches": []\n}', "record 0 does not end on its line: a record must stand on one"),
        (b'{"batches": [\r\n{"frame_num": 1}]}', "record 0 does not end on its line"),
        (b'[{"batches": []}, {"batches": [], "a": "\xff"}]', "record 1 is not valid UTF-8"),
        (DEEP, "nested too deeply from record 0 on"),
        (HUGE, "record 0, frame 1, object 5: 'pose3d[0]': number out of range"),
    ],
)
def test_text_that_is_not_json_records(tmp_path: Path, text: bytes, expected: str):
    path = tmp_path / "in.json"
    path.write_bytes(text)
    assert message(path).startswith(expected)


def test_a_record_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(records, "_LARGEST_RECORD", 1 << 20)
    path = tmp_path / "in.json"
    for start in (b'[{"batches": [[', b"[5, ", b'{"batches": [['):
        path.write_bytes(start + b"1, " * (1 << 20))
        assert message(path) == "record 0 is not a JSON object of at most 1 MiB"


def test_files_that_cannot_be_read(tmp_path: Path):
    assert message(tmp_path / "no.json") == "cannot be read (No such file or directory)"
    assert message(tmp_path) == "cannot be read (Is a directory)"
    os.mkfifo(tmp_path / "pipe")
    assert message(tmp_path / "pipe") == "cannot be read twice, as needed; save it to a file first"


def test_the_other_pose_type(tmp_path: Path):
    document = walk(range(4))
    for entry in document:
        del entry["batches"][0]["objects"][0]["pose3d"]
    path = save(tmp_path / "in.json", document)
    assert "no object has 'pose3d', which pose_type 3dbp needs" in message(path)
    for pose_type in ("25dbp", "2dbp"):
        segments = annotate(path, small_config(pose_type=pose_type)).segments
        np.testing.assert_array_equal(segments[0].keypoints[:, 1, 3], [1.75, 2.75, 3.75, 4.75])
