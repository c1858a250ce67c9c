"""Putting an `action` into every object of a text that stays as it is otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isnan

import msgspec

from converter.deepstream.render import Label

_KEY = b'"object_id"'
_OLDER = b'"action'
_SPELT_OUT = re.compile(rb"\\u00[2-7]")  # a character that a key could have as it is


class Inserter:
    """Adds labels to the text of records.

    Args:
        names: Class names.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._members = [b'"action": %b' % msgspec.json.encode(name) for name in (*names, "")]

    def insert(self, text: bytes, labels: Sequence[Label]) -> bytes | None:
        """Return the text with the labels in front of each `object_id`.

        Every object has that key at least once. So where the text holds it as often as there are
        objects, it stands nowhere else.

        Args:
            text: Records as they stand in the file.
            labels: The class of each object in it, -1 for none, and its score, nan for none.

        Returns:
            None where the text must be taken apart: it holds more than these keys, actions, or
            keys that are spelt out.
        """
        pieces = text.split(_KEY)
        if len(pieces) != len(labels) + 1 or _OLDER in text or _SPELT_OUT.search(text):
            return None
        head = pieces[0]
        # The white space in front of one key, a line break and indents maybe, does for all.
        after = b"," + (head[len(head.rstrip()) :] or b" ") + _KEY
        plain = [member + after for member in self._members]
        woven = [b""] * (2 * len(labels) + 1)
        woven[::2] = pieces
        woven[1::2] = [
            plain[index] if isnan(score) else self._scored(index, score) + after
            for index, score in labels
        ]
        return b"".join(woven)

    def _scored(self, index: int, score: float) -> bytes:
        return self._members[index] + b', "action_score": %a' % round(score, 6)
