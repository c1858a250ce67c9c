"""`bpnet inference`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from training.bpnet.commands.common import TITLE, add_model, open_model
from training.common.outcome import recorded
from training.common.results import open_folder


def add(parser: argparse.ArgumentParser) -> None:
    """Find the people in an image, a folder, a list of images or a video."""
    parser.set_defaults(task=run)
    add_model(parser)
    parser.add_argument(
        "--input", required=True, help="image, folder of images, JSON list of paths, or video"
    )
    kinds = ("image", "dir", "json", "video")
    parser.add_argument(
        "--input_type", choices=kinds, default="image", help="what --input is (default %(default)s)"
    )
    parser.add_argument(
        "--image_root_path", default="", help="folder that the paths of a JSON list begin at"
    )
    parser.add_argument(
        "--dump_visualizations",
        action="store_true",
        help="also write the images (or the video) with the people drawn in",
    )


def run(arguments: argparse.Namespace) -> None:
    """Find the people, and count them."""
    from training.bpnet.inference import IMAGES, VIDEO, find_images, infer_images, infer_video

    results = open_folder(Path(arguments.results_dir))
    source, draw = Path(arguments.input), arguments.dump_visualizations
    with recorded(results.status, TITLE, "inference"):
        predictor, spec = open_model(arguments)
        if arguments.input_type == "video":
            summary = infer_video(predictor, spec, source, results.path, draw)
        else:
            paths = find_images(arguments.input_type, source, arguments.image_root_path)
            summary = infer_images(predictor, spec, paths, results.path, draw)
    sys.stdout.write(
        f"{summary.people} people in {summary.images} images, {summary.unreadable} unreadable\n"
        f"{results.path / 'detections.json'}\n"
    )
    if draw:
        name = VIDEO if arguments.input_type == "video" else IMAGES
        sys.stdout.write(f"{results.path / name}\n")
