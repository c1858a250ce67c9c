"""The quick start's document: how much of the time is the client's own work.

    python -m benchmarks.quick_start [--quick]

The sample is labelled as in the README, one request at a time, on the embedded server; and the
same document goes through reading, converting, annotating and writing without a server; laid out as
by NVIDIA's client, and left as it is. Each is given as a median; the ratio is what the client costs
of the wall time.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.table import Table

from benchmarks._report import console, write_report
from client import Client, Settings
from converter import ConvertConfig
from converter.deepstream import AnnotationJob, Style
from scripts.embedded_triton import EmbeddedTriton

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "samples" / "walk_sit_getup.json"
STYLES: tuple[Style, ...] = ("nvidia", "verbatim")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns, no results file")
    given = parser.parse_args(argv)
    turns = 3 if given.quick else 50
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "results.json"
        with EmbeddedTriton(ROOT / "model_repository") as triton:
            settings = Settings(triton.http_url, model="pose_classification", in_flight=1)
            with Client(settings) as client:
                whole = [
                    milliseconds(partial(client.annotate, DOCUMENT, target, style=style), turns)
                    for style in STYLES
                ]
        alone = [milliseconds(partial(without_server, target, style), turns) for style in STYLES]
    table = Table("written", "with the server, ms", "the client's work alone, ms", "share")
    figures = []
    for style, total, own in zip(STYLES, whole, alone, strict=True):
        figures.append({"style": style, "whole_ms": total, "client_ms": own, "share": own / total})
        table.add_row(style, f"{total:.0f}", f"{own:.1f}", f"{own / total:.1%}")
    console().print(table)
    if not given.quick:
        write_report("quick_start", {"runs": figures})
    return 0


def without_server(target: Path, style: Style) -> None:
    """Do what the client does with a document, but for asking."""
    with AnnotationJob(DOCUMENT, ConvertConfig()) as job:
        for segment in job.segments():
            job.assign(segment.index, 0)
        job.write(target, ["standing"], style=style)


def milliseconds(work: Callable[[], object], turns: int) -> float:
    """Median wall time of some turns, after one that does not count."""
    times = []
    for _ in range(turns + 1):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times[1:])


if __name__ == "__main__":
    raise SystemExit(main())
