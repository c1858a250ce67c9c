"""Documents that keep their text but for the actions and `num_obj_meta`."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.deepstream import Style
from converter.deepstream.edit import Editor
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
LEFT_OUT = re.compile(r'"num_obj_meta":\s*\d+,\s*')
GOLDEN = Path(__file__).parent / "golden" / "input.json"

DOCUMENT = [record(frame(n, [person(1, n), person("b", -n)]), frame(n, [])) for n in range(30)]
FORMS = {
    "array": json.dumps(DOCUMENT),
    "array without white space": json.dumps(DOCUMENT, separators=(",", ":")),
    "indented array": json.dumps(DOCUMENT, indent=4) + "\n",
    "records on lines": "[\n" + ",\n".join(map(json.dumps, DOCUMENT)) + "]\n",
    "nothing": "[]",
    "Latin-1 by code points": json.dumps([*DOCUMENT[:-1], {**DOCUMENT[-1], "place": "Tür"}]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1 << 20, 700])
def test_actions_are_added_and_numbers_left_out(tmp_path: Path, form: str, size: int):
    source = tmp_path / "in.json"
    source.write_bytes(FORMS[form].encode())
    with small_chunks(size):
        reference = annotate(source)
        result = annotate(source)
    text = (tmp_path / "in.json.out.json").read_bytes().decode()
    assert ADDED.sub("", text) == LEFT_OUT.sub("", FORMS[form])
    assert re.findall(r'"action": "(.*?)"', text) == reference.actions
    assert result.summary == reference.summary


@pytest.mark.parametrize("size", [1 << 20, 700])
@pytest.mark.parametrize(
    ("between", "end"), [("\n", "\n"), ("\r\n", ""), ("\n\n", "\n\n"), (" ,\n", ",\n")]
)
def test_lines_become_an_array(tmp_path: Path, between: str, end: str, size: int):
    source = tmp_path / "in.json"
    lines = [json.dumps(item) for item in DOCUMENT]
    source.write_bytes((between.join(lines) + end).encode())
    with small_chunks(size):
        text = annotate(source).text
    array = "[{}]\n".format(",\n".join(lines))
    assert ADDED.sub("", text) == LEFT_OUT.sub("", array)


def test_white_space_is_that_of_the_document(tmp_path: Path):
    result = annotate(save(tmp_path / "in.json", walk(range(4)), indent=2))
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
        for r in annotate(save(tmp_path / "in.json", document), scores=True).data
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
    assert ADDED.sub("", annotate(source).text) == LEFT_OUT.sub("", FORMS["array"])


def test_what_cannot_be_written_is_mended(tmp_path: Path):
    """A byte order mark, numbers that are none, and no end."""
    source = tmp_path / "in.json"
    text = json.dumps(walk(range(4))).replace("[2.0,", "[nan,")
    source.write_bytes(b"\xef\xbb\xbf" + text.encode().removesuffix(b"]"))
    result = annotate(source)
    assert ADDED.sub("", result.text) == LEFT_OUT.sub("", text.replace("nan", "null"))


@pytest.mark.parametrize(
    "extra",
    [
        {"action": "older", "action_score": 0.5},
        {"action_score": 0.5},
        {"acti\\u006fn": "older"},
        {"next": {"object_id": 1}},
        {"name": "object_id"},
        {"name": 'the "object_id"', "n\\u0061me": 1},
        {"num_obj_meta": 1},
        {"name": "num_obj_meta"},
        {"n\\u0075m_obj_meta": 1},
    ],
)
@pytest.mark.parametrize("lines", [False, True])
def test_other_texts_are_taken_apart(tmp_path: Path, extra: dict[str, Any], lines: bool):
    document = [*walk(range(4)), record(frame(4, [person(7, 4, **extra)]))]
    source = tmp_path / "in.json"
    items = [json.dumps(item).replace("\\\\", "\\") for item in document]
    source.write_text("\n".join(items) if lines else f"[{','.join(items)}]")
    result = annotate(source)
    assert result.text.rstrip() == result.text.removesuffix("\n" if lines else "")
    assert result.data == annotate(source, style="nvidia").data


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"num_obj_meta": 2, "frame_num": 1, ', '{"frame_num": 1, '),
        ('{"frame_num": 1,\n "num_obj_meta" :2 ,\n ', '{"frame_num": 1,\n '),
        ('{"frame_num":1,"num_obj_meta":12,', '{"frame_num":1,'),
    ],
)
def test_numbers_of_objects_are_left_out(tmp_path: Path, before: str, after: str):
    source = tmp_path / "in.json"
    objects = f'"objects": [{json.dumps(person(1))}]}}'
    source.write_text(f'[{{"batches": [{before}{objects}]}}]')
    text = ADDED.sub("", annotate(source).text)
    assert text == f'[{{"batches": [{after}{objects}]}}]'


@pytest.mark.parametrize("last", [', "num_obj_meta": 1', ',\n"num_obj_meta" : 1', ""])
@pytest.mark.parametrize("end", ["}]}]", " \n} ]}]"])
def test_numbers_of_objects_at_the_end_are_left_out(tmp_path: Path, last: str, end: str):
    source = tmp_path / "in.json"
    begin = f'[{{"batches": [{{"frame_num": 1, "objects": [{json.dumps(person(1))}]'
    source.write_text(f"{begin}{last}{end}")
    assert ADDED.sub("", annotate(source).text) == f"{begin}{end}"


@pytest.mark.parametrize("number", ["1.5", "-1", "1e3", "null", "[1]", '{"a": 1}', '"1"'])
def test_numbers_of_objects_that_are_none_are_left_out_too(tmp_path: Path, number: str):
    source = tmp_path / "in.json"
    frames = [
        f'{{"frame_num": 1, "num_obj_meta": {number}, "objects": [{json.dumps(person(1))}]}}',
        f'{{"frame_num": 2, "objects": [], "num_obj_meta": {number}}}',
    ]
    source.write_text(f'[{{"batches": [{", ".join(frames)}]}}]')
    result = annotate(source)
    assert "num_obj_meta" not in result.text
    assert result.data == annotate(source, style="nvidia").data


texts = st.sampled_from(
    ["object_id", "action", "num_obj_meta", 'a"object_id"', "é", "\\", "{", "x"]
)
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
    labelled = Editor(["zero", "one"]).edit(text, labels, 0)
    plain = not any(word in str(extras) for word in ("'object_id'", "'action", "'num_obj_meta'"))
    assert (labelled is not None) or not plain
    if labelled is not None:
        for item, (index, score) in zip(objects, labels, strict=True):
            item |= {"action": ["zero", "one", ""][index], "action_score": score}
        assert json.loads(labelled) == [{"objects": objects}]


def test_golden(tmp_path: Path):
    source = tmp_path / "in.json"
    source.write_bytes(GOLDEN.read_bytes())
    assert annotate(source).data == annotate(source, style="nvidia").data
