"""The quick start's document: how much of the time is the client's own work.

    python -m benchmarks.quick_start [--quick]

The sample is labelled as the quick start does, on the embedded server; and the same document goes
through reading, converting, annotating and writing without a server; left as it is, and laid out as
by NVIDIA's client. Each is given as a median; the ratio is what the client costs of the wall
time. With the network that ships, and with one as large as TAO's in the form that TAO exports.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import onnx
from rich.table import Table

from benchmarks._report import console, write_report
from benchmarks._served import NETWORK, ROOT, Edit, as_it_is, served
from benchmarks.network import SHAPE, untrained
from client import Client, Settings
from converter import ConvertConfig
from converter.deepstream import AnnotationJob, Style
from training.pose_classification.onnx_model import to_onnx

DOCUMENT = ROOT / "samples" / "walk_sit_getup.json"
STYLES: tuple[Style, ...] = ("verbatim", "nvidia")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns, no results file")
    given = parser.parse_args(argv)
    turns = 3 if given.quick else 30
    networks: dict[str, Edit] = {"shipped": as_it_is}
    if not given.quick:
        networks["TAO's size and form"] = taos_network
    table = Table("network", "written", "with the server, ms", "the client's work, ms", "share")
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "results.json"
        own = {
            style: milliseconds(partial(without_server, target, style), turns, target)
            for style in STYLES
        }
        for network, edit in networks.items():
            for style, whole in with_server(edit, target, turns).items():
                share = own[style] / whole
                cells = f"{whole:.0f}", f"{own[style]:.1f}", f"{share:.1%}"
                table.add_row(network, style, *cells)
                times = {"whole_ms": whole, "client_ms": own[style], "share": share}
                figures.append({"network": network, "style": style, **times})
    console().print(table)
    if not given.quick:
        write_report("quick_start", {"runs": figures})
    return 0


def taos_network(repository: Path) -> None:
    """Put ST-GCN as TAO exports it in place of the shipped network; frames of zeros count."""
    version = repository / NETWORK / "1"
    onnx.save(to_onnx(untrained("ST-GCN"), SHAPE), version / "model.onnx")
    (version / "model.json").unlink()


def with_server(edit: Edit, target: Path, turns: int) -> dict[Style, float]:
    """Milliseconds that labelling the document takes on an edited repository, by style."""
    with served(edit) as triton:
        settings = Settings(triton.grpc_url, protocol="grpc", model="pose_classification")
        with Client(settings) as client:
            label = partial(client.annotate, DOCUMENT, target)
            return {
                style: milliseconds(partial(label, style=style), turns, target) for style in STYLES
            }


def without_server(target: Path, style: Style) -> None:
    """Do what the client does with a document, but for asking."""
    with AnnotationJob(DOCUMENT, ConvertConfig()) as job:
        for segment in job.segments():
            job.assign(segment.index, 0)
        job.write(target, ["standing"], style=style)


def milliseconds(work: Callable[[], object], turns: int, target: Path) -> float:
    """Median wall time of some turns, after one that does not count.

    Each writes a new file: to replace one takes the file system as long as all the rest.
    """
    times = []
    for _ in range(turns + 1):
        target.unlink(missing_ok=True)
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times[1:])


if __name__ == "__main__":
    raise SystemExit(main())
