"""Read foreign pickles without running what is in them.

A pickle is a program. Only plain containers, text, numbers and NumPy arrays of numbers or text are
admitted here; whatever else it asks for is refused by its qualified name before it is imported.
"""

from __future__ import annotations

import codecs
import pickle
import reprlib
from pathlib import Path
from typing import Any

from converter import InputError
from training.common.pickled_arrays import STAND_INS


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Stand-in for ``_codecs.encode``, by which protocols 0 to 2 store bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"refuses the codec {reprlib.repr(encoding)}")
    return codecs.encode(text, "latin1")


_ADMITTED = {("_codecs", "encode"): _encode_latin1, **STAND_INS}


class _Unpickler(pickle.Unpickler):
    """Admits the entries of ``_ADMITTED`` and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refuses {module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("refuses a persistent id")


def load_pickle(path: Path) -> object:
    """Read a pickle made of containers, text, numbers and NumPy arrays.

    Args:
        path: The file.

    Returns:
        What the pickle holds.

    Raises:
        InputError: The file cannot be read, is no pickle, or asks for anything else; the
            message names it.
    """
    try:
        with path.open("rb") as file:
            return _Unpickler(file, encoding="latin1").load()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: not read: the pickle {_reason(error)} (only lists, tuples, dicts, text, "
            "numbers and NumPy arrays are admitted)"
        ) from error
    except Exception as error:  # a damaged pickle can fail in any of its opcodes
        raise InputError(f"{path}: not a readable pickle ({type(error).__name__})") from error


def _reason(error: pickle.UnpicklingError) -> str:
    text = str(error)
    return text if text.startswith("refuses") else f"is damaged: {text}"
