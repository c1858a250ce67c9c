"""Chromium is found, or the user is told what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "setup_chromium.sh"


def test_what_is_there_is_left_alone() -> None:
    done = subprocess.run([SCRIPT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_apt_the_user_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/bash", SCRIPT], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == (
        "chromium: not found; install chromium and a chromedriver of the same version\n"
    )


@pytest.mark.parametrize(
    ("argument", "code", "said"),
    [
        ("--help", 0, "Usage: scripts/setup_chromium.sh\n"),
        ("--fast", 2, "chromium: unknown argument --fast (see --help)\n"),
    ],
)
def test_an_argument_installs_nothing(argument: str, code: int, said: str) -> None:
    done = subprocess.run([SCRIPT, argument], capture_output=True, text=True)
    assert done.returncode == code
    assert (done.stdout + done.stderr).endswith(said)
