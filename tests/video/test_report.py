"""The page as a file: whole, alone, and safe whatever the names are."""

from __future__ import annotations

import base64
import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter import InputError
from tests.video.documents import JOINTS, frame, person, write_results, write_video
from video.overlay import draw_overlay
from video.report import data as report_data
from video.report import page as report_page
from video.report import write_report
from video.report.__main__ import main


def data_of(path: Path) -> dict[str, Any]:
    text = path.read_text()
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def film_of(path: Path) -> bytes:
    found = re.search(r'<script id="film"[^>]*>(.*?)</script>', path.read_text(), re.DOTALL)
    assert found
    return base64.b64decode(found[1])


def results_of(tmp_path: Path, frames: int = 20, **more: Any) -> Path:
    people = [person(1, bbox=[20, 20, 40, 50], **more)]
    return write_results(tmp_path / "r.json", [frame(n, people) for n in range(frames)])


def test_spans_have_times_frames_action_and_score(tmp_path: Path) -> None:
    frames = [frame(5 + n, [person("x", "b" if n < 30 else "a", 0.5)]) for n in range(60)]
    results = write_results(tmp_path / "r.json", frames)
    assert write_report(results, tmp_path / "r.html") is None
    data = data_of(tmp_path / "r.html")
    assert [action["name"] for action in data["actions"]] == ["a", "b"]
    assert data["people"] == [
        {"name": "x", "spans": [[0, 1, 5, 34, 1, 0.5], [1, 2, 35, 64, 0, 0.5]]}
    ]
    assert (data["start"], data["end"], data["frames"], data["rate"]) == (0, 2, 60, 30)


def test_skeletons_are_the_poses(tmp_path: Path) -> None:
    write_report(results_of(tmp_path), tmp_path / "r.html", frame_size=(200, 100))
    skeletons = data_of(tmp_path / "r.html")["skeletons"]
    (one,) = skeletons["people"]
    frames = np.frombuffer(base64.b64decode(one["frames"]), "<i4")
    poses = np.frombuffer(base64.b64decode(one["poses"]), "<i2").reshape(20, -1, 3)
    assert frames.tolist() == list(range(20))
    x, y, sure = poses[7, JOINTS["pelvis"]] / skeletons["unit"]
    assert (x * 200, y * 100, sure) == pytest.approx((30, 10, 1), abs=0.02)
    left, top, width, height = skeletons["box"]
    assert left < 20 < left + width
    assert top < 10 < top + height
    assert width / height == pytest.approx(16 / 9, abs=0.01)


def test_long_documents_are_thinned_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_data, "MOST_POSES", 8)
    write_report(results_of(tmp_path, 20), tmp_path / "r.html")
    skeletons = data_of(tmp_path / "r.html")["skeletons"]
    frames = np.frombuffer(base64.b64decode(skeletons["people"][0]["frames"]), "<i4")
    assert frames.tolist() == [0, 3, 6, 9, 12, 15, 18]
    assert skeletons["hold"] == 3


def test_a_small_video_is_embedded_with_the_results_drawn_in(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "in.mp4", 20, (320, 240))
    before = set(tmp_path.iterdir())
    assert write_report(results_of(tmp_path), tmp_path / "r.html", clip) is None
    assert set(tmp_path.iterdir()) - before == {tmp_path / "r.html", tmp_path / "r.json"}
    assert film_of(tmp_path / "r.html")[4:8] == b"ftyp"
    data = data_of(tmp_path / "r.html")
    assert data["video"] == {"size": [320, 240]}
    assert data["people"][0]["spans"] == [[0, 0.8, 0, 19, 0, 0.9]]


def test_a_large_video_is_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_page, "LARGEST_EMBEDDED", 1000)
    clip = write_video(tmp_path / "in.mp4", 20, (320, 240))
    page = tmp_path / "a b#1.html"
    linked = write_report(results_of(tmp_path), page, clip)
    assert linked == tmp_path / "a b#1_overlay.mp4"
    assert linked.is_file()
    assert data_of(page)["video"]["link"] == "a%20b%231_overlay.mp4"
    assert film_of(page) == b""


