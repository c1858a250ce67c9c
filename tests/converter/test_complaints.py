"""A log that is not flooded."""

from __future__ import annotations

import logging

import pytest

from converter.complaints import Complaints


@pytest.mark.parametrize("times", [1, 4])
def test_a_flood_is_counted(times: int, caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints("bad lines", most=3)
    for number in range(100):
        complaints.note(f"line {number} is bad", times)
    assert complaints.count == 100 * times
    assert complaints.flooded
    told = 3 if times == 1 else 1
    assert caplog.messages == [
        *(f"line {number} is bad" for number in range(told)),
        "further bad lines are only counted",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_what_is_told_in_full_is_no_flood() -> None:
    complaints = Complaints("bad lines", most=3)
    for _ in range(3):
        complaints.note("bad")
    assert not complaints.flooded
