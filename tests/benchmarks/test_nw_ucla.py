"""The benchmark on a data set of the same form, small enough for a test."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.nw_ucla import ARCHIVE, FIGURES, RESULTS, STREAMS, Run, main, show, to_do
from training.pose_classification.importers.nw_ucla import ACTIONS

SMALL = ("model.base_channels=8", "dataset.batch_size=10", "dataset.num_workers=0",
         "dataset.num_test_clips=1", "train.checkpoint_interval=1",
         "train.validation_interval=1")  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def data(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    with zipfile.ZipFile(folder / ARCHIVE, "w") as archive:
        for action in ACTIONS:
            for view in (1, 2, 3):
                name = f"{action}_s01_e00_v{view:02d}"
                skeletons = rng.normal(size=(int(rng.integers(3, 12)), 20, 3)).round(4).tolist()
                content = json.dumps({"file_name": name, "skeletons": skeletons})
                archive.writestr(f"nw_ucla/{name}.json", content)
    return folder


def bench(data: Path, epochs: int, *arguments: str) -> list[dict]:
    results = data.parent / "results.json"
    overrides = (*SMALL, f"train.num_epochs={epochs}")
    main(["--data", str(data), "--work", str(data.parent / "work"), "--results", str(results),
          *arguments, "--set", *overrides])  # fmt: skip
    return json.loads(results.read_text())


@pytest.mark.slow
def test_recipes_are_run_once(data, capsys):
    results = bench(data, 2, "--seeds", "1")
    assert [(r["recipe"], r["seed"], r["split"]) for r in results] == [
        ("tao", 1, "cross-view"),
        ("strong", 1, "cross-view"),
        ("views", 1, "cross-view"),
    ]
    for result in results:
        assert all(0 <= result[name] <= 1 for name in FIGURES)
        assert round(result["accuracy"] * 10) == pytest.approx(result["accuracy"] * 10)
    assert "NW-UCLA cross-view" in capsys.readouterr().out
    logs = {path: path.stat().st_mtime_ns for path in (data.parent / "work").rglob("status.json")}
    assert bench(data, 2, "--seeds", "1") == results
    assert logs == {path: path.stat().st_mtime_ns for path in logs}
    more = bench(
        data, 2, "--seeds", "1", "--recipes", "strong", "--streams", "bone", "--validation"
    )
    assert more[:3] == results
    assert [(r["stream"], r["split"]) for r in more[3:]] == [
        ("bone", "validation"),
        ("bone", "validation-reverse"),
    ]


@pytest.mark.slow
def test_four_streams_are_fused(data):
    results = bench(data, 1, "--seeds", "1", "--recipes", "strong", "--fuse")
    assert [r["stream"] for r in results] == [*STREAMS, "fused"]
    work = data.parent / "work"
    logits = [np.load(folder / "logits.npy") for folder in sorted(work.glob("*/evaluate"))]
    assert {stream.shape for stream in logits} == {(len(ACTIONS), len(ACTIONS))}
    powers = [np.exp(stream - stream.max(axis=1, keepdims=True)) for stream in logits]
    mean = sum(power / power.sum(axis=1, keepdims=True) for power in powers)
    right = mean.argmax(axis=1) == np.arange(len(ACTIONS))
    assert results[-1]["accuracy"] == pytest.approx(right.mean())


def test_runs_that_are_known_are_told(data, capsys):
    results = data.parent / "results.json"
    known = {**asdict(Run("tao", "joint", 1, "cross-view", ())), "minutes": 1.0}
    results.write_text(json.dumps([known | dict.fromkeys(FIGURES, 0.5)]))
    main(["--data", str(data), "--results", str(results), "--recipes", "tao", "--seeds", "1"])
    assert f"1 of 1 runs were known from {results}; name another --results" in (
        capsys.readouterr().out
    )


def test_streams_without_logits_are_run_again_for_fusing(tmp_path):
    runs = [Run("views", stream, 1, "cross-view", ()) for stream in (*STREAMS, "fused")]
    results = [asdict(run) | {"overrides": []} for run in runs[:2]]
    logits = tmp_path / runs[0].name / "evaluate" / "logits.npy"
    logits.parent.mkdir(parents=True)
    logits.touch()
    assert to_do(runs, results, tmp_path) == runs[1:]
    assert to_do(runs[:4], results, tmp_path) == runs[2:4]
    everything = [asdict(run) | {"overrides": []} for run in runs]
    assert to_do(runs, everything, tmp_path) == []


@pytest.mark.parametrize(
    ("content", "folder", "message"),
    [("[]", "nowhere", f"nowhere/{ARCHIVE}: no such file"), ("{", "data", "cannot hold the resul")],
)
def test_mistakes_are_found_before_anything_is_trained(data, content, folder, message, capsys):
    (data.parent / "results.json").write_text(content)
    places = {"--data": folder, "--results": "results.json", "--work": "work"}
    words = [word for flag, name in places.items() for word in (flag, str(data.parent / name))]
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert message in capsys.readouterr().err
    assert not (data.parent / "work").exists()


def test_folder_names_fit_a_file_system():
    runs = [
        Run("strong", "joint", 1, "cross-view", tuple(f"train.option{n}=1" for n in range(count)))
        for count in (0, 2, 40, 41)
    ]
    names = [run.name for run in runs]
    assert names[:2] == [
        "strong-joint-seed1-cross-view",
        "strong-joint-seed1-cross-view-train.option0=1-train.option1=1",
    ]
    assert [len(name) for name in names[2:]] == [240, 240]
    assert len(set(names)) == 4


def test_the_table_says_it_all(capsys):
    results = json.loads(RESULTS.read_text())
    show(results)
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    rows = [line for line in lines if line.startswith(("tao ", "strong ", "views "))]
    assert len([row for row in rows if " mean " not in row]) == len(results)
    assert any(line.startswith("views joint mean 92.5 ± 0.2") for line in lines)
    legend = next(line for line in lines if "train.num_epochs=65 train.optim.lr_steps=[50]" in line)
    number = legend.split()[0]
    assert any(line.startswith(f"views {number} joint mean 92.7 ± 0.9") for line in lines)
    assert any(line.startswith(f"views {number} fused 1 95.91") for line in lines)
    assert "…" not in out
