"""The forms in which the same records may come, and ends that are missing."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from converter import InputError
from converter.deepstream import records
from tests.converter.deepstream.documents import annotate, frame, person, record, small_chunks, walk

DOCUMENT = [*walk(range(10)), record(frame(10, [person(7), person("x")]), frame(11, []))]
ARRAY = json.dumps(DOCUMENT).encode()
LINES = b"\n".join(json.dumps(r).encode() for r in DOCUMENT)
REVERSED = json.dumps([dict(reversed(r.items())) for r in DOCUMENT], indent=3).encode()
BOM = b"\xef\xbb\xbf"

FORMS = {
    "array": ARRAY,
    "indented": json.dumps(DOCUMENT, indent=4).encode(),
    "other order of keys": REVERSED,
    "windows": BOM + json.dumps(DOCUMENT, indent=1).replace("\n", "\r\n").encode(),
    "lines": LINES,
    "lines with an end": LINES + b"\n",
    "lines with blank ones": BOM + b"\n" + LINES.replace(b"\n", b"\r\n\r\n") + b"\n\n",
    "lines with commas": LINES.replace(b"\n", b" ,\r\n") + b",\n",
    "gzip": gzip.compress(ARRAY),
    "gzip lines": gzip.compress(LINES),
    "gzip in parts": gzip.compress(ARRAY[:1000]) + gzip.compress(ARRAY[1000:]) + bytes(512),
}
CHUNKS = [30, 500, records.CHUNK_SIZE]


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(tmp_path: Path, form: str, chunk: int, caplog):
    source = tmp_path / "in.json"
    source.write_bytes(ARRAY)
    expected = annotate(source)
    source.write_bytes(FORMS[form])
    with small_chunks(chunk):
        result = annotate(source)
    assert result.data == expected.data
    assert result.summary == expected.summary
    assert result.summary.damage is None
    assert result.summary.records == len(DOCUMENT)


@pytest.mark.parametrize("text", [b"", b" \n", b"[]", b"[ ]\n", BOM, b'[{"batches": []}]'])
def test_no_objects(tmp_path: Path, text: bytes):
    source = tmp_path / "in.json"
    source.write_bytes(text)
    result = annotate(source)
    assert result.segments == []
    assert result.data == ([{"batches": []}] if b"batches" in text else [])
    assert result.summary.damage == (None if b"]" in text else "the file is empty")


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("end", ["", "\n", ",\n"])
def test_missing_bracket(tmp_path: Path, end: str, chunk: int, caplog):
    source = tmp_path / "in.json"
    source.write_text(json.dumps(DOCUMENT)[:-1] + end)
    with small_chunks(chunk):
        result = annotate(source)
    assert result.summary.records == len(DOCUMENT)
    assert result.summary.warnings[0] == "the closing ] is missing"
    assert "in.json: the closing ] is missing" in caplog.text


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([ARRAY, REVERSED, LINES]), st.integers(0, 10000), st.sampled_from(CHUNKS))
@example(ARRAY, len(json.dumps(DOCUMENT[:4])) - 1, 500)  # right behind a record
def test_cut_anywhere_drops_only_the_record_that_is_cut(tmp_path_factory, text, place, chunk):
    place %= len(text)
    source = tmp_path_factory.mktemp("cut") / "in.json"
    source.write_bytes(text[:place])
    with small_chunks(chunk):
        result = annotate(source)
    whole = [n for n in range(len(DOCUMENT) + 1) if len(prefix(text, n)) <= place]
    assert result.summary.records == max(whole)
    assert result.summary.damage or text is LINES
    assert len(result.data) == max(whole)


def prefix(text: bytes, count: int) -> bytes:
    """The first `count` records of `text`, as far as they have to be there."""
    if count == 0:
        return b""
    if text is LINES:
        return b"\n".join(LINES.split(b"\n")[:count])
    if text is ARRAY:
        return json.dumps(DOCUMENT[:count]).encode()[:-1]
    part = json.dumps([dict(reversed(r.items())) for r in DOCUMENT[:count]], indent=3).encode()
    return part[:-2]


@pytest.mark.parametrize("number", ["nan", "-nan", "inf", "-inf", "NaN", "-Infinity", "null"])
@pytest.mark.parametrize("chunk", CHUNKS)
def test_numbers_that_are_not_finite(tmp_path: Path, number: str, chunk: int):
    text = json.dumps(walk(range(8), object_id="nan, inf"))
    first = '"pose3d": [0.0, 0.5'
    assert first in text
    source = tmp_path / "in.json"
    source.write_text(text.replace(first, f'"pose3d": [0.0, {number}'))
    with small_chunks(chunk):
        result = annotate(source)
    assert result.segments[0].track.object_id == "nan, inf"
    assert np.isnan(result.segments[0].keypoints[0, 0, 1])
    assert result.data[0]["batches"][0]["objects"][0]["pose3d"][1] is None
    assert result.summary.not_finite == (number != "null")


@pytest.mark.parametrize("chunk", CHUNKS)
def test_text_that_looks_like_records(tmp_path: Path, chunk: int):
    bait = '},{"num_frames_in_batch": 1, "batches": []}]}]}, {"num_frames_in_batch"'
    document = walk(
        range(10), note=bait, nested=[{"num_frames_in_batch": 1}, {"num_frames_in_batch": 2}]
    )
    source = tmp_path / "in.json"
    source.write_text(json.dumps(document))
    with small_chunks(chunk):
        result = annotate(source)
    assert result.summary.records == 10
    assert result.data[9]["batches"][0]["note"] == bait


def test_damaged_gzip(tmp_path: Path):
    source = tmp_path / "in.json.gz"
    packed = gzip.compress(ARRAY)
    source.write_bytes(packed[: len(packed) // 2])
    result = annotate(source)
    assert 0 < result.summary.records < len(DOCUMENT)
    assert result.summary.damage == "the gzip data is cut short"
    source.write_bytes(packed[:40] + b"XXXX" + packed[44:])
    with pytest.raises(InputError, match=r"in\.json\.gz: damaged gzip data"):
        annotate(source)
