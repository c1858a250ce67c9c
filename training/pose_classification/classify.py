"""What `evaluate` and `inference` share: the model of a section, run on the data of the section."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from converter import InputError
from training.common.loader_errors import one_line_errors
from training.common.progress import progress
from training.common.spec import require
from training.pose_classification.data import evaluation_loader
from training.pose_classification.graph import load_layout
from training.pose_classification.predictor import Predictor, device_of, load_predictor
from training.pose_classification.sequences import Sequences, open_dataset
from training.pose_classification.spec import ExperimentSpec
from training.pose_classification.transforms import Transforms


def classify(
    spec: ExperimentSpec, task: Literal["evaluate", "inference"], labelled: bool
) -> tuple[Sequences, NDArray[np.float32], Predictor]:
    """Classify the test data of a task.

    Args:
        spec: The experiment.
        task: Name of its section.
        labelled: Whether labels are needed.

    Returns:
        The sequences; their logits (N, classes), the mean of all clips of a sequence; the model.

    Raises:
        InputError: The spec, the data or the model cannot be used, or the model gives values that
            are not finite.
    """
    section = getattr(spec, task)
    layout = load_layout(spec.model.graph_layout)
    source = open_dataset(spec, f"{task}.test_dataset", layout, labelled)
    model = Path(section.trt_engine or require(spec, f"{task}.checkpoint"))
    predictor = load_predictor(model, spec, device_of(section))
    loader = evaluation_loader(
        source,
        Transforms.of(spec.dataset, layout),
        spec.dataset.batch_size if section.batch_size < 0 else section.batch_size,
        spec.dataset.num_workers,
    )
    parts = []
    with one_line_errors():
        for clips, _ in progress(loader, "Classifying"):
            answers = predictor(clips.flatten(0, 1).numpy())
            parts.append(answers.reshape(*clips.shape[:2], -1).mean(axis=1))
    logits = np.concatenate(parts)
    if not np.isfinite(logits).all():
        bad = int(np.argwhere(~np.isfinite(logits))[0, 0])
        raise InputError(f"the model's logits for sequence {bad} are not finite")
    return source, logits, predictor
