"""Arrays of other programs: `.npy` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter import InputError


def open_npy(path: Path) -> NDArray[Any]:
    """Map an array into memory, without unpickling anything.

    Raises:
        InputError: The file cannot be read, or holds no array.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be read as a .npy array: {error}") from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise InputError(f"{path}: must be a .npy array, not an .npz")
    return array
