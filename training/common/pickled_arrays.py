"""Stand-ins for what NumPy's pickles call.

NumPy's own functions believe the pickle: a forged type makes them take numbers for addresses.
These make arrays of plain numbers, of text, or of what else the pickle holds, and check their size.
"""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CODE = re.compile(r"[<>=|]?(b1|[iu][1248]|f(2|4|8|16)|c(8|16|32)|[SU]\d{1,9}|O8?)")


class _Type:
    """Stands for a ``numpy.dtype``; its state can only choose the order of the bytes."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            named = repr(code[:20]) if isinstance(code, str) else f"a {type(code).__name__}"
            raise pickle.UnpicklingError(f"refuses arrays of type {named}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array(np.ndarray[Any, Any]):
    """An array whose state is checked before NumPy believes it."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        made = _from_buffer(content, kind, shape, "F" if fortran else "C")
        plain = content if made.dtype.hasobject else _bytes_of(content)
        super().__setstate__((1, made.shape, made.dtype, bool(fortran), plain))


def _reconstruct(*_: object) -> _Array:
    """Make an empty array; what the pickle says of it comes with its state."""
    return _Array(0)


def _scalar(kind: object, content: object) -> Any:
    return _from_buffer(content, kind, (), "C")[()]


def _from_buffer(
    content: object, kind: object, shape: Any, order: Any, axes: Any = None
) -> NDArray[Any]:
    """Make an array of the content; with ``axes`` (NumPy 2) ``shape`` is before a transpose."""
    if not isinstance(kind, _Type):
        raise pickle.UnpicklingError("refuses arrays without a type")
    flat: NDArray[Any]
    if kind.dtype.hasobject and isinstance(content, list):
        flat = np.fromiter(content, object, len(content))
    else:
        flat = np.frombuffer(_bytes_of(content), kind.dtype)
    if axes is None:
        return flat.reshape(shape, order=order)
    return flat.reshape(shape).transpose(axes)


def _bytes_of(content: object) -> bytes:
    """Return what an array is made of; Python 2 wrote text."""
    if isinstance(content, str):
        return content.encode("latin1")
    if not isinstance(content, (bytes, bytearray)):
        raise pickle.UnpicklingError(f"refuses arrays made of a {type(content).__name__}")
    return bytes(content)


STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): "numpy.ndarray",  # only ever handed to `_reconstruct`
}
for _core in ("numpy.core", "numpy._core"):  # NumPy 1 and NumPy 2
    STAND_INS[f"{_core}.multiarray", "scalar"] = _scalar
    STAND_INS[f"{_core}.multiarray", "_reconstruct"] = _reconstruct
    STAND_INS[f"{_core}.numeric", "_frombuffer"] = _from_buffer
