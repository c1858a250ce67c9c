"""Putting an `action` into every object of a text that stays as it is otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isnan

from converter.deepstream.render import Label, encode_names, encode_score

_KEY = b"object_id"
_OLDER = (b"action", b"action_score")
_SPELT_OUT = re.compile(rb"\\u00[2-7]")  # a character that a key could have as it is


class Inserter:
    """Adds labels to the text of records.

    Args:
        names: Class names.
    """

    def __init__(self, names: Sequence[str]) -> None:
        # Without their first quote, which is that of the key they are put before.
        self._members = [b'action": %b' % name for name in encode_names(names)]

    def insert(self, text: bytes, labels: Sequence[Label]) -> bytes | None:
        """Return the text with the labels in front of each `object_id`.

        Every object has that key at least once. So where it stands between quotes as often as
        there are objects, it stands nowhere else.

        Args:
            text: Records as they stand in the file.
            labels: The class of each object in it, -1 for none, and its score, nan for none.

        Returns:
            None where the text must be taken apart: it holds more than these keys, actions, or
            keys that are spelt out.
        """
        pieces = text.split(b'"')  # one character is found much faster than several
        if (
            pieces.count(_KEY) != len(labels)
            or any(key in pieces for key in _OLDER)
            or (b"\\" in text and _SPELT_OUT.search(text))
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
