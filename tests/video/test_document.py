"""Reading results: order, sources, what is missing, and what the user is told."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter import ConvertConfig, InputError
from tests.video.documents import frame, person, write_results
from video.results.document import Document, PeopleOf


def read(path: Path, source: str | None = None) -> list[PeopleOf]:
    return list(Document(path, source).first_pass())


def test_both_passes_give_the_same_frames(tmp_path: Path) -> None:
    path = write_results(tmp_path / "r.json", [frame(n, [person(1), person("b")]) for n in (3, 4)])
    document = Document(path)
    first = list(document.first_pass())
    assert [(m.frame, [p.name for p in m.people]) for m in first] == [
        (3, ["1", "b"]),
        (4, ["1", "b"]),
    ]
    assert list(document.second_pass()) == first
    assert first[0].people[0].score == 0.9


def test_json_lines_in_gzip(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson.gz"
    lines = [json.dumps(frame(n, [person(1)])) for n in range(3)]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert [moment.frame for moment in read(path)] == [0, 1, 2]


@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(12)))
def test_late_frames_are_sorted_in(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    path = tmp_path_factory.mktemp("late") / "r.json"
    write_results(path, [frame(n, [person(n)]) for n in order])
    assert [m.frame for m in read(path)] == sorted(order)


def test_a_frame_that_is_as_late_as_it_may_be_is_sorted_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    late = ConvertConfig.reorder_frames
    document = [frame(0, [person(1)]), frame(late, [person(1)]), frame(0, [person(2)])]
    moments = read(write_results(tmp_path / "r.json", document))
    assert [(m.frame, [p.name for p in m.people]) for m in moments] == [
        (0, ["1", "2"]),
        (late, ["1"]),
    ]
    assert not caplog.text


@pytest.mark.parametrize("box", [[1, 2, 0, 4], [1, 2, 3, 0], [1, 2, 3], [1, 2, 3, None], None])
def test_a_box_without_an_area_is_none(tmp_path: Path, box: list[float | None] | None) -> None:
    path = write_results(tmp_path / "r.json", [frame(0, [person(1, bbox=box)])])
    assert read(path)[0].people[0].box is None


def test_a_restart_ends_the_drawing_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = [*range(50), *range(10)]
    path = write_results(tmp_path / "r.json", [frame(n, [person(1)]) for n in numbers])
    assert [m.frame for m in read(path)] == list(range(50))
    assert "start again" in caplog.text


def test_one_source_is_drawn_and_the_others_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_results(
        tmp_path / "r.json",
        [frame(0, [person(1)], source_id=2), frame(0, [person(7)], source_id=5)],
    )
    assert [p.name for m in read(path) for p in m.people] == ["1"]
    assert "choose another by its name: 5" in caplog.text
    assert [p.name for m in read(path, "5") for p in m.people] == ["7"]
    with pytest.raises(InputError, match=r"no source '9'; there are: 2, 5"):
        read(path, "9")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "no persons"),
        ([frame(0, [])], "no persons"),
        ([frame(0, [{"object_id": 1, "action": "x"}])], "no object has poses"),
        (
            [frame(4, [person(7, pose25d=[1.0] * 8)])],
            "object 7: 'pose25d' holds 8 numbers",
        ),
        ([frame(4, [person(7, bbox="wide")])], "frame 4, object 7: 'bbox' must be a list"),
        ([frame(4, [person(7, action=3)])], "frame 4, object 7: 'action' must be text"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(tmp_path: Path, content: list[Any], message: str) -> None:
    path = write_results(tmp_path / "r.json", content)
    with pytest.raises(InputError, match=message) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_a_torn_document_is_drawn_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_results(tmp_path / "r.json", [frame(n, [person(1)]) for n in range(3)])
    path.write_bytes(path.read_bytes()[:-40])
    with caplog.at_level(logging.WARNING):
        assert [m.frame for m in read(path)] == [0, 1]
    assert "incomplete" in caplog.text


def test_producer(tmp_path: Path) -> None:
    path = write_results(tmp_path / "r.json", [{"producer": "a camera", **frame(0, [person(1)])}])
    document = Document(path)
    list(document.first_pass())
    assert document.producer == "a camera"
