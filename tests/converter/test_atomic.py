"""Files are replaced whole or not at all."""

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from converter import InputError
from converter.atomic import replacing


def test_new_and_replaced(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    for text in (b"one", b"two"):
        with replacing(path) as file:
            file.write(text)
            assert not path.exists() or path.read_bytes() == b"one"
        assert path.read_bytes() == text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("left", ["file", "link"])
def test_what_lies_where_the_new_file_is_made_is_not_written_through(tmp_path, left):
    path, victim = tmp_path / "file", tmp_path / "victim"
    victim.write_bytes(b"precious")
    beside = tmp_path / f".file.{os.getpid()}.part"
    beside.symlink_to(victim) if left == "link" else beside.write_bytes(b"half")
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new" and not path.is_symlink()
    assert victim.read_bytes() == b"precious"
    assert sorted(tmp_path.iterdir()) == [path, victim]


def test_an_exception_changes_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond a kilobyte, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("size", [2000, 1 << 21])  # at the end, and before
def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path, size):
    path = tmp_path / "file"
    with pytest.raises(OSError, match=f"large: '{path}'"), replacing(path) as file:
        file.write(bytes(size))
    assert list(tmp_path.iterdir()) == []


def test_a_full_device_is_named():
    told = pytest.raises(OSError, match="No space left on device: '/dev/full'")
    with told, replacing(Path("/dev/full")) as file:
        file.write(b"bytes")


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_stays_one_and_gets_the_bytes(tmp_path, linked):
    pipe = path = tmp_path / "pipe"
    os.mkfifo(pipe)
    if linked:
        path = tmp_path / "link"
        path.symlink_to(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with replacing(path) as file:
        file.write(b"bytes")
    assert os.read(reader, 100) == b"bytes"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert path.is_symlink() == linked


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_target_is_replaced(tmp_path, exists):
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.parent.mkdir()
    if exists:
        target.write_bytes(b"old")
    link.symlink_to(target)
    with replacing(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("name", ["folder", "folder/..", ""])
def test_a_folder_is_refused_at_once(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="is a folder, not a file"), replacing(Path(name)):
        pytest.fail("opened")
    assert list(tmp_path.rglob("*")) == [tmp_path / "folder"]


def test_a_file_that_cannot_be_opened_is_named_as_it_was_given(tmp_path):
    path = tmp_path / ("n" * 250)  # a name that only `.part` makes too long
    with pytest.raises(OSError) as caught, replacing(path):
        pytest.fail("opened")
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []
