"""The network on the CPU: forms of the graph, FP32 and INT8, against the machine's own peak.

`as trained` is the graph that TAO exports: 1x1 convolutions, then einsum with the adjacency,
batch norms of their own. `deployed` gathers first and has its batch norms folded; `int8` is that,
quantised on the sample sequences. All run in ONNX Runtime, in turns, so that whatever else the
machine does meets all of them. Peaks are those of its own matrix product, FP32 and INT8.

    python -m benchmarks.network [--quick] [--threads 2] [--arrays DIR]

DIR holds the arrays of `python -m training.recipes.six_class` (`results/six_class_3dbp/arrays`);
with it, the accuracy of the shipped FP32 and INT8 files on held-out people is measured too.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from rich.table import Table

from benchmarks._gemm import peaks
from benchmarks._graph import macs
from benchmarks._report import console, write_report
from training.pose_classification.build import build_model
from training.pose_classification.deploy import DeployNet
from training.pose_classification.labels import read_labels
from training.pose_classification.onnx_model import INPUT, InputShape, to_onnx
from training.pose_classification.quantise import to_int8
from training.pose_classification.skeleton_net import SkeletonNet
from training.pose_classification.spec import ModelSpec

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "model_repository/pose_classification_tao/1"
SHAPE = InputShape(channels=3, joints=34)
CASES = ((1, 300), (4, 300), (1, 100), (4, 100))  # sequences, frames
TESTS = ("test", "test_30_frames", "test_60_frames", "test_100_frames", "test_300_frames")


@dataclass(frozen=True)
class Row:
    """One form of one network on sequences of one length.

    Attributes:
        network: `ST-GCN` and `ST-GCN++` as TAO sizes them, with random weights, or `shipped`.
        form: `as trained`, `deployed` or `int8`.
        batch: Sequences in a run.
        frames: T.
        gmacs: 1e9 multiplications with addition for a sequence.
        ms: Median milliseconds for a sequence.
        gflops: 1e9 operations (two for a multiplication with addition) in a second.
        of_peak: Share of the peak of its data type.
        speed_up: Against `as trained` (`deployed` where there is none), median of the rounds.
    """

    network: str
    form: str
    batch: int
    frames: int
    gmacs: float
    ms: float
    gflops: float
    of_peak: float
    speed_up: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="runs of each form")
    parser.add_argument("--threads", type=int, default=2, help="threads of ONNX Runtime")
    parser.add_argument("--arrays", type=Path, help="measure accuracy on these, too")
    parser.add_argument("--quick", action="store_true", help="one run of each, no results file")
    given = parser.parse_args(argv)
    for name in TESTS if given.arrays else ():
        if not (given.arrays / f"{name}.npy").is_file():
            parser.error(f"{given.arrays / name}.npy: no such file; the recipe six_class makes it")
    models = shipped() if given.quick else {**shipped(), **of_taos_size()}
    peak = peaks(given.threads, 1 if given.quick else 10)
    rows = measure(models, given.threads, 1 if given.quick else given.rounds, peak)
    show(rows, peak)
    accuracy = {}
    if given.arrays:
        accuracy = {
            form: accuracies(models["shipped", form], given.arrays) for form in ("deployed", "int8")
        }
        show_accuracy(accuracy)
    if not given.quick:
        facts = {"threads": given.threads, "peak_gflops": peak, "accuracy": accuracy}
        write_report("network", facts | {"rows": [asdict(row) for row in rows]})
    return 0


Models = dict[tuple[str, str], onnx.ModelProto]


def shipped() -> Models:
    """The two files in the model repository."""
    return {
        ("shipped", "deployed"): onnx.load(SHIPPED / "model.onnx"),
        ("shipped", "int8"): onnx.load(SHIPPED / "model.int8.onnx"),
    }


def of_taos_size() -> Models:
    """ST-GCN and ST-GCN++ as large as TAO's, with random weights."""
    models: Models = {}
    sequences = np.load(ROOT / "samples/segments.npy", mmap_mode="r", allow_pickle=False)
    for network in ("ST-GCN", "ST-GCN++"):
        net = untrained(network)
        models[network, "as trained"] = to_onnx(net, SHAPE)
        models[network, "deployed"] = to_onnx(DeployNet(net), SHAPE)
        models[network, "int8"] = to_int8(models[network, "deployed"], sequences)
    return models


