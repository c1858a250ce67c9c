"""Arrays of sequences from `.npy` files, checked and read batch by batch."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from client.model import ModelInfo
from client.pipeline import Batch
from converter import InputError

log = logging.getLogger(__name__)

BLOCK = 256  # sequences looked at together when searching for nan


def load_sequences(path: Path) -> npt.NDArray[np.generic]:
    """Map a `.npy` file into memory without reading it.

    Returns:
        The array as stored, in any byte order and memory order.

    Raises:
        InputError: It is missing, cut short, not a `.npy` file, or holds Python objects.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path}: cannot be read as a .npy array: {error}") from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: is an .npz archive; save one array with numpy.save")
    return array


def check_sequences(array: npt.NDArray[np.generic], model: ModelInfo, name: str) -> None:
    """Make sure that every number can be sent, before anything is sent.

    Args:
        array: (N, C, T, V, M) normalised, or (N, T, V, 4) raw for the ensemble.
        model: What it will be sent to.
        name: The file, for messages.

    Raises:
        InputError: The kind of number, the shape, or a nan or an infinity.
    """
    model.check_sequences(array.shape, name)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name}: holds {array.dtype}, not numbers: save it as float32")
    if array.dtype != np.float32:
        log.info("%s: holds %s, sent as float32", name, array.dtype)
    if array.dtype.kind != "f":
        return
    for first in range(0, len(array), BLOCK):
        with np.errstate(over="ignore"):  # what is too large for float32 becomes inf, and is told
            finite = np.isfinite(array[first : first + BLOCK].astype(np.float32, copy=False))
        if not finite.all():
            position = np.argwhere(~finite)[0] + [first, *[0] * (array.ndim - 1)]
            axes = zip(("N", *model.axes), position, strict=True)
            where = ", ".join(f"{axis}={index}" for axis, index in axes)
            raise InputError(f"{name}: not a finite number at {where}: replace missing joints by 0")


def batches(array: npt.NDArray[np.generic], size: int) -> Iterator[Batch]:
    """Cut an array into requests of `size` sequences; the last one may be smaller."""
    for first in range(0, len(array), size):
        yield Batch(first, np.ascontiguousarray(array[first : first + size], dtype=np.float32))
