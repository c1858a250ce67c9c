"""The client without a network: JSON in, JSON with actions out, on a model that answers at once.

    python -m benchmarks.client [--quick]

Documents of growing length go through the real client (a process of its own) and a real Triton
whose models answer a constant. `MB/CPU s` is the document's size over the processor time of the
client's process, user and system, all its threads: what one core sustains. Then the ways to move a
batch of sequences: HTTP, gRPC and system shared memory over HTTP, as bare calls.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
from rich.table import Table

from benchmarks._null import write_null_models
from benchmarks._report import console, write_report
from benchmarks._served import ENSEMBLE, NETWORK
from benchmarks._shared import SharedArray
from benchmarks.convert_annotate import write_document
from client import annotate
from converter.deepstream import Style
from scripts.embedded_triton import EmbeddedTriton

FULL = (25_000, 50_000, 100_000, 200_000)  # object-frames
QUICK = (4_000, 8_000)


@dataclass(frozen=True)
class Run:
    """One document.

    Attributes:
        model: Name of the model.
        protocol: `http` or `grpc`.
        style: How the document was written.
        object_frames: Persons in frames.
        megabytes: Size of the document.
        seconds: Wall time of the client, start of the interpreter not counted.
        cpu_seconds: Processor time of the client's process.
        megabytes_per_cpu_second: What one core sustains.
        peak_megabytes: Largest resident memory.
    """

    model: str
    protocol: str
    style: str
    object_frames: int
    megabytes: float
    seconds: float
    cpu_seconds: float
    megabytes_per_cpu_second: float
    peak_megabytes: float


@dataclass(frozen=True)
class Call:
    """One way to move a batch: milliseconds of a call, median, and processor time of the caller."""

    way: str
    megabytes: float
    ms: float
    cpu_ms: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small documents, no results file")
    parser.add_argument("--job", nargs=6, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.job:
        return job(*given.job)
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "model_repository"
        write_null_models(repository)
        with EmbeddedTriton(repository) as triton:
            runs = documents(triton, Path(folder), QUICK if given.quick else FULL)
            calls = ways(triton, 10 if given.quick else 200)
    show(runs, calls)
    if not given.quick:
        write_report("client", {"runs": [*map(asdict, runs)], "calls": [*map(asdict, calls)]})
    return 0


def documents(triton: EmbeddedTriton, folder: Path, sizes: Sequence[int]) -> list[Run]:
    """Growing documents on the ensemble's stand-in; the longest but one in other ways too."""
    runs = []
    for count in sizes:
        source = folder / "document.json"
        write_document(source, count)
        ways = [(ENSEMBLE, "http", "verbatim"), (ENSEMBLE, "http", "nvidia")]
        if count == sizes[-2]:
            ways += [
                (ENSEMBLE, "http", "compact"),
                (ENSEMBLE, "grpc", "verbatim"),
                (NETWORK, "http", "verbatim"),
                (NETWORK, "grpc", "verbatim"),
            ]
        for model, protocol, style in ways:
            url = triton.http_url if protocol == "http" else triton.grpc_url
            target = folder / "out.json"
            words = [str(source), str(target), url, protocol, model, style]
            command = [sys.executable, "-m", "benchmarks.client", "--job", *words]
            target.unlink(missing_ok=True)  # replacing it would cost half a second of the kernel
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            figures = json.loads(done.stdout)
            size = source.stat().st_size / 1e6
            figures["megabytes_per_cpu_second"] = size / figures["cpu_seconds"]
            runs.append(Run(model, protocol, style, count, size, **figures))
    return runs


def job(source: str, target: str, url: str, protocol: str, model: str, style: Style) -> int:
    """Label one document in this process, and print what it took."""
    started, cpu = time.perf_counter(), os.times()
    annotate(source, target, style=style, url=url, protocol=protocol, model=model, batch_size=16)
    now = os.times()
    figures = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": now.user + now.system - cpu.user - cpu.system,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }
    sys.stdout.write(json.dumps(figures))
    return 0


def ways(triton: EmbeddedTriton, count: int) -> list[Call]:
    """Call the bare null network with 16 sequences of 300 frames, in turns."""
    clips = np.random.default_rng(0).normal(size=(16, 3, 300, 34, 1)).astype(np.float32)
    http = tritonclient.http.InferenceServerClient(triton.http_url)
    grpc = tritonclient.grpc.InferenceServerClient(triton.grpc_url)
    calls: dict[str, Callable[[], object]] = {
        "HTTP": lambda: http.infer(NETWORK, tensors(tritonclient.http, clips)),
        "gRPC": lambda: grpc.infer(NETWORK, tensors(tritonclient.grpc, clips)),
    }
    with SharedArray(tritonclient.http, http, clips) as shared:

        def by_name() -> object:
            shared.write()
            return http.infer(NETWORK, [shared.tensor("input")])

        calls["HTTP, shared memory"] = by_name
        times: dict[str, list[tuple[float, float]]] = {way: [] for way in calls}
        for number in range(count + 3):
            for way, call in calls.items():
                started, cpu = time.perf_counter(), time.process_time()
                call()
                taken = time.perf_counter() - started, time.process_time() - cpu
                if number >= 3:
                    times[way].append(taken)
    http.close()
    grpc.close()
    medians = {way: np.median(pairs, axis=0) * 1000 for way, pairs in times.items()}
    return [Call(way, clips.nbytes / 1e6, *map(float, pair)) for way, pair in medians.items()]


def tensors(library: Any, clips: np.ndarray[Any, Any]) -> list[Any]:
    """The clips as an input of either library."""
    return [library.InferInput("input", clips.shape, "FP32").set_data_from_numpy(clips)]


def show(runs: Sequence[Run], calls: Sequence[Call]) -> None:
    """Print both tables."""
    names = ("model", "protocol", "written", "object-frames", "MB", "s", "CPU s", "MB/CPU s")
    table = Table(*names, "peak MB")
    for run in runs:
        cells = run.model, run.protocol, run.style, f"{run.object_frames:,}"
        figures = f"{run.megabytes:.0f}", f"{run.seconds:.2f}", f"{run.cpu_seconds:.2f}"
        rates = f"{run.megabytes_per_cpu_second:.0f}", f"{run.peak_megabytes:.0f}"
        table.add_row(*cells, *figures, *rates)
    console().print(table)
    table = Table("way to move a batch", "MB", "ms a call", "CPU ms of the caller")
    for call in calls:
        table.add_row(call.way, f"{call.megabytes:.1f}", f"{call.ms:.2f}", f"{call.cpu_ms:.2f}")
    console().print(table)
    for style in ("verbatim", "nvidia"):
        way = ENSEMBLE, "http", style
        grown = [run for run in runs if (run.model, run.protocol, run.style) == way]
        growth = [run.cpu_seconds / run.object_frames for run in grown]
        spread = max(growth) / statistics.median(growth)
        console().print(
            f"{style}: an object-frame costs at most {spread:.2f} times the median of the lengths"
        )


if __name__ == "__main__":
    raise SystemExit(main())
