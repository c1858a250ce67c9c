"""Extras are added to what an environment has; one that has them is left alone."""

from __future__ import annotations

import os
import subprocess
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
    environment = with_pip(tmp_path, f'echo "${{@: -1}}" >> {tmp_path}/asked')
    for extras in runs:
        subprocess.run([SCRIPT, *extras], env=environment, check=True, capture_output=True)
    asked = (tmp_path / "asked").read_text().split()
    assert asked == [f".{extras}" for extras in installed]


@pytest.mark.parametrize("extras", [["serve"], ["serve", "gpu"]])
def test_versions_are_those_of_the_lock_file_but_modelopts(
    tmp_path: Path, extras: list[str]
) -> None:
    environment = with_pip(tmp_path, f'cat "${{@: -3:1}}" > {tmp_path}/versions')
    subprocess.run([SCRIPT, *extras], env=environment, check=True, capture_output=True)
    locked = (SCRIPT.parents[1] / "requirements.lock").read_text().splitlines()
    left_out = {*locked} - {*(tmp_path / "versions").read_text().splitlines()}
    assert [line.split("==")[0] for line in left_out] == (["onnx"] if "gpu" in extras else [])


def python(folder: Path, name: str, does: str) -> None:
    """Put a program in place of Python."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{does}\n")
    (folder / name).chmod(0o755)


def with_pip(venv: Path, installs: str) -> dict[str, str]:
    """The variables with which an environment is used whose pip does as given."""
    python(venv / "bin", "python", f'if [ "$3" = install ]; then {installs}; fi')
    return {**os.environ, "VENV": str(venv), "PYTHON": "python3.99"}


@pytest.mark.parametrize("venv_is_there", [False, True])
def test_a_python_that_will_not_do(tmp_path: Path, venv_is_there: bool) -> None:
    venv = tmp_path / "venv"
    if venv_is_there:
        python(venv / "bin", "python", "exit 1")
    tried = f"{venv}/bin/python" if venv_is_there else "python3.99"
    environment = {**os.environ, "VENV": str(venv), "PYTHON": "python3.99"}
    done = subprocess.run([SCRIPT], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"setup: needs Python 3.10 to 3.12, not {tried}; set PYTHON, or: "
        f"uv venv --python 3.12 {venv}\n"
    )


def test_the_first_python_that_will_do_is_taken(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    python(tmp_path / "bin", "python3", "exit 1")  # too new
    python(
        tmp_path / "bin",
        "python3.12",
        '[ "$2" != venv ] || { mkdir -p "$3/bin"; ln -s "$(type -P true)" "$3/bin/python"; }',
    )
    environment = {**os.environ, "VENV": str(venv), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    environment.pop("PYTHON", None)
    subprocess.run([SCRIPT], env=environment, check=True, capture_output=True)
    assert (venv / ".installed").exists()


def test_pip_comes_into_an_environment_of_uv(tmp_path: Path) -> None:
    python(tmp_path / "bin", "python", f'echo "$2" >> {tmp_path}/ran; [ "$3" != --version ]')
    environment = {**os.environ, "VENV": str(tmp_path)}
    subprocess.run([SCRIPT], env=environment, check=True, capture_output=True)
    assert (tmp_path / "ran").read_text().split()[-3:] == ["pip", "ensurepip", "pip"]


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
