"""However the bytes of a stream arrive, its records come out whole."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.deepstream import splitter
from converter.deepstream.splitter import Piece, RecordSplitter
from tests.converter.deepstream.documents import walk

DOCUMENT = [*walk([1, 2], note='brackets ]}[{ "in" text\\'), {"batches": []}, *walk([3], é="ü")]
LINES = "\n".join(json.dumps(record) for record in DOCUMENT)
FORMS = {
    "lines": LINES + "\n",
    "lines without the last break": LINES,
    "lines of Windows, some empty": "\ufeff" + LINES.replace("\n", "\r\n\r\n"),
    "array": json.dumps(DOCUMENT),
    "array, a record a line": "[\n" + LINES.replace("\n", ",\n") + "\n]\n",
    "indented array": json.dumps(DOCUMENT, indent=2),
    "array that is not closed": json.dumps(DOCUMENT)[:-1],
    "two arrays": json.dumps(DOCUMENT[:2]) + "\n" + json.dumps(DOCUMENT[2:]),
    "array, then lines": json.dumps(DOCUMENT[:2]) + "\n" + LINES.split("\n", 2)[2],
    "an empty array first": "[]\n" + LINES,
}


def split(text: bytes, cuts: list[int] = []) -> list[Piece]:  # noqa: B006 - never changed
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    stream = RecordSplitter()
    parts = [text[a:b] for a, b in itertools.pairwise(places)]
    return [piece for part in parts for piece in stream.feed(part)] + list(stream.end())


@given(st.sampled_from(list(FORMS.values())), st.lists(st.integers(0, 10_000), max_size=30))
def test_records_come_out_whole(text, cuts):
    pieces = split(text.encode(), cuts)
    assert [json.loads(piece.text.decode()) for piece in pieces] == DOCUMENT
    assert [piece.number for piece in pieces] == list(range(len(DOCUMENT)))


@pytest.mark.parametrize("form", FORMS)
def test_bytes_may_come_one_by_one(form: str):
    text = FORMS[form].encode()
    assert split(text, list(range(len(text)))) == split(text)


def test_a_record_comes_out_with_its_last_byte():
    for text in (json.dumps(DOCUMENT), LINES + "\n"):
        stream = RecordSplitter()
        counts = [len(list(stream.feed(bytes([byte])))) for byte in text.encode()]
        ends = [place for place, count in enumerate(counts) if count]
        decoder = json.JSONDecoder()
        place, expected = (1 if text.startswith("[") else 0), []
        while len(expected) < len(DOCUMENT):
            _, place = decoder.raw_decode(text, place)
            at_break = not text.startswith("[")
            expected.append(len(text[:place].encode()) - 1 + at_break)
            place += 1 if at_break else 2
        assert ends == expected


def test_lines_are_numbered_as_in_an_editor():
    pieces = split(b'{"a":1}\n\nnonsense\n[INFO] x\n{"b":2}\n')
    assert [(p.text, p.line) for p in pieces] == [
        (b'{"a":1}', 1),
        (b"nonsense", 3),
        (b"[INFO] x", 4),
        (b'{"b":2}', 5),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b'[{"a":1}, nonsense\n{"b":2}\n',
        b'[{"a":1}]]\n{"b":2}\n',
        b'[{"a":1}, {"torn": [1, \n',
    ],
)
def test_nothing_is_lost_in_silence(text):
    found = b"".join(piece.text for piece in split(text))
    assert set(found) - set(b" ,[]\n") == set(text) - set(b" ,[]\n")
    assert split(text)[0].text == b'{"a":1}'


def test_an_array_goes_on_behind_a_record_without_an_end(monkeypatch):
    monkeypatch.setattr(splitter, "LARGEST_RECORD", 1000)
    records = [json.dumps({"batches": [{"n": n}]}) for n in range(200)]
    records[30] = records[30][:-1]  # a bracket is missing
    for cuts in ([], list(range(0, 10_000, 7))):  # while it grows, so it is not closed
        found = [piece.text.decode() for piece in split(f"[{', '.join(records)}".encode(), cuts)]
        assert found == records


def test_an_endless_record_is_given_up(monkeypatch):
    monkeypatch.setattr(splitter, "LARGEST_RECORD", 100)
    stream = RecordSplitter()
    pieces = [piece for _ in range(50) for piece in stream.feed(b'{"never": "ends", ')]
    assert len(stream._buffer) <= 100
    assert all(piece.line == 1 for piece in pieces)
    assert list(stream.feed(b'}\n{"b":2}\n'))[-1].text == b'{"b":2}'