def test_an_overlay_that_is_there_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip, results = write_video(tmp_path / "in.mp4", 20), results_of(tmp_path)
    drawn = draw_overlay(results, tmp_path / "film" / "out.mp4", clip)
    write_report(results, tmp_path / "r.html", overlay=drawn)
    assert film_of(tmp_path / "r.html") == drawn.path.read_bytes()
    monkeypatch.setattr(report_page, "LARGEST_EMBEDDED", 1000)
    assert write_report(results, tmp_path / "page" / "r.html", overlay=drawn) == drawn.path
    assert data_of(tmp_path / "page" / "r.html")["video"]["link"] == "../film/out.mp4"


def test_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    write_report(results_of(tmp_path), tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert not re.search(r"https?://|//[a-z]+\.[a-z]", text)
    assert not re.search(r"<(link|script|img|iframe)[^>]+(src|href)=(?!\"data:)", text)
    assert "default-src 'none'" in text


def test_names_cannot_end_the_script(tmp_path: Path) -> None:
    name = "</script><script>alert(1)</script><!--"
    frames = [{"producer": name, **frame(0, [person(name, name)])}]
    results = write_results(tmp_path / "<b>&.json", frames)
    write_report(results, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "<title>Actions in &lt;b&gt;&amp;.json</title>" in text
    assert data_of(tmp_path / "r.html")["people"][0]["name"] == name


def test_names_of_files_need_not_be_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_page, "LARGEST_EMBEDDED", 1000)
    clip = write_video(tmp_path / "in.mp4", 20, (320, 240))
    results = results_of(tmp_path).rename(tmp_path / "r\udcff.json")
    write_report(results, tmp_path / "p\udcff.html", clip)
    assert "<title>Actions in r?.json</title>" in (tmp_path / "p\udcff.html").read_text()
    assert data_of(tmp_path / "p\udcff.html")["video"]["link"] == "p%FF_overlay.mp4"


def test_the_command_writes_the_page(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert main([str(results_of(tmp_path)), "-o", str(tmp_path / "r.html")]) == 0
    assert "holds all it shows" in caplog.text


@pytest.mark.parametrize(
    ("output", "message"), [("r.txt", "let its name end in .html"), ("folder.html", "is a folder")]
)
def test_mistakes_are_one_line(tmp_path: Path, output: str, message: str) -> None:
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(InputError, match=message):
        write_report(results_of(tmp_path), tmp_path / output)
    with pytest.raises(InputError, match="no such file"):
        write_report(tmp_path / "none.json", tmp_path / "r.html")


@pytest.mark.parametrize(
    ("results", "output", "video"),
    [
        ("r.html", "r.html", None),
        ("r.html", "link.html", None),
        ("r.json", "r.html", "r.html"),
        ("r.json", "page.html", "page_overlay.mp4"),  # the overlay that a page may be linked to
    ],
)
def test_an_input_is_not_replaced(
    tmp_path: Path, results: str, output: str, video: str | None
) -> None:
    results_of(tmp_path).replace(tmp_path / results)
    for name in {"r.html", "page_overlay.mp4"} - {results}:
        write_video(tmp_path / "clip.mp4", 3).replace(tmp_path / name)
    (tmp_path / "link.html").symlink_to("r.html")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="would replace an input"):
        write_report(tmp_path / results, tmp_path / output, tmp_path / video if video else None)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_failure_leaves_the_old_page_and_no_other_file(tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    page.write_text("old")
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    results = results_of(tmp_path)
    before = set(tmp_path.iterdir())
    with pytest.raises(InputError, match="cannot be read as a video"):
        write_report(results, page, text)
    assert page.read_text() == "old"
    assert set(tmp_path.iterdir()) == before
