"""Where a task's files go: the results folder with `experiment.yaml` and `status.json`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from converter import InputError
from converter.atomic import replacing
from training.common.spec import SpecModel
from training.common.status import StatusFile


@dataclass(frozen=True)
class ResultsDir:
    """The folder of one task's run.

    Attributes:
        path: the folder; it exists.
        status: its `status.json`.
    """

    path: Path
    status: StatusFile


def is_main_process() -> bool:
    """Whether this process writes the files of a distributed run (rank 0, or no such run)."""
    ranks = (os.environ.get(name, "0") for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))
    return all(rank == "0" for rank in ranks)


def results_path(spec: SpecModel, task: str) -> Path:
    """`<task>.results_dir` where it is set, else `results_dir/<task>`, as in TAO."""
    own = getattr(getattr(spec, task), "results_dir", None)
    if own:
        return Path(own)
    return Path(getattr(spec, "results_dir", None) or "/results") / task


def open_results(spec: SpecModel, task: str) -> ResultsDir:
    """Make the results folder of a task and write the effective spec into it.

    The encryption key is left out of `experiment.yaml`: it would lie beside what it protects.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    tree = spec.model_dump(mode="json")
    if tree.get("encryption_key") is not None:
        tree["encryption_key"] = None
    return open_folder(results_path(spec, task), tree)


def open_folder(path: Path, tree: Mapping[str, Any] | None = None) -> ResultsDir:
    """Make a results folder.

    Args:
        path: the folder.
        tree: what goes into its `experiment.yaml`; None: no such file.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    if not is_main_process():
        return ResultsDir(path, StatusFile(None))
    try:
        path.mkdir(parents=True, exist_ok=True)
        if tree is not None:
            text = yaml.safe_dump(dict(tree), sort_keys=False)
            write_atomic(path / "experiment.yaml", text.encode())
    except OSError as error:
        raise InputError(
            f"{path}: cannot write results here ({error.strerror}); set results_dir=FOLDER"
        ) from None
    return ResultsDir(path, StatusFile(path / "status.json"))


def write_atomic(path: Path, content: bytes | Callable[[BinaryIO], None]) -> None:
    """Write a file beside its name, then put it in place: never a partial file.

    Args:
        path: the final name.
        content: the bytes, or a function that writes them to an open file.
    """
    with replacing(path) as stream:
        if callable(content):
            content(stream)
        else:
            stream.write(content)
