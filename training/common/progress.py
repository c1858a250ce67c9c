"""A progress bar on standard error, where that is a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def progress(items: Iterable[Item], title: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items and show how many are done, if standard error is a terminal."""
    console = Console(stderr=True)
    return iter(track(items, title, total=total, console=console, disable=not console.is_terminal))
