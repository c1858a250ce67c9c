"""``--overlay`` and ``--report``: after labelling, and of a document that is labelled already."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import av
import orjson
import pytest

from client.cli import main
from converter import InputError
from scripts.embedded_triton import EmbeddedTriton
from tests.server.client_inputs import document
from tests.video.documents import frame, person, write_results, write_video


def report_data(page: Path) -> dict[str, Any]:
    text = page.read_text()
    start = text.index('type="application/json">') + 24
    data: dict[str, Any] = json.loads(text[start : text.index("</script>", start)])
    return data


def frames_of(path: Path) -> int:
    with av.open(str(path)) as movie:
        return sum(1 for _ in movie.decode(video=0))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poses.json").write_bytes(orjson.dumps(document({3: [4] * 30})))
    frames = [frame(n, [person(1)] if n else []) for n in range(12)]
    write_results(tmp_path / "done.json", frames)
    return tmp_path


def test_labelled_then_drawn(folder: Path, triton: EmbeddedTriton) -> None:
    clip = write_video(folder / "in.mp4", 30, (320, 240))
    words = ["poses.json", "-u", triton.http_url, "--video", str(clip)]
    assert main([*words, "--overlay", "o/out.mp4", "--report", "r/out.html"]) == 0
    assert frames_of(folder / "o" / "out.mp4") == 30
    results = orjson.loads((folder / "outputs" / "results.json").read_bytes())
    one = results[0]["batches"][0]["objects"][0]
    data = report_data(folder / "r" / "out.html")
    (span,) = data["people"][0]["spans"]
    assert data["actions"][span[4]]["name"] == one["action"] != ""
    assert span[5] == pytest.approx(one["action_score"], abs=1e-3)  # scores come with pictures
    assert data["video"] == {"size": [320, 240]}


def test_what_has_actions_is_drawn_without_a_server(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["done.json", "-u", "localhost:9", "--mode", "Pose_classification"]
    assert main([*words, "--overlay", "out.mp4", "--report", "out.html"]) == 0
    assert (
        "done.json has actions: it is drawn as it is, no server is asked" in capsys.readouterr().err
    )
    assert frames_of(folder / "out.mp4") == 11
    assert "skeletons" in report_data(folder / "out.html")
    assert not (folder / "outputs").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["done.json", "--video", "v.mp4"], "add --overlay or --report"),
        (["done.json", "--video", "v.mp4", "--report", "r.html"], "--video v.mp4: no such video"),
        (["done.json", "poses.json", "--overlay", "o.mp4"], "name one .json file"),
        (["poses.json", "--overlay", "o.avi"], "let its name end in .mp4"),
        (["poses.json", "--report", "r.pdf"], "let its name end in .html"),
        (["-", "--live", "--report", "r.html"], "leave out --live"),
    ],
)
def test_mistakes_are_found_before_the_server_is_asked(
    folder: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(folder.iterdir())
    assert main([*words, "-u", "localhost:9"]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert set(folder.iterdir()) == before


def test_without_the_extra_the_message_names_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("video.overlay")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(["poses.json", "--overlay", "o.mp4", "-u", "localhost:9"]) == 2
    assert "need the extra `video` (av is missing)" in capsys.readouterr().err
    assert main(["done.json", "--report", "r.html"]) == 0  # the page alone needs none


def test_an_unlabelled_document_is_not_taken_for_a_labelled_one(folder: Path) -> None:
    from client.pictures import has_actions

    assert not has_actions(folder / "poses.json")
    assert has_actions(folder / "done.json")
    (folder / "none.json").write_text("[]")
    with pytest.raises(InputError, match="no persons"):
        has_actions(folder / "none.json")
