"""Make the pictures of docs/overlay.md: a frame of the overlay, the report on a desk and a phone.

Usage: python -m scripts.draw_report_images VIDEO [--at SECONDS] [--out docs/images] [--work FOLDER]
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from PIL import Image
from selenium.webdriver import Chrome

from client import annotate
from converter.command_line import Parser
from scripts.chromium import open_chromium
from scripts.command import program
from scripts.embedded_triton import EmbeddedTriton
from scripts.triton_wheel import ROOT
from video import poses
from video.overlay import draw_overlay
from video.report import write_report

WIDEST = 960  # pixels
SCREENS = {"report": (1280, 1000, False), "report_phone": (360, 780, True)}


@program("draw_report_images")
def main(argv: Sequence[str] | None = None) -> int:
    """Run all steps from the video to the pictures; poses and results in `--work` are kept."""
    about = __doc__.splitlines()[0]
    parser = Parser(prog="python -m scripts.draw_report_images", description=about)
    parser.add_argument("video", type=Path, metavar="VIDEO", help="video to find poses in")
    parser.add_argument(
        "--at",
        type=float,
        default=3.0,
        metavar="SECONDS",
        help="moment shown (default %(default)g)",
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "docs" / "images", help="folder (default docs/images)"
    )
    parser.add_argument("--work", type=Path, help="folder to keep what is made on the way in")
    args = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        work = args.work or Path(folder)
        results = work / "results.json"
        if not results.exists():
            label(args.video, work / "poses.json", results)
        draw_overlay(results, work / "overlay.mp4", args.video)
        save(frame_at(work / "overlay.mp4", args.at), args.out / "overlay.png")
        write_report(results, work / "report.html", args.video)
        for name, (width, height, dark) in SCREENS.items():
            with open_chromium(width, height, dark=dark) as page:
                save(screenshot(page, work / "report.html", args.at), args.out / f"{name}.png")
    return 0


def label(video: Path, found: Path, results: Path) -> None:
    """Find poses in a video, and actions for them with the shipped weights."""
    if poses.main([str(video), "-o", str(found)]) != 0:
        raise RuntimeError(f"{video}: no poses, see above")
    with EmbeddedTriton(ROOT / "model_repository") as triton:
        annotate(found, results, scores=True, url=triton.http_url, model="pose_classification")


def frame_at(path: Path, seconds: float) -> Image.Image:
    """Return the picture that a video shows at a time."""
    with av.open(str(path)) as movie:
        frame = next(f for f in movie.decode(video=0) if f.time >= seconds)
        return Image.fromarray(frame.to_ndarray(format="rgb24"))


def screenshot(page: Chrome, report: Path, seconds: float) -> Image.Image:
    """Return what the page shows at a time of the video."""
    page.get(report.resolve().as_uri())
    time.sleep(2)
    page.execute_script(
        "const scrub = document.getElementById('scrub');"
        "scrub.value = arguments[0]; scrub.dispatchEvent(new Event('input'))",
        seconds,
    )
    time.sleep(2)
    return Image.open(io.BytesIO(page.get_screenshot_as_png()))


def save(image: Image.Image, path: Path) -> None:
    """Write a PNG of 256 colours, which is small enough for the repository."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.thumbnail((WIDEST, WIDEST))
    image.convert("RGB").quantize(256).save(path, optimize=True)
    print(f"{path}: {image.width} x {image.height}, {path.stat().st_size >> 10} kB")


if __name__ == "__main__":
    sys.exit(main())
