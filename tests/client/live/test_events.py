"""What is written for a label, and for trouble that comes in floods."""

from __future__ import annotations

import io
import json
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from client import Ranked, Result
from client.live.events import Journal
from converter.deepstream import LiveSegment, TrackId


def segment(track: TrackId) -> LiveSegment:
    return LiveSegment(0, np.zeros((9, 34, 4), np.float32), track, 5, 13, time.monotonic() - 0.25)


def result(label: str) -> Result:
    return Result(0, (Ranked(3.0, 4, label),), 0.98765)


def test_a_label_is_a_line_on_stdout_and_one_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/results.ndjson").write_text("earlier\n")
    with Journal(tmp_path / "out") as journal:
        journal.write(segment(TrackId("door", "7")), result("walking"))
        earlier, line = (tmp_path / "out/results.ndjson").read_text().splitlines()  # flushed
    assert journal._file.closed
    assert earlier == "earlier"
    event = json.loads(line)
    when = datetime.fromisoformat(event.pop("time"))
    assert abs(when.timestamp() - time.time()) < 10
    assert 0.25 <= event.pop("latency") < 5
    assert event == {
        "source": "door",
        "object_id": "7",
        "first_frame": 5,
        "last_frame": 13,
        "action": "walking",
        "score": 0.9877,
    }
    shown = f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}"
    assert capsys.readouterr().out == f"{shown}  source door  id 7  walking  0.99\n"


def test_names_cannot_disturb_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track = TrackId("é\x1b[2J", "7\n8")
    with Journal(tmp_path) as journal:
        journal.write(segment(track), result("wa\rlk"))
    assert "source é?[2J  id 7?8  wa?lk" in capsys.readouterr().out
    event = json.loads((tmp_path / "results.ndjson").read_text())
    assert (event["source"], event["object_id"], event["action"]) == (*track, "wa\rlk")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", None])
def test_names_that_stdout_cannot_spell(
    encoding: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.BytesIO()
    stdout = io.TextIOWrapper(shown, encoding=encoding) if encoding else None  # closed
    monkeypatch.setattr(sys, "stdout", stdout)
    with Journal(tmp_path) as journal:
        journal.write(segment(TrackId("Küche", "7")), result("走る"))
    spelt = "Küche" if encoding == "latin-1" else r"K\xfcche"
    line = rf"  source {spelt}  id 7  \u8d70\u308b  0.99".encode(encoding or "ascii")
    assert (line in shown.getvalue()) == (encoding is not None)
    event = json.loads((tmp_path / "results.ndjson").read_text())
    assert (event["source"], event["action"]) == ("Küche", "走る")


def test_a_stdout_that_tells_no_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", shown := io.StringIO())
    with Journal(tmp_path) as journal:
        journal.write(segment(TrackId("Küche", "7")), result("走る"))
    assert shown.getvalue().endswith("  source Küche  id 7  走る  0.99\n")
