"""Saying in one line what is wrong with a record: file, record, frame, object, key."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from converter.deepstream import framing
from converter.errors import InputError

_PLACE = re.compile(r" - at `\$\[(\d+)\](.*)`$")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_BYTE = re.compile(r"JSON is malformed: (.*) \(byte (\d+)\)")
_TYPES = {
    "array": "a list",
    "object": "an object",
    "int": "a whole number",
    "str": "text",
    "float": "a number",
    "bool": "true or false",
}


def explain(path: Path, error: Exception, text: bytes, first_record: int) -> InputError:
    """Turn an error of decoding `text`, an array of records, into the user's words.

    Args:
        path: The file.
        error: What msgspec raised.
        text: The JSON text that it was decoding.
        first_record: Number in the file (from 0) of the first record of `text`.
    """
    if isinstance(error, RecursionError):
        return InputError(f"{path}: nested too deeply from record {first_record} on")
    if isinstance(error, UnicodeDecodeError):
        record = first_record + framing.count_records(text[1 : error.start])
        return InputError(f"{path}: record {record} is not valid UTF-8")
    if not isinstance(error, msgspec.ValidationError):
        return _malformed(path, error, text, first_record)
    message = str(error)
    place = _PLACE.search(message)
    if place is None:
        return InputError(f"{path}: {message}")
    index = int(place.group(1))
    steps = [name or int(position) for name, position in _STEP.findall(place.group(2))]
    content: Any = None
    with contextlib.suppress(ValueError, RecursionError):  # further on there may be anything
        content = json.loads(text)[index]
    frame, person, key = _names(content, steps)
    problem = _wording(message[: place.start()], key)
    return InputError(f"{locate(path, first_record + index, frame, person)}: {problem}")


def locate(path: Path, record: int, frame: object = None, person: object = None) -> str:
    """Name a place in a file: record (from 0), frame number, object id."""
    where = f"{path}: record {record}"
    if frame is not None:
        where += f", frame {frame}"
    if person is not None:
        where += f", object {person}"
    return where


def _names(record: Any, steps: list[str | int]) -> tuple[object, object, str]:
    """Follow `steps` from a record; returns the frame's number, the object's id, and the key."""
    names: list[object] = [None, None]
    for level, name in enumerate(("frame_num", "object_id")):
        if len(steps) < 2:
            break
        listing, index, *steps = steps
        names[level] = f"at index {index}"
        with contextlib.suppress(LookupError, TypeError):
            record = record[listing][index]
            if record[name] is not None:
                names[level] = record[name]
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return names[0], names[1], key.lstrip(".")


def _wording(message: str, key: str) -> str:
    if missing := re.search(r"required field `(\w+)`", message):
        return f"'{missing.group(1)}' is missing"
    subject = f"'{key}'" if key else "it"
    if types := re.match(r"Expected `([^`]+)`(?:, got `([^`]+)`| (.*))", message):
        wanted, got, bound = types.groups()
        kinds = " or ".join(_TYPES.get(kind, kind) for kind in wanted.split(" | "))
        return f"{subject} must be {kinds}" + (
            f", is {_TYPES.get(got, got)}" if got else f" {bound}"
        )
    return f"{subject}: {message[0].lower()}{message[1:]}"


def _malformed(path: Path, error: Exception, text: bytes, first_record: int) -> InputError:
    detail = _BYTE.match(str(error))
    if detail is None:
        return InputError(f"{path}: record {first_record} is not valid JSON ({error})")
    offset = int(detail.group(2))
    record = first_record + framing.count_records(text[1:offset])
    near = text[max(0, offset - 20) : offset + 10].decode(errors="replace")
    return InputError(f"{path}: record {record} is not valid JSON: {detail.group(1)} at {near!r}")
