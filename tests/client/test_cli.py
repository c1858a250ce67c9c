"""The command: ways to start it, exit codes, one line for each error, light imports."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from client.cli import main
from client.pipeline import Ranked, Result
from client.progress import show_progress
from tests.interrupted import interrupted

ROOT = Path(__file__).resolve().parents[2]
WAYS_TO_START = {
    "script": [str(ROOT / "client/tao_client.py")],
    "module": ["-m", "client"],
}


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=cwd, capture_output=True, text=True)


@pytest.mark.parametrize("way", WAYS_TO_START)
def test_help(way: str) -> None:
    answer = run(*WAYS_TO_START[way], "--help")
    assert answer.returncode == 0
    assert "--dataset_convert_config" in answer.stdout


def test_the_script_runs_from_anywhere(tmp_path: Path) -> None:
    assert run(*WAYS_TO_START["script"], "--help", cwd=tmp_path).returncode == 0
    assert run("tao_client.py", "--help", cwd=ROOT / "client").returncode == 0


def test_an_interrupt_while_the_script_loads_is_silent() -> None:
    assert interrupted(WAYS_TO_START["script"][0], "client.cli") == (130, "")


def test_the_installed_command() -> None:
    command = Path(sys.executable).with_name("tao_client")
    assert subprocess.run([command, "--help"], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no input: name a .npy array"),
        (["absent.npy"], "absent.npy: no such file or folder"),
        (["absent.npy", "--mode", "DetectNet_v2"], "--mode DetectNet_v2 is not served here"),
        (["absent.npy", "-i", "ftp"], "unknown protocol 'ftp'"),
        (["absent.npy", "--streaming"], "Streaming is only allowed with gRPC protocol"),
        (["absent.npy", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["\x1b[31mabsent\n.npy"], "?[31mabsent .npy: no such file or folder"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], message: str) -> None:
    answer = run("-m", "client", *words)
    assert answer.returncode == 2
    (line,) = answer.stderr.splitlines()
    assert re.match(r"\d{4}-\d\d-\d\d .* \[ERROR\] client\.cli: ", line)
    assert message in line


@pytest.mark.parametrize("flags", [[], ["-v"]])
def test_an_unexpected_failure_is_one_line_unless_verbose(
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("client.cli.find_sources", broken)
    assert main(["a.npy", *flags]) == 1
    text = capsys.readouterr().err
    assert "unexpected ZeroDivisionError: of all things" in text
    assert ("Traceback" in text) == bool(flags)
    assert len(text.splitlines()) == 1 or flags


def test_starting_loads_nothing_heavy() -> None:
    code = (
        "import sys, client.cli; print(*{name.partition('.')[0] for name in sys.modules}"
        " & {'torch', 'grpc', 'aiohttp', 'gevent', 'tritonclient', 'rich', 'pydantic'})"
    )
    assert run("-c", code).stdout.strip() == ""


def test_progress_shows_on_a_terminal_only() -> None:
    code = (
        "import sys; sys.path.insert(0, '.');"
        "from client.progress import show_progress;"
        "from tests.client.test_cli import RESULTS;"
        "print(len(list(show_progress(RESULTS, lambda result: result.index / 3))))"
    )
    silent = run("-c", code)
    assert (silent.stdout, silent.stderr) == ("3\n", "")
    reading, writing = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=writing,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"TERM": "xterm"},
    ) as shown:
        os.close(writing)
        drawn = b""
        while block := read_terminal(reading):
            drawn += block
        assert shown.stdout is not None
        assert shown.stdout.read() == b"3\n"
    assert b"67%" in drawn


def test_progress_needs_no_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert list(show_progress(RESULTS, lambda _: 0.5)) == RESULTS


def read_terminal(end: int) -> bytes:
    try:
        return os.read(end, 1 << 16)
    except OSError:  # Linux's way to say that the other end is closed
        return b""


RESULTS = [Result(index, (Ranked(1.0, 0, "sitting"),), 1.0) for index in range(3)]
