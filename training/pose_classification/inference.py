"""The task `inference`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter.atomic import check_place
from training.common.results import ResultsDir, write_atomic
from training.common.spec import require
from training.pose_classification.classify import classify
from training.pose_classification.spec import ExperimentSpec


def run(spec: ExperimentSpec, results: ResultsDir) -> None:
    """Classify sequences and write one line for each, in order.

    Args:
        spec: The experiment.
        results: Folder of the task.

    Raises:
        InputError: The spec, the data or the model cannot be used.
    """
    target = Path(require(spec, "inference.output_file"))
    check_place(target, "; change inference.output_file")
    _, logits, predictor = classify(spec, "inference", labelled=False)
    lines = result_lines(logits, predictor.classes, spec.inference.scores)
    write_atomic(target, "".join(f"{line}\n" for line in lines).encode())


def result_lines(
    logits: NDArray[np.float32], class_names: Sequence[str], scores: bool
) -> list[str]:
    """Lines of the result file.

    Args:
        logits: (N, classes).
        class_names: Names by class id.
        scores: Write all classes, ranked, as the Triton client does in its ``results.txt``:
            ``0, 5.6206(0)=sitting_down, 4.7264(4)=walking, ...``.

    Returns:
        N lines.
    """
    if not scores:
        return [class_names[index] for index in logits.argmax(axis=1)]
    ranked = np.argsort(-logits, axis=1, kind="stable")
    return [
        ", ".join([str(number), *(f"{row[i]:.4f}({i})={class_names[i]}" for i in order)])
        for number, (row, order) in enumerate(zip(logits, ranked, strict=True))
    ]
