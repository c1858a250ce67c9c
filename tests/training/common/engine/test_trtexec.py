"""What trtexec says: its version, and why it failed."""

from __future__ import annotations

import pytest

from training.common.engine.trtexec import execute, parse_version


@pytest.mark.parametrize(
    ("log", "version"),
    [
        ("&&&& RUNNING TensorRT.trtexec [TensorRT v110400] [b106] # trtexec", (11, 4, 0)),
        ("[TensorRT v101601]", (10, 16, 1)),
        ("[TensorRT v100001] # trtexec --help", (10, 0, 1)),
        ("[TensorRT v8601] #", (8, 6, 1)),
        ("bash: trtexec: command not found", None),
    ],
)
def test_version(log: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(log) == version


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("echo first; echo last; exit 3", "sh ended with 3: last"),
        ("exit 4", "sh ended with 4: no message"),
    ],
)
def test_a_command_that_fails_is_told_by_what_it_said_last(command: str, message: str) -> None:
    with pytest.raises(RuntimeError, match=f"^{message}$"):
        execute(["/bin/sh", "-c", command], verbose=False)
