"""The task `inference`: people in an image, a folder, a list of images or a video."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2

from converter import InputError
from training.bpnet.arrays import Array
from training.bpnet.detections import detections_file
from training.bpnet.images import EXTENSIONS, read_image
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.predictor import PosePredictor
from training.bpnet.video import VideoReader, VideoWriter
from training.bpnet.visualise import SkeletonPainter
from training.common.progress import progress
from training.common.results import write_atomic

IMAGES, VIDEO = "images_annotated", "annotated.mp4"

logger = logging.getLogger(__name__)


@dataclass
class Summary:
    """What an inference did.

    Attributes:
        images: images or frames that were read.
        people: people found in them.
        unreadable: images that were not.
    """

    images: int = 0
    people: int = 0
    unreadable: int = 0


def find_images(input_type: str, source: Path, root: str = "") -> list[Path]:
    """The images of an `image`, `dir` or `json` input.

    Args:
        input_type: which of them.
        source: an image, a folder, or a JSON list of image paths.
        root: folder that paths are relative to; for a folder it is the folder itself.

    Raises:
        InputError: nothing there, or nothing that is meant.
    """
    if input_type == "image":
        if (Path(root) / source).is_dir():
            raise InputError(f"{source}: a folder; for the images in it use --input_type dir")
        return [Path(root) / source]
    if input_type == "dir":
        if not source.is_dir():
            raise InputError(f"{source}: not a folder; for one image use --input_type image")
        found = sorted(p for p in source.iterdir() if p.suffix.lower() in EXTENSIONS)
        if not found:
            raise InputError(f"{source}: no images ({', '.join(EXTENSIONS)}) in this folder")
        return found
    try:
        names = json.loads(source.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: cannot read the list of images: {error}") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{source}: must be a JSON list of image paths")
    return [Path(root) / name for name in names]


def infer_images(
    predictor: PosePredictor,
    spec: InferenceSpec,
    paths: Sequence[Path],
    results: Path,
    draw: bool = False,
) -> Summary:
    """Write `detections.json` and, on request, `images_annotated/<viz_id>.png`.

    Raises:
        InputError: none of the images can be read; drawing would replace some of them.
    """
    summary, painter = Summary(), SkeletonPainter(predictor.network.pose)
    drawn = results / IMAGES
    if draw and drawn.resolve() in {parent.resolve() for parent in {p.parent for p in paths}}:
        raise InputError(f"{drawn}: images there would be replaced; give another --results_dir")
    with detections_file(results / "detections.json", predictor.network.pose, spec) as file:
        for index, path in enumerate(progress(paths, "inference", len(paths))):
            try:
                photo = read_image(path)
            except ValueError as error:
                if len(paths) == 1:
                    raise InputError(f"{path}: {error}") from None
                logger.warning("%s: %s", path, error)
                summary.unreadable += 1
                file.add(str(path), None)
                continue
            people = predictor(photo)
            file.add(str(path), people)
            summary.images += 1
            summary.people += len(people)
            if draw:
                _save(drawn / f"{index}.png", painter(photo, people))
        if not summary.images:
            raise InputError(f"none of the {len(paths)} images can be read")
    return summary


def infer_video(
    predictor: PosePredictor, spec: InferenceSpec, path: Path, results: Path, draw: bool = False
) -> Summary:
    """Write `detections.json` with an entry per frame and, on request, `annotated.mp4`.

    Raises:
        InputError: the video cannot be read, or drawing would replace it.
    """
    summary, painter = Summary(), SkeletonPainter(predictor.network.pose)
    drawn = results / VIDEO
    if draw and drawn.resolve() == path.resolve():
        raise InputError(f"{path}: would be replaced; give another --results_dir")
    video = VideoReader(path)
    with ExitStack() as stack:
        file = stack.enter_context(
            detections_file(results / "detections.json", predictor.network.pose, spec)
        )
        writer = None
        if draw:
            writer = stack.enter_context(VideoWriter(drawn, video.rate, video.time_base))
        for frame, (time, photo) in enumerate(progress(video, "inference", video.count)):
            people = predictor(photo)
            file.add(str(path), people, frame=frame, time=round(time, 4))
            summary.images += 1
            summary.people += len(people)
            if writer is not None:
                writer.write(painter(photo, people), time)
    return summary


def _save(path: Path, image: Array) -> None:
    path.parent.mkdir(exist_ok=True)
    _, encoded = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_atomic(path, encoded.tobytes())
