"""A progress bar for people; nothing for pipes and logs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from client.pipeline import Result


def show_progress(results: Iterable[Result], total: int | None) -> Iterator[Result]:
    """Pass results on, counting them on stderr if that is a terminal.

    Args:
        results: What to pass on.
        total: How many will come; None where that is not known beforehand.
    """
    if not sys.stderr.isatty():
        yield from results
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("sequences"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(results, total=total)
