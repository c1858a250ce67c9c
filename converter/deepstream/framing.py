"""Where JSON records begin and end in a buffer of bytes, without decoding them."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder

import msgspec
import numpy as np
from numpy.typing import NDArray

BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
BETWEEN = _SPACE + b","  # records; lines of them may end with the comma of an array
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
# printf writes nan, -nan, inf; Python NaN, Infinity. The first character is spelt out because the
# search is fast then.
_NOT_FINITE = re.compile(rb"[nNiI](?:[aA][nN]|[nN][fF](?:[iI][nN][iI][tT][yY])?)\b")
_FIRST_KEY = re.compile(rb'\{\s*"[^"\\]*"')
_STRUCTURE = re.compile(rb'[][{}",:]')
_UTF8 = getincrementaldecoder("utf-8")
_OFFSET = re.compile(r"\(byte (\d+)\)")
# Change of depth by each byte.
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[list(b"{[")] = 1
_STEPS[list(b"}]")] = -1


def skip_space(buffer: bytes, start: int) -> int:
    """Return the first offset from `start` that is not white space."""
    while start < len(buffer) and buffer[start] in _SPACE:
        start += 1
    return start


def signature(buffer: bytes, start: int) -> bytes:
    """Return how the record at `start` begins, up to its first key; empty if that is not there."""
    found = _FIRST_KEY.match(buffer, start)
    return found.group() if found else b""


def likely_end(buffer: bytes, start: int, beginning: bytes) -> int | None:
    """Return the offset before the last `beginning` and the comma in front of it.

    Records that a program wrote begin alike, so records probably end there. It is a guess: the
    same text may stand inside a record.
    """
    end = buffer.rfind(beginning, start + 1) if beginning else -1
    while end > start and buffer[end - 1] in _SPACE:
        end -= 1
    return end - 1 if end > start and buffer[end - 1 : end] == b"," else None


def sure_end(buffer: bytes, start: int) -> int | None:
    """Return the end of the last complete record from `start` on, by counting brackets."""
    ends = record_ends(buffer[start:])
    return start + int(ends[-1]) if len(ends) else None


def count_records(text: bytes) -> int:
    """Return how many complete records `text` begins with."""
    return len(record_ends(text))


def record_ends(text: bytes) -> NDArray[np.intp]:
    """Return where each complete record that `text` begins with ends, by counting brackets."""
    codes = np.frombuffer(_without_strings(text), dtype=np.uint8)
    places = np.flatnonzero(_STEPS[codes])
    depth = np.cumsum(_STEPS[codes[places]], dtype=np.int64)
    outside = np.flatnonzero(depth < 0)
    ends = depth[: outside[0] if len(outside) else None] == 0
    found: NDArray[np.intp] = places[: len(ends)][ends] + 1
    return found


def without_nan(text: bytes) -> tuple[bytes, int]:
    """Write null for every nan and inf outside strings; returns the text and how many."""
    pieces: list[bytes] = []
    done = 0
    for token in _NOT_FINITE.finditer(_without_strings(text)):
        pieces += (text[done : token.start()].removesuffix(b"-"), b"null")
        done = token.end()
    return b"".join((*pieces, text[done:])), len(pieces) // 2


def _without_strings(text: bytes) -> bytes:
    """Return the text with blanks in place of its strings."""
    return _STRINGS.sub(lambda string: b" " * len(string.group()), text)


def is_torn(record: bytes) -> bool:
    """Tell whether `record` is the beginning of a JSON object whose end is missing."""
    try:
        text = _UTF8().decode(without_nan(record)[0])  # without what is torn of a character
        msgspec.json.decode(text)
    except (UnicodeDecodeError, RecursionError):
        return False
    except msgspec.DecodeError as error:
        place = _OFFSET.search(str(error))
        # A number or word may be torn too, which is then what the text ends with.
        end = text.encode()[int(place.group(1)) :] if place else b""
        return text.startswith("{") and not _STRUCTURE.search(end)
    return False
