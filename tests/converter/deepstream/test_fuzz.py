"""Whatever bytes a file has: an explanation in one line, or a result that is JSON."""

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from converter import InputError
from tests.converter.deepstream.documents import annotate, frame, person, record, small_chunks, walk

PEOPLE = [person("é", bbox=[1, 2]), person(2)]
DOCUMENT = [*walk(range(6)), record(frame(9, PEOPLE, note={"a": ['"', None]}))]
SEED = json.dumps(DOCUMENT, ensure_ascii=False).encode()
BITS = [
    b"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b"\\",
    b"nan",
    b"-",
    b"1e9",
    b"null",
    b"\xff",
]
places, lengths = st.integers(0, len(SEED)), st.integers(0, 30)
changes = st.lists(
    st.tuples(places, lengths, st.sampled_from(BITS) | st.binary(max_size=3)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(changes, st.sampled_from([60, 700, 1 << 20]))
def test_changed_bytes(tmp_path_factory, changes, chunk):
    text = SEED
    for place, length, new in changes:
        text = text[:place] + new + text[place + length :]
    source = tmp_path_factory.mktemp("fuzz") / "in.json"
    source.write_bytes(text)
    check(source, chunk)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"[", b"{", b"\x1f\x8b", b'[{"batches": [']))
def test_any_bytes(tmp_path_factory, text, start):
    source = tmp_path_factory.mktemp("fuzz") / "in.json"
    source.write_bytes(start + text)
    check(source, 20)


def check(source: Path, chunk: int) -> None:
    try:
        with small_chunks(chunk):
            result = annotate(source)
    except InputError as error:
        assert str(source) in str(error)
        assert "\n" not in str(error)
    else:
        assert len(result.data) == result.summary.records
