"""Speed of the exported forms of a network in ONNX Runtime on the CPU, with random weights.

`as trained` is the graph that TAO exports: 1x1 convolutions, then einsum with the adjacency,
batch norms of their own. `deployed` gathers first and has its batch norms folded. Both are run
in turns, so that whatever else the machine does meets both. Times are medians over the rounds;
the speed-up is the median of each round's ratio to the graph as trained.

    python -m benchmarks.export_forms [--quick] [--rounds 20] [--threads 2]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from operator import truediv
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from rich.console import Console
from rich.table import Table

from training.pose_classification.build import build_model
from training.pose_classification.deploy import DeployNet
from training.pose_classification.onnx_model import INPUT, InputShape, to_onnx
from training.pose_classification.spec import ModelSpec

RESULTS = Path(__file__).parent / "results" / "export_forms.json"
SHAPE = InputShape(channels=3, joints=34)
Case = tuple[str, str, int, int]  # network, form, frames, batch


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="runs of each form")
    parser.add_argument("--threads", type=int, default=2, help="threads of ONNX Runtime and torch")
    parser.add_argument("--quick", action="store_true", help="one run of each, no results file")
    arguments = parser.parse_args(argv)
    rounds = 1 if arguments.quick else arguments.rounds
    torch.set_num_threads(arguments.threads)
    runs, nodes = prepare(arguments.threads)
    times: dict[Case, list[float]] = {case: [] for case in runs}
    for _ in range(rounds):
        for case, run in runs.items():
            start = time.perf_counter()
            run()
            times[case].append(time.perf_counter() - start)
    rows = []
    for (network, form, frames, batch), seconds in times.items():
        trained = times[network, "as trained", frames, batch]
        facts = {"network": network, "form": form, "frames": frames, "batch": batch}
        facts["nodes"] = nodes.get((network, form))
        facts["ms_per_sequence"] = statistics.median(seconds) * 1000 / batch
        facts["speed_up"] = statistics.median(map(truediv, trained, seconds))
        rows.append(facts)
    show(rows)
    if not arguments.quick:
        RESULTS.parent.mkdir(exist_ok=True)
        report = {"threads": arguments.threads, "cpus": os.cpu_count(), "rows": rows}
        RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def prepare(threads: int) -> tuple[dict[Case, Callable[[], Any]], dict[tuple[str, str], int]]:
    """What to time, each run once already, and the number of nodes of each graph."""
    runs: dict[Case, Callable[[], Any]] = {}
    nodes: dict[tuple[str, str], int] = {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    for network in ("ST-GCN", "ST-GCN++"):
        torch.manual_seed(0)
        net = build_model(ModelSpec.model_validate({"model_type": network}), 6).eval()
        for batch, frames in ((1, 300), (4, 300), (1, 100)):
            clip = SHAPE.example(batch, frames)
            runs[network, "torch eager", frames, batch] = torch_run(net, clip)
        for form, module in (("as trained", net), ("deployed", DeployNet(net))):
            model = to_onnx(module, SHAPE)
            nodes[network, form] = len(model.graph.node)
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            for batch, frames in ((1, 300), (4, 300), (1, 100)):
                feed = {INPUT: SHAPE.example(batch, frames).numpy()}
                runs[network, form, frames, batch] = session_run(session, feed)
    for run in runs.values():
        run()
    return runs, nodes


def torch_run(net: torch.nn.Module, clip: torch.Tensor) -> Callable[[], Any]:
    """Call the network without gradients."""

    def run() -> Any:
        with torch.inference_mode():
            return net(clip)

    return run


def session_run(session: onnxruntime.InferenceSession, feed: dict[str, Any]) -> Callable[[], Any]:
    """Call the session."""
    return lambda: session.run(None, feed)


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the table."""
    table = Table("network", "form", "frames", "batch", "nodes", "ms/sequence", "speed-up")
    for row in rows:
        cells = (row["network"], row["form"], row["frames"], row["batch"], row["nodes"] or "")
        figures = f"{row['ms_per_sequence']:.1f}", f"{row['speed_up']:.2f}"
        table.add_row(*map(str, cells), *figures)
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
