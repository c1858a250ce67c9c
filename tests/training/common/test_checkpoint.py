from __future__ import annotations

import argparse
import base64
import os
import pickle
import tempfile
from pathlib import Path

import pytest
import torch

from converter import InputError
from training.common.checkpoint import (
    EncryptedCheckpointIO,
    find_latest,
    load_checkpoint,
    save_checkpoint,
    update_latest,
)

CONTENT = {"state_dict": {"w": torch.arange(4.0)}, "epoch": 3, "names": ["a", "b"]}
# By version 1 of the format, with the key "nvidia_tao"; what is in it is no checkpoint.
ENCRYPTED = (
    "VEFPUE9TRTHSGyaCn0xPjryB7l9w0x6TuSqi+UDH7nlPQUzrowcm0GcMX8HhddM6/ElUN2YBGPqmN3gDSXnVE7Y="
)


@pytest.mark.parametrize("key", [None, "nvidia_tao", "schlüssel"])
def test_round_trip(tmp_path: Path, key: str | None) -> None:
    path = tmp_path / "model.pth"
    save_checkpoint(path, CONTENT, key)
    loaded = load_checkpoint(path, key)
    assert torch.equal(loaded["state_dict"]["w"], torch.arange(4.0))
    assert (loaded["epoch"], loaded["names"]) == (3, ["a", "b"])
    assert [item.name for item in tmp_path.iterdir()] == ["model.pth"]


def test_encrypted_at_rest(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    secret = torch.full((1000,), 1.25)
    save_checkpoint(path, {"w": secret}, "key")
    content = path.read_bytes()
    assert secret.numpy().tobytes()[:64] not in content
    save_checkpoint(path, {"w": secret}, "key")
    assert path.read_bytes() != content  # fresh salt and nonce


@pytest.mark.parametrize(
    ("key", "expected"),
    [(None, "is encrypted; set encryption_key"), ("wrong", "encryption_key is wrong")],
)
def test_wrong_key(tmp_path: Path, key: str | None, expected: str) -> None:
    save_checkpoint(tmp_path / "model.pth", CONTENT, "right")
    with pytest.raises(InputError, match=expected):
        load_checkpoint(tmp_path / "model.pth", key)


@pytest.mark.parametrize("position", [9, 30, 100, -1])
def test_tampering_is_noticed(tmp_path: Path, position: int) -> None:
    path = tmp_path / "model.pth"
    save_checkpoint(path, CONTENT, "key")
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        load_checkpoint(path, "key")


class _Code:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return tempfile.mkdtemp, (None, "ran", str(self.folder))


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save({"w": torch.ones(1), "x": _Code(tmp_path)}, path)
    with pytest.raises(InputError, match=r"refused: it holds more than tensors: tempfile.mkdtemp"):
        load_checkpoint(path)
    assert torch.equal(load_checkpoint(path, foreign=True)["w"], torch.ones(1))
    assert list(tmp_path.iterdir()) == [path]


def test_foreign_objects_are_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    spec = argparse.Namespace(model=argparse.Namespace(dropout=0.5))
    torch.save({"state_dict": {"w": torch.ones(2)}, "hyper_parameters": spec}, path)
    with pytest.raises(InputError, match=r"argparse\.Namespace"):
        load_checkpoint(path)
    assert torch.equal(load_checkpoint(path, foreign=True)["state_dict"]["w"], torch.ones(2))


class _Odd:
    """Pickles as a call with arguments, and a state that is no mapping."""

    def __reduce__(self) -> tuple[object, ...]:
        return argparse.Namespace, (1, 2), [3]


def test_foreign_objects_may_have_any_arguments_and_state(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save({"w": torch.ones(1), "x": _Odd()}, path)
    assert torch.equal(load_checkpoint(path, foreign=True)["w"], torch.ones(1))


@pytest.mark.parametrize(
    "content",
    [b"", b"abc", pickle.dumps([1]), b"PK\x03\x04", b"TAOPOSE1", b"TAOPOSE1" + bytes(64)],
)
@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_garbage(tmp_path: Path, content: bytes, foreign: bool) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_checkpoint(path, "key", foreign=foreign)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_truncated_and_missing(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    save_checkpoint(path, CONTENT)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="damaged"):
        load_checkpoint(path)
    with pytest.raises(InputError, match="No such file"):
        load_checkpoint(tmp_path / "none.pth")
    torch.save([1, 2], path)
    with pytest.raises(InputError, match="it holds a list"):
        load_checkpoint(path)


def test_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    save_checkpoint(path, CONTENT)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_checkpoint(path, {"f": lambda: 0})
    assert load_checkpoint(path)["epoch"] == 3
    assert len(list(tmp_path.iterdir())) == 1


def test_latest(tmp_path: Path) -> None:
    assert find_latest(tmp_path) is None
    for epoch in range(2):
        path = tmp_path / f"model_epoch_{epoch:03d}.pth"
        save_checkpoint(path, {"epoch": epoch})
        update_latest(path, tmp_path / "pc_model_latest.pth")
        assert find_latest(tmp_path) == path
    path.unlink()
    with pytest.raises(InputError, match="is gone"):
        find_latest(tmp_path)


def test_the_latest_moves_with_its_folder_and_replaces_what_a_crash_has_left(
    tmp_path: Path,
) -> None:
    path = tmp_path / "old" / "model_epoch_000.pth"
    path.parent.mkdir()
    save_checkpoint(path, {"epoch": 0})
    (path.parent / f".pc_model_latest.pth.{os.getpid()}.part").symlink_to("of a process before")
    update_latest(path, path.with_name("pc_model_latest.pth"))
    path.parent.rename(tmp_path / "new")
    assert find_latest(tmp_path / "new") == tmp_path / "new" / path.name


def test_the_format_of_encrypted_checkpoints_stays(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(base64.b64decode(ENCRYPTED))
    with pytest.raises(InputError, match=r"not a checkpoint, or damaged$"):
        load_checkpoint(path, "nvidia_tao")


def test_an_encrypted_file_of_tao_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "model.tlt").write_bytes(b"not for us")
    with pytest.raises(InputError, match=r"damaged; TAO's encrypted \.tlt files cannot be read$"):
        load_checkpoint(tmp_path / "model.tlt")


def test_tensors_go_to_the_device_that_is_asked_for(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "model.pth", CONTENT)
    loaded = load_checkpoint(tmp_path / "model.pth", device="meta")
    assert loaded["state_dict"]["w"].is_meta


def test_lightning_plugin(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model.pth"
    plugin = EncryptedCheckpointIO("key")
    plugin.save_checkpoint(CONTENT, path)
    assert path.read_bytes().startswith(b"TAOPOSE1")
    assert plugin.load_checkpoint(path)["epoch"] == 3
    for _ in range(2):  # the second finds nothing
        plugin.remove_checkpoint(path)
        assert not path.exists()
