"""Labels of a data set: names and class ids, as TAO's pickle or as JSON.

TAO stores ``[[names], [class ids]]`` in a pickle. The same list of two lists is read from JSON,
and so is ``{"names": [...], "labels": [...]}``, which is what is written here.
"""

from __future__ import annotations

import json
import pickle
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import InputError
from training.common.results import write_atomic
from training.common.safe_pickle import load_pickle


@dataclass(frozen=True)
class Labels:
    """Names of N sequences and their class ids.

    Attributes:
        names: N names of sequences.
        ids: int64 (N,), class ids.
        path: The file they came from, for messages.
    """

    names: tuple[str, ...]
    ids: NDArray[np.int64]
    path: Path

    def __len__(self) -> int:
        return len(self.names)

    def check(self, count: int, num_classes: int, data_path: Path) -> None:
        """Compare the labels with the data they belong to.

        Args:
            count: Number of sequences in the data.
            num_classes: Number of classes of the network.
            data_path: The data, for the message.

        Raises:
            InputError: Lengths differ, or a class id is not in 0..num_classes-1; the message
                names the first offender.
        """
        if len(self) != count:
            raise InputError(
                f"{self.path}: {len(self)} labels for the {count} sequences of {data_path}"
            )
        outside = np.flatnonzero((self.ids < 0) | (self.ids >= num_classes))
        if outside.size:
            first = int(outside[0])
            raise InputError(
                f"{self.path}: label {first} ({self.names[first]!r}) has class id "
                f"{self.ids[first]}, allowed are 0..{num_classes - 1} (dataset.num_classes)"
            )


def read_labels(path: Path) -> Labels:
    """Read labels from ``.pkl``/``.pickle`` or ``.json``.

    Args:
        path: The label file.

    Returns:
        The names and ids.

    Raises:
        InputError: The file cannot be read or does not hold a list of names and a list of ids.
    """
    suffix = path.suffix.lower()
    if suffix in (".pkl", ".pickle"):
        content = load_pickle(path)
    elif suffix == ".json":
        content = _load_json(path)
    else:
        raise InputError(f"{path}: labels must be a .pkl or .json file")
    raw_names, raw_ids = _two_lists(content, path)
    names, ids = _names(raw_names, path), _ids(raw_ids, path)
    if len(names) != len(ids):
        raise InputError(f"{path}: {len(names)} names but {len(ids)} class ids")
    return Labels(names, ids, path)


def write_labels(path: Path, names: Sequence[str], ids: Sequence[int]) -> None:
    """Write labels atomically, as TAO's pickle (``.pkl``) or as JSON (``.json``).

    Args:
        path: The file to write; its suffix chooses the format.
        names: N names of sequences.
        ids: N class ids.
    """
    plain = [int(i) for i in ids]
    if path.suffix.lower() == ".json":
        text = json.dumps({"names": list(names), "labels": plain}, ensure_ascii=False, indent=1)
        content = f"{text}\n".encode()
    else:
        content = pickle.dumps([list(names), plain], protocol=4)
    write_atomic(path, content)


def _load_json(path: Path) -> object:
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {error}") from error
    return content


def _two_lists(content: object, path: Path) -> tuple[object, object]:
    if isinstance(content, dict) and {"names", "labels"} <= content.keys():
        return content["names"], content["labels"]
    if isinstance(content, (list, tuple)) and len(content) == 2:
        return content[0], content[1]
    raise InputError(
        f"{path}: expected [[names], [class ids]] or {{names, labels}}, "
        f"found {type(content).__name__}"
    )


def _names(names: object, path: Path) -> tuple[str, ...]:
    if isinstance(names, np.ndarray):
        names = names.tolist()
    if not isinstance(names, (list, tuple)):
        raise InputError(f"{path}: the names must be a list, not {type(names).__name__}")
    for position, name in enumerate(names):
        if not isinstance(name, str):
            raise InputError(f"{path}: name {position} is {reprlib.repr(name)}, which is not text")
    return tuple(names)


def _ids(ids: object, path: Path) -> NDArray[np.int64]:
    if isinstance(ids, np.ndarray):
        ids = ids.tolist()
    if not isinstance(ids, (list, tuple)):
        raise InputError(f"{path}: the class ids must be a list, not {type(ids).__name__}")
    for position, value in enumerate(ids):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise InputError(
                f"{path}: class id {position} is {reprlib.repr(value)}, which is not a whole number"
            )
        if abs(int(value)) >= 2**31:
            raise InputError(f"{path}: class id {position} is {value}, which cannot be a class id")
    return np.asarray(ids, dtype=np.int64)
