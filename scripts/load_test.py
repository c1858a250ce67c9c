"""Load test: perf_analyzer on real sequences, and what the server says of where the time went.

    scripts/load_test.sh [--http HOST:PORT --grpc HOST:PORT] [--quick]

Both protocols, the ensemble and the bare network, several concurrencies and batch sizes. Writes
`load_test.csv` and `throughput_latency.png` to `--output`.
"""

from __future__ import annotations

import contextlib
import csv
import http.client
import itertools
import json
import re
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tritonclient.grpc
from rich.console import Console
from rich.progress import track
from tritonclient.utils import InferenceServerException

from converter import ConvertConfig, InputError, network_input
from converter.command_line import Parser
from converter.deepstream import AnnotationJob
from scripts.command import count, make_folder, program
from scripts.embedded_triton import EmbeddedTriton
from scripts.load_report import NETWORK, Point, draw, explain, table
from scripts.perf_analyzer import PerfAnalyzer
from scripts.triton_wheel import ROOT

DOCUMENT = ROOT / "samples/walk_sit_getup.json"
INPUTS = {"pose_classification": "keypoints", "pose_classification_tao": "input"}
PROTOCOLS = ("http", "grpc")
ANY_STABILITY = "999"  # percent: three windows are enough, however much they differ


@dataclass(frozen=True)
class Servers:
    """Where the server listens; the embedded one's network counts its times in the metrics."""

    http: str
    grpc: str
    metrics: str | None = None


@dataclass(frozen=True)
class Sweep:
    """What to measure.

    Attributes:
        models: Names of models.
        protocols: `http`, `grpc`.
        concurrencies: Requests under way at a time.
        batches: Sequences in a request.
        window: Milliseconds of one of perf_analyzer's three or more windows.
        stability: By how many percent three windows may differ.
        shared_memory: Let the inputs travel in system shared memory.
    """

    models: Sequence[str]
    protocols: Sequence[str]
    concurrencies: Sequence[int]
    batches: Sequence[int]
    window: int
    stability: str
    shared_memory: bool = False


@program("load_test")
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = parser().parse_args(argv)
    console = Console(width=None if sys.stdout.isatty() else 120)
    if bool(given.http) != bool(given.grpc):
        raise InputError("--http and --grpc name the ports of one server: give both")
    sweep = Sweep(
        models=given.models,
        protocols=given.protocols,
        concurrencies=given.concurrency or ([1, 4] if given.quick else [1, 2, 4, 8, 16]),
        batches=given.batch or ([1] if given.quick else [1, 8]),
        window=given.window or (500 if given.quick else 2000),
        stability=ANY_STABILITY if given.quick else "15",
        shared_memory=given.shared_memory,
    )
    make_folder(given.output)
    analyzer = PerfAnalyzer.find()
    with contextlib.ExitStack() as running:
        if given.http:
            servers = Servers(given.http, given.grpc, given.metrics)
        else:
            triton = running.enter_context(EmbeddedTriton(given.repository))
            servers = Servers(triton.http_url, triton.grpc_url, triton.metrics_url)
        points = list(measure(analyzer, servers, sweep, given.frames))
    write(points, given.output)
    console.print(table(points))
    for line in explain(points):
        console.print(line, soft_wrap=True, highlight=False)
    console.print(f"written: {given.output}/load_test.csv, {given.output}/throughput_latency.png")
    return 0


def parser() -> Parser:
    """Make the parser."""
    p = Parser(prog="scripts/load_test.sh", description=__doc__.splitlines()[0], allow_abbrev=False)
    p.add_argument(
        "--http", metavar="HOST:PORT", help="HTTP of a running server; default: start one"
    )
    p.add_argument("--grpc", metavar="HOST:PORT", help="gRPC of the same server")
    p.add_argument("--metrics", metavar="HOST:PORT", help="its metrics, for an embedded server")
    p.add_argument(
        "--repository",
        type=Path,
        default=ROOT / "model_repository",
        metavar="FOLDER",
        help="model repository of the server to start (default: model_repository)",
    )
    p.add_argument(
        "--models", nargs="+", choices=INPUTS, default=list(INPUTS), help="default: both"
    )
    p.add_argument(
        "--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS), help="default: both"
    )
    p.add_argument(
        "--concurrency",
        nargs="+",
        type=count,
        metavar="N",
        help="requests in flight at a time (default 1 2 4 8 16)",
    )
    p.add_argument(
        "--batch", nargs="+", type=count, metavar="N", help="sequences in a request (default 1 8)"
    )
    p.add_argument(
        "--frames",
        type=int,
        default=100,
        metavar="N",
        help="frames in a sequence (default %(default)s)",
    )
    p.add_argument(
        "--window", type=count, metavar="MS", help="length of a measurement (default 2000)"
    )
    p.add_argument(
        "--shared-memory", action="store_true", help="pass inputs in system shared memory"
    )
    p.add_argument(
        "--quick", action="store_true", help="few points and short windows; the figures vary more"
    )
    p.add_argument(
        "--output",
        type=Path,
        default=Path("outputs/load_test"),
        metavar="FOLDER",
        help="folder for the results (default %(default)s)",
    )
    return p


