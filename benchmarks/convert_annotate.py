"""Converting, annotating and writing a DeepStream document: speed, growth, memory.

The network is replaced by a function that costs next to nothing, so that only the work around it
is measured. NVIDIA's rules, restated literally for the tests, do the same job in the same run;
the labels of both are compared.

    python -m benchmarks.convert_annotate [--quick]

Documents are written to a temporary folder (`TMPDIR`; the full run needs 8 GB there).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks._report import console, write_report
from converter import ConvertConfig, network_input
from converter.deepstream import AnnotationJob
from tests.converter import nvidia_rules

LABELS = ["sitting_down", "getting_up", "sitting", "standing", "walking", "jumping"]
PEOPLE = 4
# NVIDIA's rules restated, and by the converter; its own label policy, in its own style and theirs.
LITERAL, TAO, DENSE, LAID_OUT = "literal", "tao", "dense", "dense-nvidia"


@dataclass(frozen=True)
class Sizes:
    """Object-frames of the documents."""

    compared: int
    grown: tuple[int, ...]
    large: int


FULL = Sizes(100_000, (25_000, 50_000, 100_000, 200_000), 600_000)
QUICK = Sizes(2_000, (1_000, 2_000, 4_000, 8_000), 16_000)


@dataclass(frozen=True)
class Run:
    """One job: who did it, what it was given, what it took.

    On a machine that has other things to do, `cpu_seconds` tells more than `seconds`; it is made
    up of `user_seconds`, spent in the program, and what the system took to read and write.
    """

    program: str
    object_frames: int
    input_bytes: int
    seconds: float
    cpu_seconds: float
    user_seconds: float
    peak_bytes: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small documents, no results file")
    parser.add_argument("--job", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.job:
        return job(*arguments.job)
    sizes = QUICK if arguments.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        compared = compare(Path(folder), sizes.compared)
        grown = [measure([DENSE], Path(folder), count)[0] for count in sizes.grown]
        large = measure([DENSE, LAID_OUT], Path(folder), sizes.large)
    runs = [*compared, *grown, *large]
    show(runs)
    literal, ours = compared
    factors = {
        "seconds": literal.seconds / ours.seconds,
        "cpu_seconds": literal.cpu_seconds / ours.cpu_seconds,
    }
    console().print(
        f"{TAO} gives the same labels as {LITERAL}, {factors['seconds']:.1f} times as fast "
        f"({factors['cpu_seconds']:.1f} times by CPU time)"
    )
    if not arguments.quick:
        write_report("convert_annotate", {"times_as_fast": factors, "runs": [*map(asdict, runs)]})
    return 0


def compare(folder: Path, count: int) -> list[Run]:
    """Run NVIDIA's rules and ours on the same document; their labels must be the same."""
    runs = measure([LITERAL, TAO], folder, count)
    if actions(folder / f"{LITERAL}.json") != actions(folder / f"{TAO}.json"):
        raise SystemExit("the labels differ: the comparison means nothing")
    return runs


def measure(programs: Sequence[str], folder: Path, count: int) -> list[Run]:
    """Let each of `programs` do the job on a document of `count` object-frames."""
    source = folder / "document.json"
    write_document(source, count)
    runs = []
    for program in programs:
        target = folder / f"{program}.json"
        target.unlink(missing_ok=True)  # replacing it would cost half a second of the kernel
        command = [sys.executable, "-m", "benchmarks.convert_annotate", "--job", program]
        done = subprocess.run(
            [*command, str(source), str(target)], stdout=subprocess.PIPE, check=True
        )
        runs.append(Run(program, count, source.stat().st_size, **json.loads(done.stdout)))
    return runs


def job(program: str, source: str, target: str) -> int:
    """Do one job in this process, and print what it took."""
    start, cpu_start = time.perf_counter(), os.times()
    if program == LITERAL:
        nvidia_rules.annotate(Path(source), Path(target), nvidia_rules.Settings(), classify)
    else:
        config = ConvertConfig()
        with AnnotationJob(source, config, "tao" if program == TAO else "dense") as annotation:
            for segment in annotation.segments():
                label = classify(network_input(segment.keypoints, config))
                annotation.assign(segment.index, LABELS.index(label))
            annotation.write(target, LABELS, style="verbatim" if program == DENSE else "nvidia")
    cpu = os.times()
    user = cpu.user - cpu_start.user
    figures = {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": user + cpu.system - cpu_start.system,
        "user_seconds": user,
        "peak_bytes": peak_bytes(),
    }
    sys.stdout.write(json.dumps(figures))
    return 0


def peak_bytes() -> int:
    """Peak of resident memory (getrusage would include that of the parent process)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def classify(sequence: NDArray[np.float32]) -> str:
    """Stand in for the network: some label that depends on the sequence (C, T, V, 1)."""
    return LABELS[int(abs(sequence[2, :, 20, 0].sum()) * 1e4) % len(LABELS)]


def write_document(path: Path, count: int) -> None:
    """Write `count` object-frames of `PEOPLE` persons in a frame as DeepStream prints them."""
    chance = random.Random(0)
    poses = [", ".join(f"{chance.uniform(-999, 2999):f}" for _ in range(136)) for _ in range(97)]
    with path.open("w") as file:
        for frame in range(count // PEOPLE):
            objects = ", ".join(
                f'{{"object_id": {person}, "pose25d": [{poses[(frame + person) % 97]}], '
                f'"pose3d": [{poses[(frame * 7 + person) % 97]}]}}'
                for person in range(PEOPLE)
            )
            file.write(
                f'{"," if frame else "["}\n{{"num_frames_in_batch": 1, "batches": [{{'
                f'"batch_id": 0, "frame_num": {frame}, "ntp_timestamp": 1651865934597373000, '
                f'"num_obj_meta": {PEOPLE}, "objects": [{objects}]}}]}}'
            )
        file.write("]\n")


def actions(path: Path) -> list[str]:
    """All labels of an annotated document, in its order."""
    data = msgspec.json.decode(path.read_bytes(), type=list[AnnotatedRecord])
    return [p.action for record in data for frame in record.batches for p in frame.objects]


class AnnotatedObject(msgspec.Struct):
    """An object of an annotated document."""

    action: str


class AnnotatedFrame(msgspec.Struct):
    """A frame of an annotated document."""

    objects: list[AnnotatedObject]


class AnnotatedRecord(msgspec.Struct):
    """A record of an annotated document."""

    batches: list[AnnotatedFrame]


def show(runs: Sequence[Run]) -> None:
    """Print a table of the runs."""
    table = Table("program", "object-frames", "MB", "s", "CPU s", "user µs each", "MB/s", "peak MB")
    for run in runs:
        table.add_row(
            run.program,
            f"{run.object_frames:,}",
            f"{run.input_bytes / 1e6:,.0f}",
            f"{run.seconds:.2f}",
            f"{run.cpu_seconds:.2f}",
            f"{run.user_seconds / run.object_frames * 1e6:.1f}",
            f"{run.input_bytes / run.seconds / 1e6:.0f}",
            f"{run.peak_bytes / 1e6:,.0f}",
        )
    console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
