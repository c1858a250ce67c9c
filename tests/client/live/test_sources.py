"""Pipes and growing files: what is written arrives, in order, wherever the writer goes."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from pathlib import Path

import pytest

from client.live.follow import FileSource
from client.live.sources import LiveSource, PipeSource, open_source
from converter import InputError


def texts(source: LiveSource) -> list[bytes]:
    """What is there to read now."""
    found = []
    while arrivals := source.poll(0.0):
        found += [arrival.text for arrival in arrivals]
    return found


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_pipe_gives_lines_as_they_come_and_ends() -> None:
    read, write = os.pipe()
    source = PipeSource(read, "stdin")
    assert not source.keeps
    assert source.poll(0.0) == []
    os.write(write, b'{"a":1}\n\n{"b":')
    (first,) = source.poll(1.0) or []
    assert (first.text, str(first.place), first.number) == (b'{"a":1}', "stdin, line 1", 0)
    os.write(write, b"2}")
    assert source.poll(1.0) == []
    os.close(write)
    (last,) = source.poll(1.0) or []  # without a line break
    assert (last.text, str(last.place), last.number) == (b'{"b":2}', "stdin, line 3", 1)
    assert source.poll(0.0) is None
    os.close(read)


def test_a_file_on_stdin_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b'[{"a":1}]')
        file.seek(0)
        monkeypatch.setattr(sys, "stdin", file)
        source = open_source("-")
        assert source.keeps
        (only,) = source.poll(0.0) or []
        assert (only.text, str(only.place)) == (b'{"a":1}', "stdin")
        assert source.poll(0.0) == []
        assert source.poll(0.0) is None


def test_a_pipe_that_has_a_name(tmp_path: Path) -> None:
    path = tmp_path / "poses"
    os.mkfifo(path)
    write = os.open(path, os.O_RDWR)  # waits for no reader
    os.write(write, b'{"a":1}\n')
    with contextlib.closing(open_source(str(path))) as source:
        assert not source.keeps
        (only,) = source.poll(1.0) or []
        assert (only.text, str(only.place)) == (b'{"a":1}', f"{path}, line 1")
        os.close(write)
        assert source.poll(1.0) == []
        assert source.poll(0.0) is None


def test_a_closed_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="-: stdin is closed"):
        open_source("-")


def test_a_growing_file(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    path.write_text('[{"a":1},\n{"b"')
    source = open_source(str(path))
    assert texts(source) == [b'{"a":1}']
    append(path, ":2}")
    assert texts(source) == [b'{"b":2}']
    append(path, ',{"c":3}\n]\n')
    assert texts(source) == [b'{"c":3}']
    append(path, '[{"d":4}]')
    assert texts(source) == [b'{"d":4}']
    source.close()


def test_only_a_silent_file_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("client.live.follow.time.sleep", waits.append)
    source = FileSource(tmp_path / "poses.ndjson")
    assert (source.poll(0.25), waits) == ([], [0.25])
    append(tmp_path / "poses.ndjson", '{"a":1}\n')
    assert (source.poll(0.25), waits) == ([], [0.25])  # found, and read next
    assert [a.text for a in source.poll(0.25)] == [b'{"a":1}']
    assert waits == [0.25]
    assert (source.poll(0.5), waits) == ([], [0.25, 0.5])
    file = source._file
    source.close()
    assert file is not None and file.closed


def test_a_file_that_comes_late(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = FileSource(tmp_path / "poses.ndjson")
    assert texts(source) == texts(source) == []
    assert [r.levelname for r in caplog.records] == ["WARNING"]  # once
    assert "No such file or directory; waiting for it" in caplog.text
    append(tmp_path / "poses.ndjson", '{"a":1}\n')
    assert source.poll(0.0) == []
    assert texts(source) == [b'{"a":1}']
    source.close()


def test_a_file_that_is_rotated_is_read_to_its_end_first(tmp_path: Path) -> None:
    path = tmp_path / "poses.ndjson"
    append(path, '{"a":1}\n')
    source = FileSource(path)
    assert texts(source) == [b'{"a":1}']
    append(path, '{"b":2}\n{"torn"')
    path.rename(tmp_path / "poses.ndjson.1")
    append(path, '{"c":3}\n')
    found = []
    for _ in range(6):
        found += source.poll(0.0)
    assert [(a.text, str(a.place)) for a in found] == [
        (b'{"b":2}', f"{path}, line 2"),
        (b'{"torn"', f"{path}, line 3"),
        (b'{"c":3}', f"{path}, line 1"),
    ]
    source.close()


def test_a_file_that_goes_away_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "poses.ndjson"
    append(path, '{"a":1}\n')
    source = FileSource(path)
    assert texts(source) == [b'{"a":1}']
    path.rename(tmp_path / "gone")
    append(tmp_path / "gone", '{"b":2}\n')  # the writer has not noticed
    assert texts(source) == [b'{"b":2}']
    assert source.poll(0.0) == []
    append(path, '{"c":3}\n')
    found = [a.text for _ in range(4) for a in source.poll(0.0)]
    assert found == [b'{"c":3}']
    assert [r.levelname for r in caplog.records] == ["WARNING", "INFO"]
    assert "is another file now, read from its start" in caplog.messages[-1]
    source.close()


def test_every_absence_of_a_file_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, away = tmp_path / "poses.ndjson", tmp_path / "away"
    append(path, '{"a":1}\n')
    source = FileSource(path)
    assert texts(source) == [b'{"a":1}']
    for _ in range(2):
        path.rename(away)
        assert texts(source) == texts(source) == []
        away.rename(path)
        assert texts(source) == []
    assert [r.levelname for r in caplog.records] == ["WARNING", "WARNING"]
    source.close()


def test_a_file_that_is_cut_to_nothing_and_filled_again(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    path.write_text('[{"a":1},{"b":2}')
    source = FileSource(path)
    assert texts(source) == [b'{"a":1}', b'{"b":2}']
    path.write_text("")
    assert source.poll(0.0) == []
    append(path, '{"c":3}\n')  # now lines
    assert [a.text for _ in range(3) for a in source.poll(0.0)] == [b'{"c":3}']
    source.close()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("poses.json.gz", "poses.json.gz: cannot be followed; --live reads -, a growing file"),
        ("POSES.JSON.GZ", "cannot be followed"),
        ("a.npy", "cannot be followed"),
        ("none/poses.json", "its folder is missing"),
        (".", "is a folder"),
        ("0", "python -m video.poses SOURCE --live"),
        ("rtsp://me:secret@door/1", "^--live reads poses, not a camera or stream"),
        ("kafka://host:1", "kafka://host:1: must be kafka://HOST:PORT/TOPIC"),
        ("kafka://host:1/a?from=middle", "from=middle must be one of latest, earliest"),
    ],
)
def test_what_is_no_source(
    word: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        open_source(word)
