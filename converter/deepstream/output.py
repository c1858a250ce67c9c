"""The text of a labelled document, in one of three styles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from math import nan
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from converter.deepstream.edit import Editor
from converter.deepstream.framing import BOM
from converter.deepstream.records import RecordFile
from converter.deepstream.render import Label, Renderer, decode_texts

# As it came, laid out as by NVIDIA's client, or without white space.
Style = Literal["verbatim", "nvidia", "compact"]
STYLES: tuple[str, ...] = get_args(Style)


class Contents(NamedTuple):
    """What a chunk of a document holds: objects, and frames with a `num_obj_meta`."""

    objects: int
    numbers: int


class Labels(NamedTuple):
    """What the objects of a document are given, in the order of the file.

    Attributes:
        names: Class names.
        classes: (objects,) int32, -1 for none.
        scores: (objects,) float32, nan for none; None where scores are not wanted.
    """

    names: Sequence[str]
    classes: NDArray[np.int32]
    scores: NDArray[np.float32] | None

    def parts(self, contents: Sequence[Contents]) -> Iterator[Labels]:
        """Yield those of the objects of each chunk."""
        end = 0
        for chunk in contents:
            begin, end = end, end + chunk.objects
            scores = None if self.scores is None else self.scores[begin:end]
            yield Labels(self.names, self.classes[begin:end], scores)

    def each(self) -> Iterator[Label]:
        """Return class and score of each object."""
        scores = repeat(nan) if self.scores is None else self.scores.tolist()
        return zip(self.classes.tolist(), scores, strict=False)


def labelled(
    file: RecordFile, contents: Sequence[Contents], labels: Labels, style: Style
) -> Iterator[bytes]:
    """Yield the text of a file with an `action` in every object, piece by piece.

    Args:
        file: The file, which has been scanned.
        contents: What each of its chunks holds.
        labels: The actions.
        style: How to write; where "verbatim" cannot edit the text, it is written without white
            space.
    """
    parts = labels.parts(contents)
    if style == "verbatim" and contents:  # without any records, all styles are []
        return _verbatim(file, contents, parts, Editor(labels.names))
    return _anew(file, parts, Renderer(labels.names, compact=style == "compact"))


def _anew(file: RecordFile, parts: Iterator[Labels], renderer: Renderer) -> Iterator[bytes]:
    for records, part in zip(file.replay(decode_texts), parts, strict=True):
        if records:
            yield renderer.render(records, part.each())
    yield renderer.end()


def _verbatim(
    file: RecordFile, contents: Sequence[Contents], parts: Iterator[Labels], editor: Editor
) -> Iterator[bytes]:
    for (before, text), chunk, part in zip(file.texts(), contents, parts, strict=True):
        done = editor.edit(text, list(part.each()), chunk.numbers)
        yield before.removeprefix(BOM)
        yield _rewritten(text, part) if done is None else done
    yield file.ending


def _rewritten(text: bytes, labels: Labels) -> bytes:
    renderer = Renderer(labels.names, compact=True)
    items = renderer.render(decode_texts(b"[%b]" % text), labels.each())
    return items.removeprefix(b"[") + text[len(text.rstrip()) :]
