"""``results.txt``: one line a sequence, in NVIDIA's format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from client.pipeline import Result


def format_line(result: Result) -> str:
    """Format one result as NVIDIA's client does.

    Returns:
        ``index, logit(class index)=class name, ...``, the likeliest class first.
    """
    ranking = (f"{entry.logit:.4f}({entry.class_index})={entry.label}" for entry in result.ranking)
    return ", ".join((str(result.index), *ranking)) + "\n"


def write_lines(results: Iterable[Result], path: Path) -> int:
    """Write results as they come; the file appears, or replaces the old one, when all are there.

    Returns:
        The number of lines.
    """
    count = 0
    with _replacing(path) as file:
        for result in results:
            file.write(format_line(result))
            count += 1
    return count


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """Open a file beside ``path`` and move it there only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
