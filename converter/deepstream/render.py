"""Writing records with an `action` in every object, laid out as NVIDIA's client does.

The layout is that of `json.dump(data, sort_keys=True, indent=2, ensure_ascii=False)`. Numbers are
copied as they stand in the input and never parsed, so they keep their digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import isnan
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

# The members of a JSON object: `Raw` as read, or `bytes` as they are to be written.
Fields = dict[str, Any]
Label = tuple[int, float]

LEFT_OUT = "num_obj_meta"  # of every frame, as by NVIDIA's client

# Keys whose values hold numbers only, and so need no second look.
_NUMBERS = frozenset({"pose25d", "pose3d"})


class FrameText(NamedTuple):
    """A frame without its objects, and these; None when it has no `objects`."""

    fields: Fields
    objects: list[Fields] | None


class RecordText(NamedTuple):
    """A record without its frames, and these."""

    fields: Fields
    frames: list[FrameText]


class _Frame(Struct, forbid_unknown_fields=True, gc=False):
    batch_id: Raw | UnsetType = UNSET
    frame_num: Raw | UnsetType = UNSET
    ntp_timestamp: Raw | UnsetType = UNSET
    num_obj_meta: Raw | UnsetType = UNSET
    source_id: Raw | UnsetType = UNSET
    objects: list[dict[str, Raw]] | None = None


class _Record(Struct, forbid_unknown_fields=True, gc=False):
    batches: list[_Frame]
    num_frames_in_batch: Raw | UnsetType = UNSET
    producer: Raw | UnsetType = UNSET


_decode_usual = msgspec.json.Decoder(list[_Record]).decode
_decode_objects = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
_decode_string = msgspec.json.Decoder(str).decode


def decode_texts(array: bytes) -> list[RecordText]:
    """Take an array of records apart without looking into their values.

    Records with the usual members are taken apart in one go, others level by level.
    """
    try:
        return [
            RecordText(
                _members(record), [FrameText(_members(f), f.objects) for f in record.batches]
            )
            for record in _decode_usual(array)
        ]
    except msgspec.ValidationError:
        return [_take_apart(record) for record in _decode_objects(array)]


def encode_names(labels: Sequence[str]) -> list[bytes]:
    """Return the class names as JSON; the last, of class -1, is empty."""
    return [msgspec.json.encode(str(label)) for label in (*labels, "")]


def encode_score(score: float) -> bytes:
    """Return a score as JSON, to six digits."""
    return repr(round(score, 6)).encode()


class Renderer:
    """Writes an array of records with labels.

    Args:
        labels: Class names.
        compact: Write no white space.
    """

    def __init__(self, labels: Sequence[str], *, compact: bool = False) -> None:
        self._actions = encode_names(labels)
        self._indent = -1 if compact else 2
        # What stands between the brackets of an array and its items.
        self._edge = b"" if compact else b"\n"
        self._begun = False

    def render(self, records: Iterable[RecordText], labels: Iterator[Label]) -> bytes:
        """Return the text of the next records of the array; there must be one at least.

        Args:
            records: The records, which are used up.
            labels: Is asked for the class of each object, -1 for none, and its score, nan for
                none, in the order of the file.
        """
        array = _list([self._record(record, labels) for record in records])
        items = msgspec.json.format(array, indent=self._indent)[1 : -1 - len(self._edge)]
        opening = b"," if self._begun else b"["
        self._begun = True
        return opening + items

    def end(self) -> bytes:
        """Return the end of the array."""
        return self._edge + b"]" if self._begun else b"[]"

    def _record(self, record: RecordText, labels: Iterator[Label]) -> bytes:
        frames = [self._frame(frame, labels) for frame in record.frames]
        return _object({**record.fields, "batches": _list(frames)})

    def _frame(self, frame: FrameText, labels: Iterator[Label]) -> bytes:
        fields = frame.fields
        fields.pop(LEFT_OUT, None)
        if frame.objects is not None:
            fields["objects"] = _list([self._person(person, labels) for person in frame.objects])
        return _object(fields)

    def _person(self, fields: Fields, labels: Iterator[Label]) -> bytes:
        label, score = next(labels)
        fields["action"] = self._actions[label]
        fields.pop("action_score", None)
        if not isnan(score):
            fields["action_score"] = encode_score(score)
        return _object(fields)


def _members(struct: Struct) -> Fields:
    members = msgspec.structs.asdict(struct)
    return {name: value for name, value in members.items() if type(value) is Raw}


def _take_apart(record: Fields) -> RecordText:
    frames = _decode_objects(record.pop("batches"))
    objects = [frame.pop("objects", None) for frame in frames]
    people = [None if raw is None else _decode_objects(raw) for raw in objects]
    return RecordText(record, [FrameText(*pair) for pair in zip(frames, people, strict=True)])


@lru_cache(maxsize=256)
def _plan(keys: tuple[str, ...]) -> list[tuple[str, bytes, bool]]:
    """Return the keys in order, each with the text before its value, and if that is all numbers."""
    return [
        (key, (b"," if place else b"{") + msgspec.json.encode(key) + b":", key in _NUMBERS)
        for place, key in enumerate(sorted(keys))
    ]


def _object(fields: Fields) -> bytes:
    parts: list[Raw | bytes] = []
    for key, text, numbers in _plan(tuple(fields)):
        value = fields[key]
        done = numbers or type(value) is bytes
        parts += (text, value if done else _canonical(value))
    parts.append(b"}" if parts else b"{}")
    return b"".join(parts)


def _list(items: list[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _canonical(value: Raw) -> bytes:
    """Return a value with the keys of its objects sorted and its strings escaped as Python does."""
    text = bytes(value)
    if text.isdigit() or (b"{" not in text and b"\\" not in text and text.isascii()):
        return text
    try:
        if text.startswith(b"{"):
            return _object(_decode_object(text))
        if text.startswith(b"["):
            return _list([_canonical(item) for item in _decode_list(text)])
        return msgspec.json.encode(_decode_string(text))
    except (msgspec.DecodeError, RecursionError):
        return text  # half a surrogate pair, hundreds of brackets: JSON, so left as it is
