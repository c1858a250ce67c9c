"""Put the figures of a model into its card, between two marks; they are kept as JSON beside it."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter import InputError
from training.common.results import write_atomic
from training.recipes.six_class.rules import CLASSES

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
Figures = Mapping[str, Any]


def read_figures(card: Path) -> dict[str, Any]:
    """Return the figures beside a card, empty where there are none yet.

    Raises:
        InputError: there is no card, it lacks the marks, or the figures are not JSON.
    """
    _parts(card)
    path = card.with_suffix(".json")
    try:
        figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}): remove it") from error
    return figures


def update_card(path: Path, figures: str) -> None:
    """Replace what is between the marks of a card.

    Raises:
        InputError: there is no card, or it lacks the marks.
    """
    head, tail = _parts(path)
    write_atomic(path, f"{head}{BEGIN}\n\n{figures}\n{END}{tail}".encode())


def render(figures: Figures) -> str:
    """Return the figures as Markdown.

    Args:
        figures: what `__main__` writes as JSON; parts may be missing.
    """
    parts: dict[str, Callable[[Any], list[str]]] = {
        "facts": lambda part: [*(f"- {what}: {value}" for what, value in part.items()), ""],
        "runs": _runs,
        "accuracy": _accuracy,
        "leave_one_out": _leave_one_out,
        "unknown": _unknown,
        "called_jumping": _called_jumping,
    }
    lines = [
        line for name, make in parts.items() if name in figures for line in make(figures[name])
    ]
    return "\n".join(lines)


def average_accuracy(metrics: Figures, classes: Sequence[str] = CLASSES) -> float:
    """Return the mean accuracy over the classes, out of those named, that the test holds.

    Args:
        metrics: of one test, as `Metrics.as_dict` gives them.
        classes: names of classes.
    """
    of_class = metrics["classes"]
    held: list[float] = [
        of_class[name]["accuracy"] for name in classes if of_class[name]["sequences"]
    ]
    return sum(held) / len(held)


def _parts(path: Path) -> tuple[str, str]:
    """Return what is before and behind the marks."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not 0 <= text.find(BEGIN) < text.find(END):
        raise InputError(f"{path}: must hold the lines {BEGIN} and {END}")
    return text.partition(BEGIN)[0], text.partition(BEGIN)[2].partition(END)[2]


def _runs(runs: Figures) -> list[str]:
    rows = [
        [split, source, *(str(counts[name]) for name in CLASSES)]
        for split, sources in runs.items()
        for source, counts in sources.items()
    ]
    return ["Labelled runs:", "", *_table(["part", "source", *CLASSES], rows)]


def _accuracy(tests: Figures) -> list[str]:
    return [
        "Accuracy in percent on people held out (sequences in brackets; average: mean over the "
        "classes shown):",
        "",
        *_table(
            ["test", "average", *CLASSES, "calibration error"],
            [_accuracy_row(name, metrics, CLASSES) for name, metrics in tests.items()],
        ),
    ]


def _leave_one_out(trainings: Figures) -> list[str]:
    rows = [
        [
            *_accuracy_row(source, part["accuracy"], part["classes_trained"]),
            _percent(part["auroc"]),
        ]
        for source, part in trainings.items()
    ]
    facts = [part["facts"] for part in trainings.values()]
    efforts = {f"{fact['training data']}, {fact['training'].split(',')[0]}" for fact in facts}
    answers = np.sum([part["accuracy"]["confusion_matrix"] for part in trainings.values()], axis=0)
    return [
        "Accuracy in percent on a data set that a network of the same recipe was trained without, "
        "with everybody in it (classes that the other sets do not show are left out; "
        f"{'; '.join(sorted(efforts))}), and AUROC of known against its actions of no class:",
        "",
        *_table(["tested on", "average", *CLASSES, "calibration error", "AUROC"], rows),
        "What was answered, all of these together (a row is a true class; without HDM05 no network "
        "knew of jumping):",
        "",
        *_table(
            ["", *CLASSES],
            [
                [name, *(str(count) for count in row)]
                for name, row in zip(CLASSES, answers.tolist(), strict=True)
            ],
        ),
    ]


def _accuracy_row(name: str, metrics: Figures, classes: Sequence[str]) -> list[str]:
    cells = ["-"] * len(CLASSES)
    for index, label in enumerate(CLASSES):
        of_class = metrics["classes"][label]
        if of_class["sequences"] and label in classes:
            cells[index] = f"{_percent(of_class['accuracy'])} ({of_class['sequences']})"
    average = f"**{_percent(average_accuracy(metrics, classes))}**"
    return [name, average, *cells, f"{metrics['expected_calibration_error']:.3f}"]


def _unknown(unknown: Figures) -> list[str]:
    known = unknown["known"]
    scores = [
        [score, *(_percent(share) for share in of_source.values())]
        for score, of_source in unknown["auroc"].items()
    ]
    sources = list(next(iter(unknown["auroc"].values())))
    actions = [
        [
            *(entry["source"], entry["action"], str(entry["sequences"])),
            *(_percent(entry["auroc"]), _percent(entry["called_unknown"]), entry["else_called"]),
        ]
        for entry in unknown["actions"]
    ]
    return [
        "Known against unknown actions, people held out: AUROC in percent of four scores, the "
        "unknown by data set:",
        "",
        *_table(["score", *sources], scores),
        f"With `unknown` on (largest logit below {unknown['level']}), "
        f"{_percent(known['kept'])} % of {known['sequences']} known sequences keep their answer "
        f"and {_percent(known['right_and_kept'])} % of all have the right one. The unknown by "
        "action:",
        "",
        *_table(
            ["source", "action", "sequences", "AUROC", "called unknown", "without it mostly"],
            actions,
        ),
    ]


def _called_jumping(checks: Sequence[Figures]) -> list[str]:
    rows = [[check["what"], str(check["clips"]), _percent(check["jumping"])] for check in checks]
    return [
        "Share of sequences called jumping, in percent, held-out people:",
        "",
        *_table(["sensor and action", "sequences", "called jumping"], rows),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]
