"""The file that is written: layout, digits, labels, scores; never half of one."""

import json
import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter import InputError
from converter.deepstream import AnnotationJob, Style, output
from converter.deepstream.render import Renderer, decode_texts
from tests.converter.deepstream.documents import (
    annotate,
    frame,
    person,
    record,
    save,
    small_config,
    walk,
)

GOLDEN = Path(__file__).parent / "golden"
LABEL = "sich setzen – 座る"


@pytest.mark.parametrize("form", ["plain", "scores", "compact"])
def test_golden(tmp_path: Path, form: str):
    source = tmp_path / "in.json"
    source.write_bytes((GOLDEN / "input.json").read_bytes())
    style = "compact" if form == "compact" else "nvidia"
    result = annotate(source, name=lambda segment: LABEL, scores=form == "scores", style=style)
    assert result.text == (GOLDEN / f"{form}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["plain", "scores"])
def test_golden_is_laid_out_as_by_json_dump(form: str):
    text = (GOLDEN / f"{form}.json").read_text(encoding="utf-8")
    numbers: list[str] = []

    def keep(digits: str) -> str:
        numbers.append(digits)
        return f"number {len(numbers) - 1}"

    data = json.loads(text, parse_float=keep, parse_int=keep)
    laid_out = json.dumps(data, sort_keys=True, indent=2, ensure_ascii=False)
    assert re.sub(r'"number (\d+)"', lambda m: numbers[int(m.group(1))], laid_out) == text


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(texts, values), st.dictionaries(texts, values), st.booleans())
def test_unknown_members_are_kept_at_every_level(outer, inner, ascii_only):
    document = [{**outer, **record({**outer, **frame(1, [{**inner, **person(1)}])})}]
    for level in (document[0], document[0]["batches"][0]):
        level.pop("action_score", None)
    renderer = Renderer(["walking"])
    decoded = decode_texts(json.dumps(document, ensure_ascii=ascii_only).encode())
    text = renderer.render(decoded, iter([(0, float("nan"))])) + renderer.end()
    del document[0]["batches"][0]["num_obj_meta"]
    someone = document[0]["batches"][0]["objects"][0]
    someone["action"] = "walking"
    someone.pop("action_score", None)
    assert text.decode() == json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False)


def test_scores(tmp_path: Path):
    document = [*walk([0]), *walk(range(4), object_id=8)]
    people = [
        r["batches"][0]["objects"][0]
        for r in annotate(save(tmp_path / "in.json", document), scores=True).data
    ]
    assert "action_score" not in people[0]
    assert [p["action_score"] for p in people[1:]] == [1.0] * 4


@pytest.mark.parametrize("score", [float("inf"), float("nan"), 1e300])
@pytest.mark.parametrize("style", get_args(Style))
def test_scores_that_json_does_not_have_are_left_out(tmp_path: Path, score: float, style: Style):
    source = save(tmp_path / "in.json", walk(range(4)))
    with AnnotationJob(source, small_config()) as one:
        for segment in one.segments():
            one.assign(segment.index, 0, score)
        one.write(tmp_path / "out.json", np.array(["a"]), scores=True, style=style)
    written = json.loads((tmp_path / "out.json").read_text())[0]["batches"][0]["objects"][0]
    assert written["action"] == "a" and "action_score" not in written


def test_segments_without_a_class_leave_no_label(tmp_path: Path):
    source = save(tmp_path / "in.json", walk(range(4)))
    with AnnotationJob(source, small_config()) as one:
        assert len(list(one.segments())) == 1
        summary = one.write(tmp_path / "out.json", ["a"])
    assert summary.labelled == 0
    assert '"action": ""' in (tmp_path / "out.json").read_text()


def test_the_input_may_be_the_output(tmp_path: Path):
    source = save(tmp_path / "in.json", walk(range(4)))
    for labels in (["a"], ["b"]):
        with AnnotationJob(source, small_config()) as one:
            for segment in one.segments():
                one.assign(segment.index, 0)
            one.write(source, labels)
        people = [record["batches"][0]["objects"][0] for record in json.loads(source.read_text())]
        assert [someone["action"] for someone in people] == labels * 4


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch):
    source = save(tmp_path / "in.json", walk(range(4)))
    target = tmp_path / "results" / "out.json"
    target.parent.mkdir()
    target.write_text("old")

    class Broken(Renderer):
        def end(self) -> bytes:
            raise OSError("disk full")

    monkeypatch.setattr(output, "Renderer", Broken)
    with AnnotationJob(source, small_config()) as one, pytest.raises(OSError, match="disk full"):
        list(one.segments())
        one.write(target, ["a"], style="nvidia")
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path):
    source = save(tmp_path / "in.json", walk(range(4)))
    with AnnotationJob(source, small_config()) as one:
        list(one.segments())
        save(source, walk(range(5)))
        with pytest.raises(InputError, match=r"in\.json: has changed while it was being read"):
            one.write(tmp_path / "out.json", [])
    assert not (tmp_path / "out.json").exists()


def test_hundreds_of_brackets_are_left_as_they_are(tmp_path: Path):
    deep: object = {"b": 1, "a": 2}
    for _ in range(500):
        deep = [deep]
    document = [record(frame(n, [person(7, n, deep=deep)])) for n in range(4)]
    written = annotate(save(tmp_path / "in.json", document)).data
    assert [item["batches"][0]["objects"][0]["deep"] for item in written] == [deep] * 4


def test_brackets_too_deep_to_be_written(tmp_path: Path, monkeypatch):
    def too_deep(text: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr(output, "decode_texts", too_deep)
    with pytest.raises(InputError, match=r"in\.json: nested too deeply to be written"):
        annotate(save(tmp_path / "in.json", walk(range(4))), style="nvidia")


def test_mistakes_of_the_caller(tmp_path: Path):
    source = save(tmp_path / "in.json", walk(range(4)))
    with pytest.raises(InputError, match="label policy is 'late'"):
        AnnotationJob(source, small_config(), "late")  # type: ignore[arg-type]
    with AnnotationJob(source, small_config()) as one:
        with pytest.raises(RuntimeError, match="take all segments"):
            one.write(tmp_path / "out.json", [])
        segments = one.segments()
        with pytest.raises(IndexError, match="no segment 0"):
            one.assign(0, 0)
        assert [segment.index for segment in segments] == [0]
        assert one.fraction == 1
        with pytest.raises(ValueError, match="class_index is -2, must be at least 0"):
            one.assign(0, -2)
        one.assign(0, 1)
        with pytest.raises(InputError, match="style is 'pretty', must be one of"):
            one.write(tmp_path / "out.json", ["a", "b"], style="pretty")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="class 1 has no name"):
            one.write(tmp_path / "out.json", ["only"])
        with pytest.raises(RuntimeError, match="once"):
            one.segments()


def test_leaving_early_closes_the_file(tmp_path: Path):
    source = save(tmp_path / "in.json", walk(range(5000)))
    with AnnotationJob(source, small_config()) as one:
        next(one.segments())
        assert str(source) in open_files()
    assert str(source) not in open_files()


def open_files() -> list[str]:
    return [str(link.resolve()) for link in Path("/proc/self/fd").iterdir()]
