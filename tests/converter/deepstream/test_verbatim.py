"""Documents that keep their text but for the actions."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.deepstream import Style
from converter.deepstream.insert import Inserter
from tests.converter.deepstream.documents import (
    annotate,
    frame,
    person,
    record,
    save,
    small_chunks,
    walk,
)

ADDED = re.compile(r'"action": "[^"]*",\s*(?="object_id")')
GOLDEN = Path(__file__).parent / "golden" / "input.json"

DOCUMENT = [record(frame(n, [person(1, n), person("b", -n)]), frame(n, [])) for n in range(30)]
FORMS = {
    "array": json.dumps(DOCUMENT),
    "array without white space": json.dumps(DOCUMENT, separators=(",", ":")),
    "indented array": json.dumps(DOCUMENT, indent=4) + "\n",
    "records on lines": "[\n" + ",\n".join(map(json.dumps, DOCUMENT)) + "]\n",
    "lines": "".join(json.dumps(item) + "\n" for item in DOCUMENT),
    "lines of Windows, the last without an end": "\r\n".join(map(json.dumps, DOCUMENT)),
    "nothing": "[]",
    "Latin-1 by code points": json.dumps([*DOCUMENT[:-1], {**DOCUMENT[-1], "place": "Tür"}]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1 << 20, 700])
def test_nothing_but_actions_is_added(tmp_path: Path, form: str, size: int):
    source = tmp_path / "in.json"
    source.write_bytes(FORMS[form].encode())
    with small_chunks(size):
        reference = annotate(source)
        result = annotate(source, style="verbatim")
    text = (tmp_path / "in.json.out.json").read_bytes().decode()
    assert ADDED.sub("", text) == FORMS[form]
    assert re.findall(r'"action": "(.*?)"', text) == reference.actions
    assert result.summary == reference.summary


def test_white_space_is_that_of_the_document(tmp_path: Path):
    result = annotate(save(tmp_path / "in.json", walk(range(4)), indent=2), style="verbatim")
    lines = result.text.splitlines()
    place = next(number for number, line in enumerate(lines) if '"action"' in line)
    assert lines[place : place + 2] == [
        '            "action": "0",',
        '            "object_id": 7,',
    ]


def test_scores(tmp_path: Path):
    document = [*walk([0]), *walk(range(4), object_id=8)]
    people = [
        r["batches"][0]["objects"][0]
        for r in annotate(save(tmp_path / "in.json", document), scores=True, style="verbatim").data
    ]
    assert [(p["action"], p.get("action_score")) for p in people] == [
        ("", None),
        *[("0", 1.0)] * 4,
    ]


@pytest.mark.parametrize("style", ["nvidia", "compact", "verbatim"])
def test_scores_have_six_digits(tmp_path: Path, style: Style):
    tracks = [each for number in range(3) for each in walk(range(4), object_id=number)]
    document = sorted(tracks, key=lambda each: each["batches"][0]["frame_num"])
    text = annotate(save(tmp_path / "in.json", document), scores=True, style=style).text
    assert set(re.findall(r'"action_score": ?([^,}\s]+)', text)) == {"1.0", "0.5", "0.333333"}


def test_gzip_is_unpacked(tmp_path: Path):
    source = tmp_path / "in.json.gz"
    source.write_bytes(gzip.compress(FORMS["array"].encode()))
    assert ADDED.sub("", annotate(source, style="verbatim").text) == FORMS["array"]


def test_what_cannot_be_written_is_mended(tmp_path: Path):
    """A byte order mark, numbers that are none, and no end."""
    source = tmp_path / "in.json"
    text = json.dumps(walk(range(4))).replace("[2.0,", "[nan,")
    source.write_bytes(b"\xef\xbb\xbf" + text.encode().removesuffix(b"]"))
    result = annotate(source, style="verbatim")
    assert ADDED.sub("", result.text) == text.replace("nan", "null")


@pytest.mark.parametrize(
    "extra",
    [
        {"action": "older", "action_score": 0.5},
        {"action_score": 0.5},
        {"acti\\u006fn": "older"},
        {"next": {"object_id": 1}},
        {"name": "object_id"},
        {"name": 'the "object_id"', "n\\u0061me": 1},
    ],
)
@pytest.mark.parametrize("lines", [False, True])
def test_other_texts_are_taken_apart(tmp_path: Path, extra: dict[str, Any], lines: bool):
    document = [*walk(range(4)), record(frame(4, [person(7, 4, **extra)]))]
    source = tmp_path / "in.json"
    items = [json.dumps(item).replace("\\\\", "\\") for item in document]
    source.write_text("\n".join(items) if lines else f"[{','.join(items)}]")
    text = annotate(source, style="verbatim").text
    assert text == text.rstrip()  # as in the source
    written = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
    expected = annotate(source).data
    for item, original in zip(expected, document, strict=True):
        number = original["batches"][0]["num_obj_meta"]
        item["batches"][0]["num_obj_meta"] = number
    assert written == expected


texts = st.sampled_from(["object_id", "action", "objects", 'a"object_id"', "é", "\\", "{", "x"])
values = st.recursive(
    texts | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(texts.filter(lambda key: key[0] not in "ao"), values), min_size=1),
       st.booleans())  # fmt: skip
def test_every_text_is_labelled_or_refused(extras: list[dict[str, Any]], ascii_only: bool):
    objects = [{**extra, "object_id": number} for number, extra in enumerate(extras)]
    text = json.dumps([{"objects": objects}], ensure_ascii=ascii_only).encode()
    labels = [(number % 3 - 1, 0.25) for number in range(len(objects))]
    labelled = Inserter(["zero", "one"]).insert(text, labels)
    plain = not any(word in str(extras) for word in ("'object_id'", "'action"))
    assert (labelled is not None) or not plain
    if labelled is not None:
        for item, (index, score) in zip(objects, labels, strict=True):
            item |= {"action": ["zero", "one", ""][index], "action_score": score}
        assert json.loads(labelled) == [{"objects": objects}]


def test_golden(tmp_path: Path):
    source = tmp_path / "in.json"
    source.write_bytes(GOLDEN.read_bytes())
    written, expected = annotate(source, style="verbatim").data, annotate(source).data
    for item in (*written, *expected):
        for one in item["batches"]:
            one.pop("num_obj_meta", None)
    assert written == expected
