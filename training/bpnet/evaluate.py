"""The task `evaluate`: COCO's average precision and recall on a data set's test split."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from converter import InputError
from converter.bodypose import People
from training.bpnet.coco import CocoAnnotations, read_coco
from training.bpnet.dataset_spec import DatasetSpec
from training.bpnet.detections import detections_file, rounded
from training.bpnet.images import read_image
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.pose_config import PoseConfig
from training.bpnet.predictor import PosePredictor
from training.common.progress import progress
from training.common.results import write_atomic

logger = logging.getLogger(__name__)

# metric, IoU, area, detections per image, name in status.json; COCO's ten rows for keypoints.
_ROWS = tuple(
    (f"Average {word} ({short})", iou, area, 20, f"{short}_{label}")
    for word, short in (("Precision", "AP"), ("Recall", "AR"))
    for iou, area, label in (
        ("0.50:0.95", "all", "0.50:0.95_all"),
        ("0.50", "all", "0.5"),
        ("0.75", "all", "0.75"),
        ("0.50:0.95", "medium", "0.50:0.95_medium"),
        ("0.50:0.95", "large", "0.50:0.95_large"),
    )
)


@dataclass(frozen=True)
class Evaluation:
    """Figures of an evaluation.

    Attributes:
        scores: COCO's ten keypoint figures by name, 0..1; -1 where nobody is of that size.
        images: images that were used.
        unreadable: images that could not be read.
    """

    scores: dict[str, float]
    images: int
    unreadable: int


def evaluate(
    predictor: PosePredictor, spec: InferenceSpec, dataset: DatasetSpec, results: Path
) -> Evaluation:
    """Find the people of the test split, compare with the annotations, write the results.

    Files: `detections.json`, `detections_coco_format.json`, `results.csv`.

    Raises:
        InputError: annotations or images cannot be read; tolerances of the joints are unknown.
    """
    split = dataset.test_data
    annotations = dataset.root / split.annotation_root_dir_path
    sigmas = joint_sigmas(dataset)
    coco = read_coco(annotations, dataset.person.keypoints, dataset.person.id)
    for line in coco.damaged:
        logger.warning("%s: skipped %s", annotations, line)
    images = dataset.root / split.images_root_dir_path
    detections, unreadable = _detect(predictor, spec, dataset, coco, images, results)
    if unreadable == len(coco.images):
        raise InputError(f"{images}: none of the {unreadable} test images can be read")
    path = results / "detections_coco_format.json"
    write_atomic(path, json.dumps(detections).encode())
    figures = coco_scores(ground_truth(coco, dataset), detections, sigmas)
    write_atomic(results / "results.csv", results_csv(figures).encode())
    names = [row[4] for row in _ROWS]
    scores = dict(zip(names, figures, strict=True))
    return Evaluation(scores, len(coco.images) - unreadable, unreadable)


def _detect(
    predictor: PosePredictor,
    spec: InferenceSpec,
    dataset: DatasetSpec,
    coco: CocoAnnotations,
    images: Path,
    results: Path,
) -> tuple[list[dict[str, Any]], int]:
    pose, names = predictor.network.pose, dataset.person.keypoints
    detections: list[dict[str, Any]] = []
    unreadable = 0
    with detections_file(results / "detections.json", pose, spec) as file:
        for image in progress(coco.images.values(), "evaluate", len(coco.images)):
            path = images / image.file_name
            try:
                photo = read_image(path)
            except ValueError as error:
                logger.warning("%s: %s", path, error)
                unreadable += 1
                file.add(str(path), None)
                continue
            people = predictor(photo)
            file.add(str(path), people)
            detections += coco_detections(image.id, people, pose, names, dataset.person.id)
    return detections, unreadable


def coco_detections(
    image_id: int, people: People, pose: PoseConfig, names: Sequence[str], category_id: int = 1
) -> list[dict[str, Any]]:
    """People in COCO's result form: x, y, 1 for a keypoint that was found, else zeros."""
    index = [pose.joints.index(name) if name in pose.joints else -1 for name in names]
    keypoints, scores = people.keypoints[:, index], people.joint_scores[:, index]
    found = (scores > 0) & (np.array(index) >= 0)
    result = []
    for points, present, score in zip(keypoints, found, people.scores, strict=True):
        triples = np.zeros((len(names), 3))
        triples[present, :2], triples[present, 2] = points[present], 1
        flat = [number for triple in rounded(triples, 2) for number in triple]
        result.append(
            {
                "image_id": image_id,
                "category_id": category_id,
                "keypoints": flat,
                "score": round(float(score), 5),
            }
        )
    return result


def joint_sigmas(dataset: DatasetSpec) -> list[float] | None:
    """Tolerances of the data set's joints; None for COCO's own 17.

    Raises:
        InputError: other joints without tolerances.
    """
    person = dataset.person
    if person.sigmas is None and len(person.keypoints) != 17:
        raise InputError(
            f"data set '{dataset.dataset}': {len(person.keypoints)} keypoints are not COCO's 17; "
            "give their tolerances as 'sigmas' in the person category"
        )
    return person.sigmas


def ground_truth(coco: CocoAnnotations, dataset: DatasetSpec) -> dict[str, Any]:
    """What was read, as a document with all that faster-coco-eval asks for."""
    people = [(image_id, person) for image_id, found in coco.people.items() for person in found]
    return {
        "images": [{"id": image_id} for image_id in coco.images],
        "categories": [{"id": dataset.person.id, "name": "person"}],
        "annotations": [
            {
                "id": number,
                "image_id": image_id,
                "category_id": dataset.person.id,
                "keypoints": person.keypoints.ravel().tolist(),
                "num_keypoints": person.num_keypoints,
                "bbox": list(person.bbox),
                "area": person.area,
                "iscrowd": int(person.iscrowd),
            }
            for number, (image_id, person) in enumerate(people, start=1)
        ],
    }


def coco_scores(
    annotations: Path | dict[str, Any],
    detections: Sequence[dict[str, Any]],
    sigmas: Sequence[float] | None = None,
) -> list[float]:
    """COCO's ten figures for keypoints, as faster-coco-eval computes them.

    Args:
        annotations: a file in COCO's form, or its content.
        detections: people found, in COCO's result form.
        sigmas: tolerances of the joints; None: COCO's own.
    """
    truth = COCO(annotations)
    found = truth.loadRes(list(detections))
    chosen = None if sigmas is None else list(sigmas)
    evaluation = COCOeval_faster(
        truth, found, iouType="keypoints", kpt_oks_sigmas=chosen, print_function=logger.debug
    )
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return [float(value) for value in evaluation.stats[: len(_ROWS)]]


def results_csv(figures: Sequence[float]) -> str:
    """The table of `results.csv`."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(("metric", "IoU", "area", "maxDets", "score"))
    writer.writerows((*row[:4], f"{v:.6f}") for row, v in zip(_ROWS, figures, strict=True))
    return stream.getvalue()
