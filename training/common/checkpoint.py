"""Checkpoints: written atomically, read without running code, encrypted on request.

A checkpoint is what `torch.save` makes of a mapping of tensors, numbers, text and containers of
these. With an encryption key the file is::

    b"TAOPOSE1" | salt (16) | nonce (12) | AES-256-GCM of the torch file, tag at the end

where the AES key is scrypt(encryption key, salt), n = 2^15, r = 8, p = 1 (RFC 7914); the first
36 bytes are authenticated too.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from lightning.pytorch.plugins.io import CheckpointIO

from converter import InputError
from training.common.results import write_atomic

_MAGIC = b"TAOPOSE1"
_SALT, _NONCE = 16, 12
_HEADER = len(_MAGIC) + _SALT + _NONCE


def save_checkpoint(path: Path, checkpoint: Mapping[str, Any], key: str | None = None) -> None:
    """Write a checkpoint under its final name in one step.

    Args:
        path: the file.
        checkpoint: tensors, numbers, text, and containers of these.
        key: encrypt with this key; None writes a plain torch file.
    """
    stream = io.BytesIO()
    torch.save(dict(checkpoint), stream)
    content = stream.getvalue()
    write_atomic(path, content if key is None else _encrypt(content, key))


def load_checkpoint(
    path: Path,
    key: str | None = None,
    device: str | torch.device = "cpu",
    foreign: bool = False,
) -> dict[str, Any]:
    """Read a checkpoint; only tensors and plain values are ever made of it.

    Args:
        path: the file.
        key: the key it was encrypted with; ignored for a plain file.
        device: where the tensors go.
        foreign: the file may hold objects of other programs beside its tensors, as NVIDIA's do
            (their spec); they are replaced by inert ones instead of refused.

    Raises:
        InputError: missing, damaged or not a checkpoint; encrypted and the key is absent or wrong.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read the checkpoint: {error.strerror}") from None
    if content.startswith(_MAGIC):
        content = _decrypt(content, key, path)
    stream = io.BytesIO(content)
    inert = _inert_globals(stream) if foreign else []
    stream.seek(0)
    try:
        with torch.serialization.safe_globals(inert):
            checkpoint = torch.load(stream, map_location=device, weights_only=True)
    except Exception:  # a damaged or hostile file can fail in any way
        names = _refused_globals(stream)
        if names:
            raise InputError(f"{path}: refused: it holds more than tensors: {names[0]}") from None
        hint = "; TAO's encrypted .tlt files cannot be read" if Path(path).suffix == ".tlt" else ""
        raise InputError(f"{path}: not a checkpoint, or damaged{hint}") from None
    if not isinstance(checkpoint, dict):
        raise InputError(f"{path}: not a checkpoint: it holds a {type(checkpoint).__name__}")
    return checkpoint


def update_latest(checkpoint: Path, latest: Path) -> None:
    """Let the link `latest` (such as `pc_model_latest.pth`) point to a checkpoint beside it."""
    beside = latest.with_name(f".{latest.name}.{os.getpid()}.part")
    beside.unlink(missing_ok=True)
    beside.symlink_to(checkpoint.name)
    beside.replace(latest)


def find_latest(directory: Path) -> Path | None:
    """The checkpoint that `*_latest.pth` of a results folder points to, if there is one.

    Raises:
        InputError: the link points to nothing.
    """
    for latest in sorted(directory.glob("*_latest.pth")):
        if not latest.exists():
            raise InputError(f"{latest}: points to a checkpoint that is gone; remove the link")
        return latest.resolve()
    return None


class EncryptedCheckpointIO(CheckpointIO):
    """Lightning's interface to files, by :func:`save_checkpoint` and :func:`load_checkpoint`."""

    def __init__(self, key: str | None = None) -> None:
        self.key = key

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; makes its folder."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(target, checkpoint, self.key)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read a checkpoint, always without running code."""
        return load_checkpoint(Path(path), self.key)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)


class _Inert:
    """Stands for an object of a class that is not loaded; keeps nothing, does nothing."""

    def __new__(cls, *args: object, **kwargs: object) -> _Inert:
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        pass


def _inert_globals(stream: io.BytesIO) -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """An inert class for every name in the file that torch would refuse."""
    return [(type("Inert", (_Inert,), {}), name) for name in _refused_globals(stream)]


def _refused_globals(stream: io.BytesIO) -> list[str]:
    """Names of the classes and functions in a checkpoint that torch would not load."""
    stream.seek(0)
    with contextlib.suppress(Exception):  # the file may be anything
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(stream))
    return []


def _derive(key: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(key.encode()))


def _encrypt(content: bytes, key: str) -> bytes:
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    header = _MAGIC + salt + nonce
    return header + _derive(key, salt).encrypt(nonce, content, header)


def _decrypt(content: bytes, key: str | None, path: Path) -> bytes:
    if key is None:
        raise InputError(f"{path}: is encrypted; set encryption_key=...")
    header = content[:_HEADER]
    salt, nonce = header[len(_MAGIC) : -_NONCE], header[-_NONCE:]
    try:
        return _derive(key, salt).decrypt(nonce, content[_HEADER:], header)
    except (InvalidTag, ValueError):
        raise InputError(f"{path}: encryption_key is wrong, or the file is damaged") from None
