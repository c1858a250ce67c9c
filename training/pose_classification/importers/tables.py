"""Reading ``.npz`` files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter import InputError


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
    except (OSError, ValueError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise InputError(f"{path}: not a readable .npz ({error})") from error
