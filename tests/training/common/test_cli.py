from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from datetime import datetime, tzinfo
from pathlib import Path

import pytest
import yaml
from pydantic import Field

from converter import InputError
from tests.interrupted import interrupted
from training.common.cli import Program, Task
from training.common.outcome import recorded
from training.common.results import ResultsDir, results_path, write_atomic
from training.common.spec import OptionalText, SpecModel, make_spec
from training.common.status import Status, StatusFile


class Work(SpecModel):
    results_dir: OptionalText = None
    outcome: str = Field(default="fine", description="How it ends.")


class Experiment(SpecModel):
    results_dir: OptionalText = Field(default="/results", description="Results.")
    encryption_key: OptionalText = Field(default=None, description="Key.")
    work: Work = Field(default=Work(), description="Work.")
    other: Work = Field(default=Work(), description="Other.")


def run(spec: Experiment, results: ResultsDir) -> None:
    """The task under test; the program imports this module to find it."""
    assert spec.encryption_key == "k"
    results.status.write(Status.RUNNING, "Working.", kpi={"loss": 0.5}, epoch=1)
    match spec.work.outcome:
        case "mistake":
            raise InputError("data.npy:\nno such \x1b[31mfile")
        case "failure":
            raise RuntimeError("out of\x1b\nmemory")
        case "silence":
            raise TimeoutError
        case "interrupt":
            raise KeyboardInterrupt
        case "leave":  # as Lightning does after Ctrl-C and SIGTERM
            raise SystemExit(0)


PROGRAM = Program("tool", "Tool", Experiment, (Task("work", "do it", __name__, ("work",)),))


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(f"results_dir: {tmp_path}/results\nencryption_key: k\n")
    return path


def status_lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "status.json").read_text().splitlines()]


