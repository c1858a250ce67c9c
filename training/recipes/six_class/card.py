"""Put the figures of a run into the model card, between its two marks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from converter import InputError
from training.common.results import write_atomic
from training.pose_classification.metrics import Metrics
from training.recipes.six_class.measure import CueCheck
from training.recipes.six_class.rules import CLASSES

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def update_card(path: Path, figures: str) -> None:
    """Replace what is between the marks of a card.

    Raises:
        InputError: there is no card, or it lacks the marks.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not 0 <= text.find(BEGIN) < text.find(END):
        raise InputError(f"{path}: must hold the lines {BEGIN} and {END}")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    write_atomic(path, f"{head}{BEGIN}\n\n{figures}\n{END}{tail}".encode())


def render(
    facts: Mapping[str, str],
    runs: Mapping[str, Mapping[str, Mapping[str, int]]],
    results: Mapping[str, Metrics],
    cue: Sequence[CueCheck],
) -> str:
    """Return the figures as Markdown.

    Args:
        facts: lines of "what: value".
        runs: labelled runs by split, source and class.
        results: measurements by name.
        cue: the check of the sensor cue.
    """
    data = [
        [split, source, *(str(counts[name]) for name in CLASSES)]
        for split, sources in runs.items()
        for source, counts in sources.items()
    ]
    accuracy = [_accuracy_row(name, metrics) for name, metrics in results.items()]
    checks = [[check.what, str(check.clips), f"{100 * check.jumping:.1f}"] for check in cue]
    return "\n".join(
        [
            *(f"- {what}: {value}" for what, value in facts.items()),
            "",
            "Labelled runs:",
            "",
            *_table(["part", "source", *CLASSES], data),
            "Accuracy in percent (sequences in brackets; average: mean over the classes shown):",
            "",
            *_table(["test", "average", *CLASSES, "calibration error"], accuracy),
            "Share of sequences called jumping, in percent, held-out people:",
            "",
            *_table(["sensor and action", "sequences", "called jumping"], checks),
        ]
    )


def figures_json(results: Mapping[str, Metrics], cue: Sequence[CueCheck]) -> dict[str, Any]:
    """Return all measurements as plain values."""
    return {
        "accuracy": {name: metrics.as_dict(CLASSES) for name, metrics in results.items()},
        "called_jumping": {check.what: check.jumping for check in cue},
    }


def average_accuracy(metrics: Metrics) -> float:
    """Return the mean accuracy over the classes that the test holds."""
    held = metrics.confusion.sum(axis=1) > 0
    return float(metrics.class_accuracy[held].mean())


def _accuracy_row(name: str, metrics: Metrics) -> list[str]:
    counts = metrics.confusion.sum(axis=1).tolist()
    cells = [
        f"{100 * accuracy:.1f} ({count})" if count else "-"
        for accuracy, count in zip(metrics.class_accuracy.tolist(), counts, strict=True)
    ]
    average = f"**{100 * average_accuracy(metrics):.1f}**"
    return [name, average, *cells, f"{metrics.calibration_error:.3f}"]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]
