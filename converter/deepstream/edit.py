"""Editing the text of a document: an `action` into every object, `num_obj_meta` out of frames."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isnan

from converter.deepstream.render import LEFT_OUT, Label, encode_names, encode_score

_KEY = b"object_id"
_LEFT_OUT = LEFT_OUT.encode()
_OLDER = (b"action", b"action_score")
_SPELT_OUT = re.compile(rb"\\u00[2-7]")  # a character that a key could have as it is
_NUMBER = re.compile(rb"\s*:\s*\d+(?:(\s*,\s*)\Z|(?=\s*}))")  # and what stands behind it


class Editor:
    """Adds labels to the text of records, which stays as it is otherwise.

    Args:
        names: Class names.
    """

    def __init__(self, names: Sequence[str]) -> None:
        # Without their first quote, which is that of the key they are put before.
        self._members = [b'action": %b' % name for name in encode_names(names)]

    def edit(self, text: bytes, labels: Sequence[Label], numbers: int) -> bytes | None:
        """Return the text with the labels in front of each `object_id`, without `num_obj_meta`.

        Every object has an `object_id`, and `numbers` frames have a `num_obj_meta`. So where these
        stand between quotes as often as that, they stand nowhere else.

        Args:
            text: Records as they stand in the file.
            labels: The class of each object in it, -1 for none, and its score, nan for none.
            numbers: How many of its frames have a `num_obj_meta`.

        Returns:
            None where the text must be taken apart: it holds more than these keys, actions, keys
            that are spelt out, or a `num_obj_meta` that is no number.
        """
        pieces = text.split(b'"')  # one character is found much faster than several
        if (
            pieces.count(_KEY) != len(labels)
            or pieces.count(_LEFT_OUT) != numbers
            or any(key in pieces for key in _OLDER)
            or (b"\\" in text and _SPELT_OUT.search(text))
            or not _leave_out(pieces, numbers)
        ):
            return None
        place = 0
        for index, score in labels:
            place = pieces.index(_KEY, place + 1)
            before = pieces[place - 1]
            space = before[len(before.rstrip()) :] or b" "  # a line break and indents, maybe
            given = b"" if isnan(score) else b', "action_score": %b' % encode_score(score)
            pieces[place] = b'%b%b,%b"%b' % (self._members[index], given, space, _KEY)
        return b'"'.join(pieces)


def _leave_out(pieces: list[bytes], numbers: int) -> bool:
    """Take the `num_obj_meta` out of a text cut at its quotes; tell whether all were numbers."""
    place = 0
    for _ in range(numbers):
        place = pieces.index(_LEFT_OUT, place)
        value = _NUMBER.match(pieces[place + 1])
        if value is None:
            return False
        if value[1]:  # another member follows
            del pieces[place : place + 2]
        else:
            before = pieces[place - 1].rstrip().removesuffix(b",")
            pieces[place - 1 : place + 2] = [before + pieces[place + 1][value.end() :]]
    return True
