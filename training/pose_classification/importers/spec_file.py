"""The spec beside imported arrays, with which a network can be trained on them as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from converter import Layout
from training.common.results import write_atomic
from training.pose_classification.importers.clips import Source

BATCH = 16  # training drops what does not fill one
TRAIN, TEST = ("train", "all"), ("val", "test")


def spec_of(
    source: Source,
    layout: Layout,
    files: Mapping[str, tuple[Path, Path]],
    counts: Mapping[str, int],
    named: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the arrays decide; sequences of any length are told from their padding.

    Args:
        source: The data set.
        layout: Skeleton layout of the arrays.
        files: Array and labels of each part.
        counts: Sequences of each part.
        named: Number and names of the classes.
    """

    def of(parts: tuple[str, ...], section: str) -> dict[str, Any]:
        found = next((files[part] for part in parts if part in files), None)
        keys = ("data_path", "label_path")
        return {section: dict(zip(keys, map(str, found), strict=True))} if found else {}

    model = {"graph_layout": layout.name, "input_channels": len(source.channels), "padding": "mask"}
    data = of(TRAIN, "train_dataset") | of(TEST, "val_dataset")
    batch = min([BATCH, *(count for part, count in counts.items() if part in TRAIN)])
    return {
        "model": model,
        "dataset": {**data, "batch_size": batch, "pose_type": source.pose_type, **named},
        "evaluate": of(TEST, "test_dataset"),
        "inference": of(TEST, "test_dataset"),
    }


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file of YAML, complete or not at all."""
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
    write_atomic(path, text.encode())
