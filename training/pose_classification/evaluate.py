"""The task `evaluate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import numpy as np

from converter.atomic import replacing
from training.common.results import ResultsDir, write_atomic
from training.common.status import Status
from training.pose_classification.classify import classify
from training.pose_classification.metrics import Metrics, evaluate_logits
from training.pose_classification.plots import save_confusion
from training.pose_classification.spec import ExperimentSpec


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
    source, logits, predictor = classify(spec, "evaluate", labelled=True)
    names = predictor.classes
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
