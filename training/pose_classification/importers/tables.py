"""Reading ``.npz`` files."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter import InputError

DAMAGED = (zipfile.BadZipFile, zlib.error)  # what a broken zip raises, which .npz are
_MUST_BE = {
    "frames": "numbers of shape (frames of all sequences, joints, 3)",
    "offsets": "whole numbers: where each of the names begins in frames, and where the last ends",
    "names": "a list of texts",
}


def read_npz(path: Path, *keys: str) -> dict[str, NDArray[Any]]:
    """Read some arrays of an ``.npz``, without unpickling anything.

    Raises:
        InputError: The file cannot be read or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            return {key: content[key] for key in keys}
    except KeyError as error:
        raise InputError(f"{path}: has no array {error.args[0].split()[0]}") from error
    except (OSError, ValueError, *DAMAGED, AttributeError, TypeError) as error:
        raise InputError(f"{path}: not a readable .npz ({error})") from error


def read_sequences(path: Path, *further: str) -> dict[str, NDArray[Any]]:
    """Read N sequences that lie one behind the other, and some arrays more.

    Returns:
        ``frames`` (sum of T, J, 3), ``offsets`` (N + 1), ``names`` (N) and `further`.

    Raises:
        InputError: The file cannot be read, lacks an array, or one of the three is something else.
    """
    content = read_npz(path, *_MUST_BE, *further)
    frames, offsets, names = (content[key] for key in _MUST_BE)
    whole = offsets.dtype.kind in "iu" and offsets.shape == (names.size + 1,)
    fits = {
        "frames": frames.ndim == 3 and frames.shape[2] == 3 and frames.dtype.kind in "fiu",
        "names": names.ndim == 1 and names.dtype.kind == "U",
        "offsets": whole and offsets[0] >= 0 and offsets[-1] <= len(frames),
    }
    if odd := [key for key, fit in fits.items() if not fit]:
        raise InputError(f"{path}: {odd[0]} must be {_MUST_BE[odd[0]]}")
    return content