def test_the_end_says_where_the_results_are(
    spec_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        assert PROGRAM.main(["work", "-e", str(spec_file)]) == 0
    assert caplog.messages[-1].startswith("work: done, the results are in ")


def test_status_and_experiment(spec_file: Path, tmp_path: Path) -> None:
    assert PROGRAM.main(["work", "-e", str(spec_file), "work.outcome=good"]) == 0
    folder = tmp_path / "results" / "work"
    lines = status_lines(folder)
    assert [line["status"] for line in lines] == ["STARTED", "RUNNING", "SUCCESS"]
    assert lines[0]["message"] == "Starting Tool work."
    assert lines[2]["message"] == "Work finished successfully."
    assert (lines[1]["kpi"], lines[1]["epoch"]) == ({"loss": 0.5}, 1)
    assert {"date", "time", "verbosity"} <= lines[0].keys()
    saved = yaml.safe_load((folder / "experiment.yaml").read_text())
    assert saved["work"]["outcome"] == "good"
    assert saved["encryption_key"] is None


@pytest.mark.parametrize(
    ("outcome", "code", "message"),
    [
        ("mistake", 2, "data.npy: no such \x1b[31mfile"),
        ("failure", 1, "RuntimeError: out of\x1b"),
        ("silence", 1, "TimeoutError"),
        ("interrupt", 130, "Interrupted."),
        ("leave", 130, "Interrupted."),
    ],
)
def test_endings(
    spec_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    outcome: str,
    code: int,
    message: str,
) -> None:
    assert PROGRAM.main(["work", "-e", str(spec_file), f"work.outcome={outcome}"]) == code
    last = status_lines(tmp_path / "results" / "work")[-1]
    assert (last["status"], last["verbosity"]) == ("FAILURE", "ERROR")
    assert last["message"] == message
    error = capsys.readouterr().err
    assert error.startswith("tool: ")
    assert error.count("\n") == 1 and "\x1b" not in error


def test_a_traceback_is_for_those_who_ask(
    spec_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = ["work", "-e", str(spec_file), "work.outcome=failure"]
    levels = {name: logging.getLogger(name).level for name in (None, "matplotlib")}
    try:
        for flags, told in (([], 0), (["--verbose"], 1)):
            assert PROGRAM.main([*words, *flags]) == 1
            assert sum(record.exc_info is not None for record in caplog.records) == told
        assert not logging.getLogger("matplotlib").isEnabledFor(logging.DEBUG)  # of every font
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def test_the_lines_of_a_status_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls(2026, 3, 21, 9, 5, 7)

    monkeypatch.setattr("training.common.status.datetime", Clock)
    status = StatusFile(tmp_path / "status.json")
    with recorded(status, "Tool", "dataset_convert"):
        status.write(Status.RUNNING, "Working.", kpi={})
    when = {"date": "3/21/2026", "time": "9:5:7", "verbosity": "INFO"}
    assert status_lines(tmp_path) == [
        {**when, "status": "STARTED", "message": "Starting Tool dataset_convert."},
        {**when, "status": "RUNNING", "message": "Working."},
        {**when, "status": "SUCCESS", "message": "Dataset convert finished successfully."},
    ]


def test_a_second_run_continues_status(spec_file: Path, tmp_path: Path) -> None:
    for _ in range(2):
        PROGRAM.main(["work", "-e", str(spec_file)])
    assert len(status_lines(tmp_path / "results" / "work")) == 6


def test_flags_of_older_tao(spec_file: Path, tmp_path: Path) -> None:
    arguments = ["work", "work.outcome=a", "-e", str(spec_file), "-k", "k", "-r", f"{tmp_path}/r"]
    assert PROGRAM.main([*arguments, "other.outcome=b"]) == 0
    saved = yaml.safe_load((tmp_path / "r" / "work" / "experiment.yaml").read_text())
    assert (saved["work"]["outcome"], saved["other"]["outcome"]) == ("a", "b")
    assert list(saved) == list(Experiment.model_fields)


@pytest.mark.parametrize("flag", ["-e", "--experiment_spec", "--experiment_spec_file"])
def test_names_of_the_spec_flag(spec_file: Path, tmp_path: Path, flag: str) -> None:
    assert PROGRAM.main(["work", flag, str(spec_file)]) == 0
    assert (tmp_path / "results" / "work").is_dir()


@pytest.mark.parametrize("rank", ["RANK", "LOCAL_RANK", "NODE_RANK"])
def test_only_the_main_process_writes(
    rank: str,
    spec_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(rank, "1")
    with caplog.at_level("INFO"):
        assert PROGRAM.main(["work", "-e", str(spec_file)]) == 0
    assert not (tmp_path / "results").exists()
    assert not caplog.messages


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["wrok"], "unknown task 'wrok'; did you mean 'work'?"),
        (["default_spec"], "unknown task 'default_spec'; did you mean 'default_specs'?"),
        (["default_specs", "-o", "/dev/null/x"], "/dev/null/x: cannot write: "),
        (["zzz"], "tasks: work"),
        (["work"], "the following arguments are required: -e"),
        (["work", "-e", "none.yaml"], "none.yaml: cannot read the spec"),
        (["work", "--nonsense", "-e", "x"], "unrecognized arguments: --nonsense"),
    ],
)
def test_mistakes(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert PROGRAM.main(arguments) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1


def test_unwritable_results(spec_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert PROGRAM.main(["work", "-e", str(spec_file), "results_dir=/dev/null/x"]) == 2
    assert "cannot write results here" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("-h", "--help"):
        assert PROGRAM.main([flag]) == 0
        assert "do it" in capsys.readouterr().out
    assert PROGRAM.main([]) == 2
    assert "do it" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        PROGRAM.main(["work", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "work.outcome=  (text; default fine)" in text
    assert "encryption_key=  (text" in text
    assert "other.outcome" not in text


def test_default_specs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert PROGRAM.main(["default_specs"]) == 0
    text = capsys.readouterr().out
    assert make_spec(Experiment, yaml.safe_load(text)) == Experiment()
    target = tmp_path / "spec.yaml"
    assert PROGRAM.main(["default_specs", "-o", str(target)]) == 0
    assert target.read_text() == text
    assert PROGRAM.main(["default_specs", "-o", str(target)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_what_a_terminal_of_few_characters_cannot_show(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, "ascii"))
    program = Program("tool", "Tool", Experiment, (Task("work", "§ 1", __name__, ()),))
    assert program.main(["--help"]) == 0
    sys.stdout.flush()
    assert b"  work  ? 1\n" in shown.getvalue()


def test_table_of_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert PROGRAM.main(["default_specs", "--table"]) == 0
    assert "| `work.outcome` | text | `fine` |  | How it ends. |" in capsys.readouterr().out


def test_results_path() -> None:
    assert results_path(Experiment(), "work") == Path("/results/work")
    unset = make_spec(Experiment, {}, ["results_dir="])
    assert results_path(unset, "work") == Path("/results/work")
    assert results_path(make_spec(Experiment, {}, ["results_dir=a"]), "work") == Path("a/work")
    overrides = ["results_dir=a", "work.results_dir=b"]
    assert results_path(make_spec(Experiment, {}, overrides), "work") == Path("b")


def test_write_atomic_keeps_the_old_file_on_failure(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def fail(stream: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, fail)
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_help_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "from training.pose_classification.cli import main\n"
        "main(['--help'])\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "package", ["training.bpnet", "training.common.engine", "training.pose_classification"]
)
def test_an_interrupt_while_a_command_loads_is_silent(package: str) -> None:
    assert interrupted(package, f"{package}.cli") == (130, "")
