"""Inputs: files and folders, and results that never collide."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest

from client import InputError
from client.inputs import Source, check_output, find_sources


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("a.npy", "a.json", "a.json.gz", "b/a.json", "b/c.NDJSON", "b/notes.txt"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "data"


def test_one_file_goes_straight_to_the_output(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert find_sources([str(data / "a.npy")], out) == [Source(data / "a.npy", out / "results.txt")]
    twice = [str(data / "a.json"), str(data / "b/../a.json")]
    (only,) = find_sources(twice, out)
    assert only.output == out / "results.json"


def test_a_folder_keeps_its_shape(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    outputs = [source.output.relative_to(out) for source in find_sources([str(data)], out)]
    assert sorted(map(str, outputs)) == [
        "a.json.gz/results.json",
        "a.json/results.json",
        "a.npy/results.txt",
        "b/a.json/results.json",
        "b/c.NDJSON/results.json",
    ]


def test_files_of_one_name_do_not_meet(data: Path, tmp_path: Path) -> None:
    sources = find_sources([str(data / "a.json"), str(data / "b/a.json")], tmp_path / "out")
    assert [str(source.output.relative_to(tmp_path / "out")) for source in sources] == [
        "a.json/results.json",
        "b/a.json/results.json",
    ]


def test_links_keep_their_names(data: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    for name, target in {"door.json": "a.json", "hall.json": "b/a.json"}.items():
        (links / name).symlink_to(data / target)
    outputs = {"door.json/results.json", "hall.json/results.json"}
    for words in ([str(links)], [str(link) for link in links.iterdir()]):
        sources = find_sources(words, tmp_path / "out")
        assert {str(s.output.relative_to(tmp_path / "out")) for s in sources} == outputs
    (data / "a.json").rename(data / "results.json")
    (links / "door.json").unlink()
    (links / "door.json").symlink_to(data / "results.json")
    with pytest.raises(InputError, match="would overwrite an input"):
        find_sources([str(links / "door.json")], data)


def test_relative_inputs(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    (source,) = find_sources(["a.npy"], Path("outputs"))
    assert source == Source(Path("a.npy"), Path("outputs/results.txt"))
    assert len(find_sources(["b", "a.npy"], Path("outputs"))) == 3


def test_earlier_results_are_no_inputs(data: Path) -> None:
    for source in find_sources([str(data)], data / "outputs"):
        source.output.parent.mkdir(parents=True)
        source.output.touch()
    assert len(find_sources([str(data)], data / "outputs")) == 5


def test_what_is_no_file_is_no_input_whatever_its_name(data: Path) -> None:
    os.mkfifo(data / "pipe.json")
    (data / "gone.npy").symlink_to(data / "nowhere.npy")
    assert len(find_sources([str(data)], data / "outputs")) == 5


def test_inputs_below_the_output(data: Path) -> None:
    (data / "a.json").unlink()
    assert len(find_sources([str(data / "b")], data)) == 2
    for name in ("results.json", "results.ndjson", "c.NDJSON/results.json"):  # of earlier runs
        path = data / "b/earlier" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    sources = find_sources([str(data / "b")], data)
    assert [str(source.output.relative_to(data)) for source in sources] == [
        "a.json/results.json",
        "c.NDJSON/results.json",
    ]


def test_folders_behind_links_are_searched(data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep/d.json").touch()
    (data / "camera").symlink_to(outside)
    (outside / "back").symlink_to(data)
    (data / "again").symlink_to(data)
    names = [source.path.relative_to(data) for source in find_sources([str(data)], tmp_path / "o")]
    assert Path("camera/deep/d.json") in names
    assert len(names) == 6


def test_a_folder_that_cannot_be_read_is_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def closed(path: str) -> object:  # root may read every folder
        if Path(path).name == "b":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(InputError, match=r"data/b: cannot be searched: Permission denied"):
        find_sources([str(data)], data / "outputs")


def test_a_folder_of_one_file_is_still_a_folder(data: Path, tmp_path: Path) -> None:
    (data / "b/c.NDJSON").unlink()
    (source,) = find_sources([str(data / "b")], tmp_path / "out")
    assert source.output == tmp_path / "out/a.json/results.json"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no input"),
        (["data/absent.npy"], r"data/absent\.npy: no such file or folder"),
        (["data/b/notes.txt"], r"has to be a JSON file or a NumPy array \(\.npy, \.json,"),
        (["pipe"], "pipe: is a pipe; save it to a file first"),
        (["empty"], r"empty: no \.npy, \.json"),
    ],
)
def test_what_cannot_be_read_is_refused(
    words: list[str], message: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    Path("empty").mkdir()
    os.mkfifo("pipe")
    with pytest.raises(InputError, match=message):
        find_sources(words, Path("out"))


def test_results_hide_no_input(data: Path) -> None:
    (data / "results.json").touch()
    with pytest.raises(InputError, match="would overwrite an input; change --output_path"):
        find_sources([str(data / "results.json")], data)
    with pytest.raises(InputError, match="would overwrite an input; change --output_path"):
        find_sources([str(data / "a.npy"), str(data / "a.json")], data)
    with pytest.raises(InputError, match="is a file, not a folder"):
        find_sources([str(data / "a.npy")], data / "a.json")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.json/sub/results.json", r"data/a\.json: is not a folder; change --output_path"),
        ("dangling/results.json", r"data/dangling: is not a folder"),
        ("b", r"data/b: is a folder"),
        ("b/new/results.json", r"data/b: is not writable"),
        ("new/sub/results.json", None),
        ("a.json", None),
    ],
)
def test_a_place_for_results_is_tried_before(
    name: str, message: str | None, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "dangling").symlink_to("nowhere")
    monkeypatch.setattr(os, "access", lambda path, _: path != data / "b")  # root may write anywhere
    before = set(data.rglob("*"))
    with pytest.raises(InputError, match=message) if message else contextlib.nullcontext():
        check_output(data / name)
    assert set(data.rglob("*")) == before