def untrained(network: str) -> SkeletonNet:
    """A network of TAO's size with random weights, the same each time."""
    torch.manual_seed(0)
    spec = ModelSpec.model_validate({"model_type": network, "padding": "mask"})
    return build_model(spec, 6).eval()


def session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    """Open a graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def measure(models: Models, threads: int, rounds: int, peak: dict[str, float]) -> list[Row]:
    """Time every form on every case, in turns."""
    runs: dict[tuple[str, str, int, int], Callable[[], Any]] = {}
    for (network, form), model in models.items():
        runner = session(model, threads)
        for batch, frames in CASES:
            feed = {INPUT: moving(batch, frames)}
            runs[network, form, batch, frames] = _run(runner, feed)
    for run in runs.values():
        run()
    times: dict[tuple[str, str, int, int], list[float]] = {case: [] for case in runs}
    for _ in range(rounds):
        for case, run in runs.items():
            started = time.perf_counter()
            run()
            times[case].append(time.perf_counter() - started)
    cost = {
        (name, batch, frames): macs(model, batch, frames) / batch / 1e9
        for name, model in models.items()
        for batch, frames in CASES
    }
    rows = []
    for (network, form, batch, frames), seconds in times.items():
        base = "as trained" if (network, "as trained") in models else "deployed"
        ratios = np.divide(times[network, base, batch, frames], seconds)
        own = statistics.median(seconds) / batch
        gmacs = cost[(network, form), batch, frames]
        top = peak["int8" if form == "int8" else "fp32"]
        speed = 2 * gmacs / own
        rows.append(
            Row(
                network=network,
                form=form,
                batch=batch,
                frames=frames,
                gmacs=gmacs,
                ms=own * 1000,
                gflops=speed,
                of_peak=speed / top,
                speed_up=float(np.median(ratios)),
            )
        )
    return rows


def _run(runner: onnxruntime.InferenceSession, feed: dict[str, Any]) -> Callable[[], Any]:
    return lambda: runner.run(None, feed)


def moving(batch: int, frames: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Smooth random poses without padding."""
    clip = SHAPE.example(batch, -(-4 * frames // 3)).numpy()
    return np.ascontiguousarray(clip[:, :, :frames])


def accuracies(model: onnx.ModelProto, arrays: Path) -> dict[str, float]:
    """Percent right on each test of the recipe."""
    runner = session(model, 1)
    found = {}
    for name in TESTS:
        sequences = np.load(arrays / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        truth = read_labels(arrays / f"{name}.json").ids
        parts = []
        for start in range(0, len(sequences), 16):
            clips = sequences[start : start + 16]
            last = np.flatnonzero(clips.any(axis=(0, 1, 3, 4)))[-1]  # padding changes nothing
            clips = np.ascontiguousarray(clips[:, :, : last + 1])
            parts.append(runner.run(None, {INPUT: clips})[0])
        found[name] = 100 * float((np.concatenate(parts).argmax(axis=1) == truth).mean())
    return found


def show(rows: Sequence[Row], peak: dict[str, float]) -> None:
    """Print the times."""
    screen = console()
    table = Table("network", "form", "batch", "frames", "GMAC", "ms/sequence", "GFLOP/s")
    table.add_column("of peak")
    table.add_column("speed-up")
    for row in rows:
        figures = f"{row.gmacs:.2f}", f"{row.ms:.1f}", f"{row.gflops:.0f}", f"{row.of_peak:.0%}"
        cells = row.network, row.form, str(row.batch), str(row.frames)
        table.add_row(*cells, *figures, f"{row.speed_up:.2f}")
    screen.print(table)
    screen.print(f"peak of a matrix product: {peak['fp32']:.0f} GFLOP/s, {peak['int8']:.0f} INT8")


def show_accuracy(accuracy: dict[str, dict[str, float]]) -> None:
    """Print the accuracies."""
    table = Table("shipped network", *TESTS, "mean")
    for form, found in accuracy.items():
        mean = statistics.mean(found.values())
        table.add_row(form, *(f"{found[name]:.2f}" for name in TESTS), f"{mean:.2f}")
    console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
