"""``results.txt``: NVIDIA's format to the digit, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client import Ranked, Result
from client.results import format_line, write_lines

# The line that NVIDIA's documentation prints for its test data.
DOCUMENTED = (
    "0, 27.6388(2)=sitting, 12.0806(3)=standing, 7.0409(1)=getting_up, "
    "-3.4164(0)=sitting_down, -16.4449(4)=walking, -26.9046(5)=jumping\n"
)
RANKING = (
    Ranked(27.63881, 2, "sitting"),
    Ranked(12.08059, 3, "standing"),
    Ranked(7.0409, 1, "getting_up"),
    Ranked(-3.4164, 0, "sitting_down"),
    Ranked(-16.44491, 4, "walking"),
    Ranked(-26.9046, 5, "jumping"),
)


def results(count: int) -> Iterator[Result]:
    for index in range(count):
        yield Result(index, RANKING, 1.0)


def test_the_documented_line() -> None:
    assert format_line(next(results(1))) == DOCUMENTED


def test_one_line_a_sequence_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new/folder/results.txt"
    assert write_lines(results(3), path) == 3
    lines = path.read_text().splitlines(keepends=True)
    assert lines == [DOCUMENTED, f"1{DOCUMENTED[1:]}", f"2{DOCUMENTED[1:]}"]


def test_a_second_run_replaces(tmp_path: Path) -> None:
    path = tmp_path / "results.txt"
    write_lines(results(3), path)
    write_lines(results(1), path)
    assert path.read_text() == DOCUMENTED


def test_labels_keep_their_letters(tmp_path: Path) -> None:
    write_lines([Result(0, (Ranked(1.0, 0, "sitzen: früh"),), 1.0)], tmp_path / "results.txt")
    assert (tmp_path / "results.txt").read_text(encoding="utf-8") == "0, 1.0000(0)=sitzen: früh\n"


@pytest.mark.parametrize("earlier", [None, "what was there"])
def test_a_failure_leaves_everything_as_it_was(tmp_path: Path, earlier: str | None) -> None:
    path = tmp_path / "results.txt"
    if earlier:
        path.write_text(earlier)

    def broken() -> Iterator[Result]:
        yield from results(2)
        assert not path.exists() or path.read_text() == earlier
        raise ConnectionError

    with pytest.raises(ConnectionError):
        write_lines(broken(), path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ([earlier] if earlier else [])
