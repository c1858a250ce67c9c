"""`results.txt`: one line a sequence, in NVIDIA's format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from client.pipeline import Result
from converter.atomic import replacing


def format_line(result: Result) -> str:
    """Format one result as NVIDIA's client does.

    Returns:
        `index, logit(class index)=class name, ...`, the likeliest class first.
    """
    ranking = (f"{entry.logit:.4f}({entry.class_index})={entry.label}" for entry in result.ranking)
    return ", ".join((str(result.index), *ranking)) + "\n"


def write_lines(results: Iterable[Result], path: Path) -> int:
    """Write results as they come; the file appears, or replaces the old one, when all are there.

    Returns:
        The number of lines.
    """
    count = 0
    with replacing(path) as file:
        for result in results:
            file.write(format_line(result).encode())
            count += 1
    return count
