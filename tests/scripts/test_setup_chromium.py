"""Chromium is found, or the user is told what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "setup_chromium.sh"


def test_what_is_there_is_left_alone() -> None:
    done = subprocess.run([SCRIPT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_selenium_is_asked_for_one(tmp_path: Path) -> None:
    for name in ("dirname", "readlink", "id"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    environment = {
        "PATH": str(tmp_path),
        "HOME": str(tmp_path / "home"),
        "VENV": sys.prefix,
        "SE_PROXY": "http://127.0.0.1:9",  # no way out
    }
    done = subprocess.run(["/bin/bash", SCRIPT], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "chromium: not found; asking Selenium for one\n")
    assert done.stderr == (
        "chromium: not found, and Selenium cannot download one; install chromium and a "
        "chromedriver of the same version (on Debian: apt-get install chromium chromium-driver)\n"
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
