"""A progress bar for people; nothing for pipes and logs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

from client.pipeline import Result


def show_progress(
    results: Iterable[Result], fraction: Callable[[Result], float]
) -> Iterator[Result]:
    """Pass results on; if stderr is a terminal, show there how far the work is.

    Args:
        results: What to pass on.
        fraction: What share of the work, 0..1, is done at a result.
    """
    if sys.stderr is None or not sys.stderr.isatty():  # None: it is closed
        yield from results
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("sequences", total=1.0)
        for result in results:
            progress.update(task, completed=fraction(result), description=f"{result.index + 1}")
            yield result
