"""Pictures of a training run and of an evaluation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.common.results import write_atomic

_DPI = 120
_TRAIN, _VALIDATION = "#4c72b0", "#dd8452"
_NAME = 40  # characters of a class name that are shown
_MOST_COUNTS_SHOWN = 40  # above this many classes the numbers in the cells are too small to read


def save_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw loss, accuracy and learning rate over the epochs.

    Args:
        history: One mapping an epoch with ``epoch``, ``lr``, ``train_loss``, ``train_acc_1`` and,
            for epochs with a validation, ``val_loss`` and ``val_acc_1`` (accuracies 0..1).
        path: The PNG to write.
    """
    figure = Figure(figsize=(12, 3.6), layout="constrained", dpi=_DPI)
    loss, accuracy, rate = figure.subplots(1, 3)
    for axes, name, title in ((loss, "loss", "Loss"), (accuracy, "acc_1", "Accuracy (%)")):
        scale = 100 if name == "acc_1" else 1
        for part, label, colour in (
            ("train", "training", _TRAIN),
            ("val", "validation", _VALIDATION),
        ):
            points = [
                (row["epoch"], row[f"{part}_{name}"] * scale)
                for row in history
                if f"{part}_{name}" in row
            ]
            if points:
                axes.plot(*zip(*points, strict=True), label=label, color=colour, marker=".")
        axes.set_title(title)
        axes.legend(frameon=False)
    accuracy.set_ylim(0, 101)
    loss.set_ylim(bottom=0)
    epochs, rates = [row["epoch"] for row in history], [row["lr"] for row in history]
    rate.plot(epochs, rates, color="#55a868", marker=".")
    rate.set_yscale("log")
    rate.set_title("Learning rate")
    for axes in (loss, accuracy, rate):
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def save_confusion(counts: NDArray[np.int64], class_names: Sequence[str], path: Path) -> None:
    """Draw a confusion matrix: colour is the share of the true class, numbers are counts.

    Names of more than 40 characters lose their middle.

    Args:
        counts: (K, K), rows are true classes.
        class_names: K names.
        path: The PNG to write.
    """
    classes = len(class_names)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [name if len(name) <= _NAME else f"{name[:24]}…{name[-15:]}" for name in class_names]
    cells = min(max(2.5, 0.55 * classes), 22)
    room = 0.08 * max(map(len, names))  # inches beside the cells
    size_in = (cells + room + 2, cells + 0.7 * room + 1.2)
    figure = Figure(figsize=size_in, layout="constrained", dpi=_DPI)
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, label="share of the true class")
    size = 10 if classes <= 20 else 7
    positions = range(classes)
    plain = {"parse_math": False}  # a $ in a name is a $
    axes.set_xticks(positions, names, rotation=40, ha="right", rotation_mode="anchor", **plain)
    axes.set_yticks(positions, names, **plain)
    axes.tick_params(labelsize=size, length=0)
    axes.set_xlabel("Predicted")
    axes.set_ylabel("True")
    hits = int(np.trace(counts))
    total = int(counts.sum())
    axes.set_title(f"{hits} of {total} right ({100 * hits / max(total, 1):.1f} %)")
    if classes <= _MOST_COUNTS_SHOWN:
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if share[row, column] > 0.55 else "#222222"
            text = str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size - 1)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a box stands in the picture
        write_atomic(path, lambda stream: figure.savefig(stream, format="png"))
