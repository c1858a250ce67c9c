"""Extras are added to what an environment has; one that has them is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.without_python import without_python

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "setup_env.sh"


@pytest.mark.parametrize(
    ("runs", "installed"),
    [
        ([[]], [""]),
        ([["serve"]], ["[serve]"]),
        ([[], ["serve"], ["serve"]], ["", "[serve]"]),
        ([["serve"], ["train", "dev"], []], ["[serve]", "[serve,train,dev]"]),
    ],
)
def test_extras_are_added(tmp_path: Path, runs: list[list[str]], installed: list[str]) -> None:
    pip = tmp_path / "bin" / "python"  # writes down what it is asked to install
    pip.parent.mkdir()
    pip.write_text(f'#!/bin/bash\necho "${{@: -1}}" >> {tmp_path}/asked\n')
    pip.chmod(0o755)
    environment = {**os.environ, "VENV": str(tmp_path), "PYTHON": sys.executable}
    for extras in runs:
        subprocess.run([SCRIPT, *extras], env=environment, check=True, capture_output=True)
    asked = (tmp_path / "asked").read_text().split()
    assert asked == [f".{extras}" for extras in installed]


@pytest.mark.parametrize("extras", [["serve"], ["serve", "gpu"]])
def test_versions_are_those_of_the_lock_file_but_modelopts(
    tmp_path: Path, extras: list[str]
) -> None:
    pip = tmp_path / "bin" / "python"
    pip.parent.mkdir()
    pip.write_text(f'#!/bin/bash\ncat "${{@: -3:1}}" > {tmp_path}/versions\n')
    pip.chmod(0o755)
    environment = {**os.environ, "VENV": str(tmp_path), "PYTHON": sys.executable}
    subprocess.run([SCRIPT, *extras], env=environment, check=True, capture_output=True)
    locked = (SCRIPT.parents[1] / "requirements.lock").read_text().splitlines()
    left_out = {*locked} - {*(tmp_path / "versions").read_text().splitlines()}
    assert [line.split("==")[0] for line in left_out] == (["onnx"] if "gpu" in extras else [])


def test_a_python_that_is_not_there(tmp_path: Path) -> None:
    environment = {**os.environ, "VENV": str(tmp_path / "venv"), "PYTHON": "python3.99"}
    done = subprocess.run([SCRIPT], env=environment, capture_output=True, text=True)
    expected = "setup: python3.99 is not there; set PYTHON to a Python of 3.10 to 3.12\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [
        ("--help", 0, "Usage: scripts/setup_env.sh [EXTRA ...]"),
        ("--fast", 2, "setup: --fast is not an extra (see --help)"),
        ("sreve", 2, "setup: sreve is not an extra (see --help)"),
    ],
)
def test_what_is_no_extra_installs_nothing(word: str, code: int, said: str, tmp_path: Path) -> None:
    done = without_python(SCRIPT, word, tmp_path)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
