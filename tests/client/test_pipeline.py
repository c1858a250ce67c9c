"""What is made of the server's answers."""

from __future__ import annotations

import pytest

from client.pipeline import Ranked, _with

RANKING = (Ranked(2.0, 1, "b"), Ranked(1.0, 0, "a"), Ranked(1.0, 2, "c"))


@pytest.mark.parametrize(("level", "place"), [(2.5, 0), (2.0, 1), (1.5, 1), (1.0, 3), (0.0, 3)])
def test_unknown_stands_behind_every_class_that_reaches_its_logit(level: float, place: int) -> None:
    unknown = Ranked(level, 3, "unknown")
    assert _with(unknown, RANKING) == (*RANKING[:place], unknown, *RANKING[place:])