def measure(analyzer: PerfAnalyzer, servers: Servers, sweep: Sweep, frames: int) -> Iterator[Point]:
    """Measure every combination; yields a point each."""
    with tempfile.TemporaryDirectory() as folder:
        data = {model: write_data(Path(folder), model, frames) for model in sweep.models}
        combinations = list(
            itertools.product(sweep.models, sweep.protocols, sweep.batches, sweep.concurrencies)
        )
        console = Console(stderr=True)
        shown = track(combinations, "Measuring", console=console, disable=not sys.stderr.isatty())
        for model, protocol, batch, concurrency in shown:
            report = Path(folder) / "report.csv"
            before = statistics(servers)
            analyzer.run(
                *("-m", model, "-i", protocol, "-u", getattr(servers, protocol)),
                *("-b", str(batch), "--concurrency-range", str(concurrency)),
                *("--input-data", str(data[model]), "-f", str(report)),
                *("--measurement-interval", str(sweep.window), "--max-trials", "10"),
                *("--stability-percentage", sweep.stability),
                *(("--shared-memory", "system") if sweep.shared_memory else ()),
            )
            with report.open(newline="") as file:
                (row,) = csv.DictReader(file)
            report.unlink()
            spent = {
                name: {part: value - before.get(name, {}).get(part, 0) for part, value in s.items()}
                for name, s in statistics(servers).items()
            }
            yield Point.of_report(model, protocol, batch, row, spent)


def write_data(folder: Path, model: str, frames: int) -> Path:
    """Real sequences of `frames` frames as perf_analyzer wants them."""
    config = ConvertConfig(sequence_length=frames, sequence_overlap=0.1)
    with AnnotationJob(DOCUMENT, config) as job:
        clips = [s.keypoints for s in job.segments() if len(s.keypoints) == frames]
    if INPUTS[model] == "input":
        clips = [network_input(clip, config)[:, :frames] for clip in clips]
    entries = [
        {INPUTS[model]: {"content": clip.ravel().tolist(), "shape": list(clip.shape)}}
        for clip in clips
    ]
    path = folder / f"{model}.json"
    path.write_text(json.dumps({"data": entries}))
    return path


def statistics(servers: Servers) -> dict[str, dict[str, int]]:
    """Counts, and nanoseconds of queue and compute, of every model since the server's start.

    Raises:
        RuntimeError: The server does not answer; names its address.
    """
    client = tritonclient.grpc.InferenceServerClient(servers.grpc)
    try:
        models = client.get_inference_statistics().model_stats
        found = {str(model.name): _spent(model) for model in models}
    except InferenceServerException as error:
        raise RuntimeError(f"{servers.grpc}: {error}") from error
    finally:
        client.close()
    own = _own_counts(servers.metrics) if servers.metrics else {}
    if own:
        found[NETWORK] = {
            "requests": own["requests"],
            "executions": own["runs"],
            "queue": own["queue_us"] * 1000,
            "compute": own["compute_us"] * 1000,
        }
    return found


def _own_counts(url: str) -> dict[str, int]:
    """What the embedded network counts itself (`1/model.py`); none for another backend's."""
    address = f"http://{url}/metrics"
    try:
        with urllib.request.urlopen(address, timeout=5) as page:
            text = page.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise RuntimeError(f"{address}: {error}") from error
    counts = re.findall(r"^pose_network_(\w+) (\S+)$", text, re.MULTILINE)
    return {name: int(float(value)) for name, value in counts}


def _spent(model: Any) -> dict[str, int]:
    parts = model.inference_stats
    compute = parts.compute_input.ns + parts.compute_infer.ns + parts.compute_output.ns
    return {
        "requests": int(parts.success.count),
        "executions": int(model.execution_count),
        "queue": int(parts.queue.ns),
        "compute": int(compute),
    }


def write(points: Sequence[Point], folder: Path) -> None:
    """Write the CSV and the picture."""
    with (folder / "load_test.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(asdict(points[0])))
        writer.writeheader()
        writer.writerows(map(asdict, points))
    draw(points, folder / "throughput_latency.png")


if __name__ == "__main__":
    raise SystemExit(main())
