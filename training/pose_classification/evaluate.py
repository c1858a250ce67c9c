"""The task `evaluate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converter.atomic import replacing
from training.common.results import ResultsDir, write_atomic
from training.common.spec import require
from training.common.status import Status
from training.pose_classification.data import evaluation_loader
from training.pose_classification.graph import load_layout
from training.pose_classification.metrics import Metrics, evaluate_logits
from training.pose_classification.plots import save_confusion
from training.pose_classification.predictor import device_of, load_predictor, predict
from training.pose_classification.sequences import open_dataset
from training.pose_classification.spec import EvaluateSpec, ExperimentSpec
from training.pose_classification.transforms import Transforms


def run(spec: ExperimentSpec, results: ResultsDir) -> None:
    """Measure a model on labelled sequences.

    Prints TAO's table; writes ``metrics.json``, ``confusion_matrix.png`` and ``logits.npy``,
    float32 (N, K) in the order of the data, from which streams can be fused.

    Args:
        spec: The experiment.
        results: Where the files go.

    Raises:
        InputError: The spec, the data or the model cannot be used.
    """
    section = spec.evaluate
    layout = load_layout(spec.model.graph_layout)
    source = open_dataset(section.test_dataset, spec, layout, "evaluate.test_dataset")
    predictor = load_predictor(model_path(spec, "evaluate"), spec, device_of(section))
    loader = evaluation_loader(
        source,
        Transforms.of(spec.dataset, layout),
        batch_size(section, spec),
        spec.dataset.num_workers,
    )
    logits, names = predict(predictor, loader), predictor.classes
    metrics = evaluate_logits(logits, source.ids, predictor.temperature)
    report = json.dumps(metrics.as_dict(names), indent=2, ensure_ascii=False) + "\n"
    write_atomic(results.path / "metrics.json", report.encode())
    with replacing(results.path / "logits.npy") as file:
        np.save(file, logits)
    save_confusion(metrics.confusion, names, results.path / "confusion_matrix.png")
    kpi = {
        "accuracy": round(100 * metrics.accuracy, 2),
        "avg_accuracy": round(100 * metrics.average_accuracy, 2),
    }
    results.status.write(Status.RUNNING, "Test metrics generated.", kpi=kpi)
    sys.stdout.write(table(metrics, names) + "\n")


def model_path(spec: ExperimentSpec, name: str) -> Path:
    """The model that the section ``name`` names.

    Raises:
        InputError: It names none.
    """
    section: EvaluateSpec = getattr(spec, name)
    return Path(section.trt_engine or require(spec, f"{name}.checkpoint"))


def batch_size(section: EvaluateSpec, spec: ExperimentSpec) -> int:
    """The section's own batch size, or that of the data set."""
    return spec.dataset.batch_size if section.batch_size < 0 else section.batch_size


def table(metrics: Metrics, class_names: Sequence[str]) -> str:
    """TAO's table of accuracies in percent."""
    rows = [
        (f"Class accuracy: {name}", 100 * accuracy)
        for name, accuracy in zip(class_names, metrics.class_accuracy.tolist(), strict=True)
    ]
    rows.append(("Total accuracy", 100 * metrics.accuracy))
    rows.append(("Average class accuracy", 100 * metrics.average_accuracy))
    cells = [("Name", "Score"), *((name, f"{score:.4f}") for name, score in rows)]
    first = max(len(name) for name, _ in cells)
    second = max(7, *(len(score) for _, score in cells))

    def rule(left: str, line: str, middle: str, right: str) -> str:
        return left + line * (first + 2) + middle + line * (second + 2) + right

    lines = [f"│ {name:<{first}} │ {score:>{second}} │" for name, score in cells]
    between = f"\n{rule('├', '─', '┼', '┤')}\n"
    head, body = lines[0], between.join(lines[1:])
    top, bottom = rule("╒", "═", "╤", "╕"), rule("╘", "═", "╧", "╛")
    return "\n".join((top, head, rule("╞", "═", "╪", "╡"), body, bottom))
