"""Heatmaps and PAFs to people: how long it takes on one core, and what it is made of.

The maps are perfect labels of a grid of standing figures in a 368 x 368 image. Beside it: the
reference's way, which enlarges all maps eightfold before it looks at them, restated for the tests.

    python -m benchmarks.bpnet_postprocess [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from rich.table import Table

from benchmarks._report import console, write_report
from tests.training.bpnet.figures import POSE, crowd
from tests.training.bpnet.postprocess import restatement
from training.bpnet.labels import LabelEncoder
from training.bpnet.postprocess import PeopleParser
from training.bpnet.postprocess.limbs import find_limbs
from training.bpnet.postprocess.peaks import find_peaks

SIDE = 368


@dataclass(frozen=True)
class Row:
    """Median and least milliseconds of processor time of one step."""

    people: int
    step: str
    median_ms: float
    least_ms: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few repeats, no results file")
    arguments = parser.parse_args(argv)
    cv2.setNumThreads(1)
    repeats = 3 if arguments.quick else 100
    rows = [
        row for rows, columns in ((1, 1), (2, 3), (4, 5)) for row in run(rows, columns, repeats)
    ]
    table = Table("people", "step", "median ms", "least ms")
    for row in rows:
        table.add_row(str(row.people), row.step, f"{row.median_ms:.2f}", f"{row.least_ms:.2f}")
    console().print(table)
    if not arguments.quick:
        write_report("bpnet_postprocess", {"rows": [*map(asdict, rows)]})
    return 0


def run(rows: int, columns: int, repeats: int) -> list[Row]:
    """Time every step for a grid of people."""
    joints = crowd(rows, columns, SIDE // columns, SIDE // rows)
    labels = LabelEncoder(POSE, (SIDE // 8, SIDE // 8), 8)(joints).transpose(1, 2, 0)
    pafs = np.ascontiguousarray(labels[..., : POSE.paf_channels])
    heatmaps = np.ascontiguousarray(labels[..., POSE.paf_channels :])
    parser = PeopleParser(POSE)
    peaks = find_peaks(heatmaps[..., :-1])
    limbs = find_limbs(pafs, peaks, POSE.topology)
    found = len(parser(heatmaps, pafs))
    if found != len(joints):
        raise RuntimeError(f"{found} people found instead of {len(joints)}")
    steps: dict[str, Callable[[], object]] = {
        "all": lambda: parser(heatmaps, pafs),
        "peaks": lambda: find_peaks(heatmaps[..., :-1]),
        "limbs": lambda: find_limbs(pafs, peaks, POSE.topology),
        "assembly": lambda: parser.assemble(peaks, limbs),
        "enlarging all maps": lambda: [
            cv2.resize(maps, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
            for maps in (heatmaps, pafs)
        ],
    }
    timed = [Row(found, step, *milliseconds(call, repeats)) for step, call in steps.items()]
    literal = milliseconds(lambda: restatement.people(heatmaps, pafs, POSE, 8), 1)
    return [*timed, Row(found, "the reference, restated", *literal)]


def milliseconds(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median and least processor time of a call; other programs on the core do not count."""
    times = []
    for _ in range(repeats):
        started = time.thread_time()
        call()
        times.append((time.thread_time() - started) * 1000)
    return statistics.median(times), min(times)


if __name__ == "__main__":
    raise SystemExit(main())
