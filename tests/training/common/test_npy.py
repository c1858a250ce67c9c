"""Arrays from files of all kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converter import InputError
from training.common.npy import open_npy


def test_files_that_hold_no_array_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    with pytest.raises(InputError, match=r"x\.npy: No such file"):
        open_npy(path)
    for content in (b"", b"text"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"x\.npy: cannot be read as a \.npy array"):
            open_npy(path)
    with path.open("wb") as file:
        np.savez(file, data=np.zeros(3))
    with pytest.raises(InputError, match=r"x\.npy: must be a \.npy array, not an \.npz"):
        open_npy(path)
