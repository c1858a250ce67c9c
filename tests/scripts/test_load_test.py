"""The load test: perf_analyzer itself against the embedded Triton, and what is made of it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converter import InputError
from scripts import load_test, perf_analyzer
from scripts.embedded_triton import EmbeddedTriton
from scripts.load_report import Point, explain
from scripts.load_test import INPUTS, main, write_data
from scripts.perf_analyzer import PerfAnalyzer
from tests.scripts.without_python import without_python

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "load_test.sh"
POINT = Point(
    model="pose_classification",
    protocol="http",
    batch=1,
    concurrency=1,
    sequences_per_second=50.0,
    p50=20.0,
    p90=22.0,
    p99=30.0,
    queue=1.0,
    network=15.0,
    other_steps=3.0,
    transport=1.0,
    mean_batch=1.0,
)


@pytest.fixture(scope="module")
def analyzer() -> PerfAnalyzer:
    try:
        return PerfAnalyzer.find()
    except InputError as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_a_sweep_on_a_running_server(
    analyzer: PerfAnalyzer,
    triton: EmbeddedTriton,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = ["--http", triton.http_url, "--grpc", triton.grpc_url]
    server += ["--metrics", triton.metrics_url]
    sweep = ["--quick", "--window", "1000", "--concurrency", "2", "--batch", "4"]
    assert main([*server, *sweep, "--output", str(tmp_path)]) == 0
    with (tmp_path / "load_test.csv").open() as file:
        rows = list(csv.DictReader(file))
    combinations = {(row["model"], row["protocol"], row["batch"]) for row in rows}
    assert combinations == {(m, p, "4") for m in INPUTS for p in ("http", "grpc")}
    for row in rows:
        values = {key: float(row[key]) for key in row if key not in ("model", "protocol")}
        assert values["sequences_per_second"] > 1
        assert 0 < values["p50"] <= values["p90"] <= values["p99"]
        assert values["network"] > 0
        assert values["mean_batch"] == pytest.approx(1, abs=0.05)  # of 100 frames, one a run
        assert (values["other_steps"] > 0) == (row["model"] == "pose_classification")
    assert (tmp_path / "throughput_latency.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "A lone request (pose_classification, " in said
    assert "At the highest throughput" in said and "the largest part is" in said


def test_a_failing_perf_analyzer_is_told(
    analyzer: PerfAnalyzer,
    triton: EmbeddedTriton,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)  # of the folder of the results
    nobody = ["--http", "127.0.0.1:9", "--grpc", triton.grpc_url, "--protocols", "http"]
    assert main([*nobody, "--quick"]) == 1
    assert "perf_analyzer failed" in capsys.readouterr().err
    assert main(["--http", triton.http_url, "--grpc", "127.0.0.1:9", "--quick"]) == 1
    assert "127.0.0.1:9: " in capsys.readouterr().err
    server = ["--http", triton.http_url, "--grpc", triton.grpc_url]
    assert main([*server, "--metrics", "127.0.0.1:9", "--quick"]) == 1
    assert capsys.readouterr().err.startswith("load_test: http://127.0.0.1:9/metrics: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--http", "127.0.0.1:8000"], "give both"),
        (["--frames", "5000", "--http", "a:1", "--grpc", "a:2"], "got 10, 5000, 300"),
        (["--output", "file"], "file cannot be made (File exists): give another folder"),
        (["--concurrency", "0"], "argument --concurrency: '0' is not a whole number above 0"),
        (["--batch", "1", "0"], "argument --batch: '0' is not a whole number above 0"),
        (["--window", "-5"], "argument --window: '-5' is not a whole number above 0"),
        (["--out", "x"], "unrecognized arguments: --out x (see scripts/load_test.sh --help)"),
        (["--fast"], "unrecognized arguments: --fast (see scripts/load_test.sh --help)"),
    ],
)
def test_mistakes(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    monkeypatch.setattr(PerfAnalyzer, "find", lambda: PerfAnalyzer(("false",)))
    monkeypatch.setattr(load_test, "EmbeddedTriton", None)
    assert main(options) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_an_interrupt_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> list[Point]:
        raise KeyboardInterrupt

    monkeypatch.setattr(PerfAnalyzer, "find", lambda: PerfAnalyzer(("false",)))
    monkeypatch.setattr(load_test, "measure", interrupt)
    assert main(["--http", "a:1", "--grpc", "a:2", "--output", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "load_test: interrupted\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_of_the_script_installs_nothing(flag: str, tmp_path: Path) -> None:
    done = without_python(SCRIPT, flag, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "scripts/load_test.sh [--http HOST:PORT" in done.stdout


@pytest.mark.parametrize("model", INPUTS)
def test_data_are_real_sequences(model: str, tmp_path: Path) -> None:
    entries = json.loads(write_data(tmp_path, model, 60).read_text())["data"]
    shape = [60, 34, 4] if model == "pose_classification" else [3, 60, 34, 1]
    assert len(entries) >= 16  # a full batch of different ones
    for entry in entries:
        tensor = entry[INPUTS[model]]
        assert tensor["shape"] == shape
        assert np.ptp(np.reshape(tensor["content"], shape)) > 0


def test_time_is_split_by_the_servers_statistics() -> None:
    ms = 1_000_000
    row = {
        "Concurrency": "2",
        "Inferences/Second": "80",
        "Client Send": "100",
        "Client Recv": "100",
    }
    row |= {"Network+Server Send/Recv": "4800", "Server Queue": ""}
    row |= {f"Server Compute {part}": "10000" for part in ("Input", "Infer", "Output")}
    row |= {"p50 latency": "24000", "p90 latency": "25000", "p99 latency": "26000"}

    def step(queue: int, compute: int) -> dict[str, int]:
        return {"requests": 10, "executions": 5, "queue": queue * ms, "compute": compute * ms}

    spent = {
        "pose_classification": step(500, 500),  # the sum of the others, not to be counted twice
        "pose_classification_preprocess": step(10, 20),
        "pose_classification_tao": step(50, 160),
        "idle": {"requests": 0, "executions": 0, "queue": 0, "compute": 0},
        "warmed up": {"requests": 0, "executions": 1, "queue": 0, "compute": 9},
    }
    point = Point.of_report("pose_classification", "http", 4, row, spent)
    assert (point.queue, point.network, point.other_steps) == (6.0, 16.0, 2.0)
    assert point.transport == pytest.approx(35.0 - 24.0)
    assert (point.p50, point.p90, point.p99) == (24.0, 25.0, 26.0)
    assert (point.mean_batch, point.concurrency) == (8.0, 2)


def test_the_explanation_names_the_largest_part() -> None:
    crowded = replace(POINT, concurrency=8, sequences_per_second=60.0, queue=90.0)
    lone, best, why = explain([crowded, POINT])
    assert "queue 1.0 ms (5 %), network 15.0 ms (75 %)" in lone
    assert "60 sequences/s (http, batch 1, 8 at a time)" in best
    assert "largest part is queue" in why


def test_a_program_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "perf_analyzer"
    own.write_text("#!/bin/sh\necho $2\n")
    own.chmod(0o755)
    monkeypatch.setenv("PERF_ANALYZER", str(own))
    assert PerfAnalyzer.find().run("-m", "it") == "it\n"
    monkeypatch.setenv("PERF_ANALYZER", "nowhere")
    with pytest.raises(InputError, match="PERF_ANALYZER is nowhere: no such file"):
        PerfAnalyzer.find()
    monkeypatch.setenv("PERF_ANALYZER", "container")
    monkeypatch.setenv("TRITON_TAG", "27.01-py3")
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert PerfAnalyzer.find().command[-2:] == (
        "nvcr.io/nvidia/tritonserver:27.01-py3-sdk",
        "perf_analyzer",
    )


def test_what_cannot_be_fetched_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PERF_ANALYZER", raising=False)
    monkeypatch.setattr("shutil.which", lambda name, **_: None)
    monkeypatch.setattr(perf_analyzer, "WHEELS", ("no-such-distribution-of-tritonclient==0",))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(InputError, match=r"PyPI cannot be reached.*set PERF_ANALYZER"):
        PerfAnalyzer.find(tmp_path)
    assert list(tmp_path.iterdir()) == []
