"""The main job on the shipped samples: start Triton, label two inputs, show the result, stop.

Usage: python -m scripts.quickstart [OUTPUT_DIR]
"""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from converter.command_line import FAILED, Parser
from scripts.command import make_folder, program
from scripts.embedded_triton import EmbeddedTriton
from scripts.triton_wheel import ROOT

SEGMENTS = Path("samples/segments.npy")
DOCUMENT = Path("samples/walk_sit_getup.json")
PAGE = "report.html"

console = Console(highlight=False, soft_wrap=True)


def run_client(source: Path, output: Path, url: str, *flags: str) -> None:
    """Show a client command as a user would type it, and run it from the repository root."""
    command = ["client/tao_client.py", str(source), "-u", url, "--output_path", str(output), *flags]
    console.print(f"\n[bold]$ python {shlex.join(command)}[/]")
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True)


def objects(document: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every object of an annotated document with the number of its frame."""
    for record in document:
        for frame in record["batches"]:
            for item in frame["objects"]:
                yield frame["frame_num"], item


def show_timeline(document: list[dict[str, Any]]) -> None:
    """Print, for every person, the runs of frames that carry the same action."""
    by_person: dict[Any, list[tuple[int, str]]] = {}
    for frame, item in objects(document):
        by_person.setdefault(item["object_id"], []).append((frame, item["action"]))
    for person, frames in by_person.items():
        for action, pairs in itertools.groupby(frames, key=lambda pair: pair[1]):
            numbers = [number for number, _ in pairs]
            console.print(f"person {person}  frames {numbers[0]:4d}-{numbers[-1]:<4d} {action}")


def show_excerpt(document: list[dict[str, Any]]) -> None:
    """Print the first object of the document, its keypoint arrays cut short."""
    _, item = next(objects(document))
    short = {key: value[:4] if isinstance(value, list) else value for key, value in item.items()}
    console.print(orjson.dumps(short, option=orjson.OPT_INDENT_2).decode(), markup=False)


def label_samples(output: Path) -> None:
    """Start a server, label both samples into `output`, show what came out."""
    console.print("Starting the embedded Triton ...")
    with EmbeddedTriton(ROOT / "model_repository") as triton:
        console.print(f"Triton is ready: HTTP {triton.http_url}, gRPC {triton.grpc_url}")

        run_client(SEGMENTS, output, triton.http_url)
        console.print((output / "results.txt").read_text(), end="", markup=False)

        flags = ("-m", "pose_classification", "-i", "grpc", "--report", str(output / PAGE))
        run_client(DOCUMENT, output, triton.grpc_url, *flags)
        document = orjson.loads((output / "results.json").read_bytes())
        console.print("Its first object (arrays cut short):")
        show_excerpt(document)
        show_timeline(document)
    console.print(f"\nTriton stopped. The full results are in {output}")
    console.print(f"To see the people move, open {output / PAGE} in a browser.")


@program("quickstart")
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    p = Parser(prog="scripts/quickstart.sh", description=__doc__.splitlines()[0])
    p.add_argument(
        "output",
        metavar="OUTPUT_DIR",
        type=Path,
        nargs="?",
        default=Path("outputs/quickstart"),
        help="folder of the results (default: %(default)s)",
    )
    output = p.parse_args(argv).output.resolve()
    make_folder(output)
    try:
        label_samples(output)
    except subprocess.CalledProcessError:
        return FAILED  # the client has said why
    return 0


if __name__ == "__main__":
    sys.exit(main())
