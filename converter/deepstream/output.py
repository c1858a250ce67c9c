"""The text of a labelled document, in one of three styles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from math import nan
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from converter.deepstream.framing import BOM
from converter.deepstream.insert import Inserter
from converter.deepstream.records import RecordFile
from converter.deepstream.render import Label, Renderer, decode_texts

# Laid out as by NVIDIA's client, without white space, or as it came.
Style = Literal["nvidia", "compact", "verbatim"]
STYLES: tuple[str, ...] = get_args(Style)


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

    def parts(self, counts: Sequence[int]) -> Iterator[Labels]:
        """Yield those of the first objects, of the next, and so on, as many as `counts` says."""
        end = 0
        for count in counts:
            begin, end = end, end + count
            scores = None if self.scores is None else self.scores[begin:end]
            yield Labels(self.names, self.classes[begin:end], scores)

    def each(self) -> Iterator[Label]:
        """Return class and score of each object."""
        scores = repeat(nan) if self.scores is None else self.scores.tolist()
        return zip(self.classes.tolist(), scores, strict=False)


def labelled(
    file: RecordFile, counts: Sequence[int], labels: Labels, style: Style
) -> Iterator[bytes]:
    """Yield the text of a file with an `action` in every object, piece by piece.

    Args:
        file: The file, which has been scanned.
        counts: Number of objects in each of its chunks.
        labels: The actions.
        style: How to write; where "verbatim" cannot add to the text, it is written without white
            space.
    """
    parts = labels.parts(counts)
    if style == "verbatim" and counts:  # without any records, all styles are []
        return _verbatim(file, parts, Inserter(labels.names))
    return _anew(file, parts, Renderer(labels.names, compact=style == "compact"))


def _anew(file: RecordFile, parts: Iterator[Labels], renderer: Renderer) -> Iterator[bytes]:
    for records, part in zip(file.replay(decode_texts), parts, strict=True):
        if records:
            yield renderer.render(records, part.each())
    yield renderer.end()


def _verbatim(file: RecordFile, parts: Iterator[Labels], inserter: Inserter) -> Iterator[bytes]:
    for (before, text), part in zip(file.texts(), parts, strict=True):
        done = inserter.insert(text, list(part.each()))
        yield before.removeprefix(BOM)
        yield _rewritten(file, text, part) if done is None else done
    yield file.ending


def _rewritten(file: RecordFile, text: bytes, labels: Labels) -> bytes:
    renderer = Renderer(labels.names, compact=True, complete=True)
    given = labels.each()
    items = [renderer.render([record], given)[1:] for record in decode_texts(file.array(text))]
    return (b"\n" if file.lines else b",").join(items) + text[len(text.rstrip()) :]
