"""The network on an NVIDIA GPU: torch and ONNX Runtime against the roofline.

    python -m benchmarks.gpu [--quick] [--device cpu]

torch eager (the einsum form, as trained, and the deployed one), torch.compile, ONNX Runtime with
CUDA; FP32, FP16 and BF16; batches of 1 to 64, 100 and 300 frames; a CUDA graph at batch 1. The peak
is torch's own matrix product in the same data type. Without a GPU it says so and measures nothing;
`--device cpu` runs the torch part there, to see that it works.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import onnxruntime
import torch
from rich.table import Table

from benchmarks._graph import macs
from benchmarks._report import console, write_report
from training.common.onnx_session import CUDA
from training.pose_classification.build import build_model
from training.pose_classification.deploy import DeployNet
from training.pose_classification.onnx_model import INPUT, OUTPUT, InputShape, to_onnx
from training.pose_classification.spec import ModelSpec

SHAPE = InputShape(channels=3, joints=34)
TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
CLASSES, SIDE = 6, 8192
Run = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One way on one batch; `of_peak` is a share of the matrix product's speed."""

    way: str
    data_type: str
    batch: int
    frames: int
    sequences_per_second: float
    of_peak: float
    speed_up: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="narrow network, no results file")
    given = parser.parse_args(argv)
    if given.device == "cuda" and not torch.cuda.is_available():
        sys.stdout.write("no NVIDIA GPU that torch can use is here: nothing measured\n")
        return 0
    device = torch.device(given.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    batches = (1, 2) if given.quick else (1, 4, 16, 64)
    spec = ModelSpec.model_validate({"base_channels": 8 if given.quick else 64, "padding": "mask"})
    torch.manual_seed(0)
    trained = build_model(spec, CLASSES).eval()
    deployed = DeployNet(trained)
    peak = {name: peak_of(device, kind, given.quick) for name, kind in usable(device)}
    graph = to_onnx(deployed, SHAPE)
    cost = {frames: macs(graph, 1, frames) for frames in (100, 300)}
    rows: list[Row] = []
    for frames in cost:
        for batch in batches:
            base: dict[str, float] = {}
            for way, name, run in runs(trained, deployed, batch, frames, device, given.quick):
                seconds = median(run, device, 1 if given.quick else 20)
                base.setdefault(name, seconds)  # the einsum form comes first
                speed = 2 * cost[frames] * batch / seconds / peak[name]
                rows.append(
                    Row(way, name, batch, frames, batch / seconds, speed, base[name] / seconds)
                )
    show(rows)
    if not given.quick:
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
        write_report("gpu", {"device": name, "peak": peak, "rows": [*map(asdict, rows)]})
    return 0


def usable(device: torch.device) -> Iterator[tuple[str, torch.dtype]]:
    """Data types that the device is measured with."""
    for name, kind in TYPES.items():
        if device.type == "cuda" or kind is torch.float32:
            yield name, kind


def runs(
    trained: torch.nn.Module,
    deployed: torch.nn.Module,
    batch: int,
    frames: int,
    device: torch.device,
    quick: bool,
) -> Iterator[tuple[str, str, Run]]:
    """Ways to run a batch: name, data type, what to call."""
    clip = SHAPE.example(batch, frames)
    for name, kind in usable(device):
        x = clip.to(device, kind)
        nets = {
            "torch, einsum": trained.to(device, kind),
            "torch, deployed": deployed.to(device, kind),
        }
        for way, net in nets.items():
            yield way, name, torch_run(net, x)
        if not quick:
            torch.compiler.reset()  # else it gives up after eight shapes and types
            yield "torch.compile", name, torch_run(torch.compile(nets["torch, deployed"]), x)
        if device.type == "cuda" and batch == 1:
            yield "CUDA graph", name, captured(nets["torch, deployed"], x)
    if device.type == "cuda" and (run := onnx_run(deployed.float().cpu(), clip)) is not None:
        yield "ONNX Runtime", "fp32", run
    trained.float()
    deployed.float()


def torch_run(net: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> Run:
    """Call a network without gradients."""

    def run() -> torch.Tensor:
        with torch.inference_mode():
            return net(x)

    return run


def captured(net: torch.nn.Module, x: torch.Tensor) -> Run:
    """Replay a CUDA graph of one call."""
    graph = torch.cuda.CUDAGraph()
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch has no types for it
    stream.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), torch.cuda.stream(stream):
        for _ in range(3):
            net(x)
    torch.cuda.current_stream().wait_stream(stream)
    with torch.inference_mode(), torch.cuda.graph(graph):
        net(x)
    return graph.replay


def onnx_run(net: torch.nn.Module, clip: torch.Tensor) -> Run | None:
    """Call ONNX Runtime on tensors that stay on the GPU; None where it cannot use one.

    It has to be built for the CUDA that is here: that of another lists its provider all the same.
    """
    if CUDA not in onnxruntime.get_available_providers():
        return None
    session = onnxruntime.InferenceSession(
        to_onnx(net, SHAPE).SerializeToString(), providers=[CUDA]
    )
    if CUDA not in session.get_providers():
        sys.stderr.write("ONNX Runtime does not find its CUDA libraries: left out\n")
        return None
    binding = session.io_binding()
    binding.bind_ortvalue_input(
        INPUT, onnxruntime.OrtValue.ortvalue_from_numpy(clip.numpy(), "cuda", 0)
    )
    binding.bind_output(OUTPUT, "cuda")
    return lambda: session.run_with_iobinding(binding)


def median(run: Run, device: torch.device, rounds: int) -> float:
    """Seconds of a call, the device waited for."""
    times = []
    for number in range(rounds + 3):
        started = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number >= 3:
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def peak_of(device: torch.device, kind: torch.dtype, quick: bool) -> float:
    """Operations a second of a large matrix product."""
    side = 256 if quick else SIDE
    a = torch.randn(side, side, device=device, dtype=kind)
    return 2 * side**3 / median(lambda: a @ a, device, 5)


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    table = Table("way", "type", "batch", "frames", "sequences/s", "of peak", "speed-up")
    for row in rows:
        cells = row.way, row.data_type, str(row.batch), str(row.frames)
        figures = f"{row.sequences_per_second:.0f}", f"{row.of_peak:.0%}", f"{row.speed_up:.2f}"
        table.add_row(*cells, *figures)
    console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
