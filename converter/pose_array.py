"""Poses as somebody has them, as an array of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.errors import InputError


def pose_array(keypoints: Any) -> NDArray[Any]:
    """Return poses as an array; an array of numbers is returned itself.

    Args:
        keypoints: An array or nested lists of real numbers; None counts as nan.

    Raises:
        InputError: They are anything else.
    """
    try:
        array = np.asarray(keypoints)
        if array.dtype.kind == "O" and array.ndim:
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"poses must be an array of numbers ({error})") from None
    if array.dtype.kind not in "fiub":
        raise InputError(f"poses must be an array of numbers, these are {array.dtype}")
    return array
