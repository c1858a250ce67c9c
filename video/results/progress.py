"""A progress bar for people; nothing for pipes and logs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def show_progress(items: Iterable[T], what: str, fraction: Callable[[], float]) -> Iterator[T]:
    """Pass items on; if stderr is a terminal, show there how far the work is.

    Args:
        items: What to pass on.
        what: What is being done, in a word or two.
        fraction: Tells what share of the work, 0..1, is done.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=1.0)
        for item in items:
            progress.update(task, completed=fraction())
            yield item
