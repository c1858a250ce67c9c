"""What a load test found, in a table, in words and in a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from scripts.load_report import draw, explain, table
from tests.scripts.test_load_test import POINT


def test_the_table_has_every_figure() -> None:
    point = replace(POINT, protocol="grpc", batch=4, concurrency=7, mean_batch=2.5)
    console = Console(width=120)
    with console.capture() as shown:
        console.print(table([point]))
    assert shown.get().splitlines()[-2].replace("│", " ").split() == [
        *("classification", "grpc", "4", "7", "50.0", "20.0", "22.0", "30.0"),
        *("1.0", "15.0", "3.0", "1.0", "2.5"),
    ]


@pytest.mark.parametrize(
    ("part", "name", "advice"),
    [
        ("queue", "queue", "more requests at a time only add waiting"),
        ("network", "network", "a faster form of it or more cores help"),
        ("other_steps", "other steps", "give them more instances"),
        ("transport", "transport", "larger batches or shared memory help"),
    ],
)
def test_what_limits_is_told_with_what_to_do(part: str, name: str, advice: str) -> None:
    lone = replace(POINT, p50=19.0)
    busy = replace(POINT, batch=4, sequences_per_second=90.0, mean_batch=3.25)
    busy = replace(busy, **{part: 60.0})
    other = replace(POINT, model="other", sequences_per_second=999.0, p50=1.0)
    first, second, third = explain([POINT, busy, lone, other])
    assert first.startswith("A lone request (pose_classification, http, batch 1, 1 at a time): ")
    assert second.startswith("At the highest throughput, 90 sequences/s (http, batch 4, ")
    assert f"largest part is {name}: " in third and advice in third
    assert third.endswith("the network ran on 3.2 sequences a run.")


def test_the_lone_request_is_the_quickest_of_the_smallest() -> None:
    quick = replace(POINT, p50=19.0, queue=5.0)
    crowded = replace(POINT, concurrency=2, p50=1.0)
    large = replace(POINT, batch=2, p50=1.0)
    assert "queue 5.0 ms (21 %)" in explain([crowded, large, POINT, quick])[0]


def test_the_picture_has_a_panel_a_model_and_a_line_a_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    drawn: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    ways = [replace(POINT, protocol=p, batch=b) for p in ("http", "grpc") for b in (1, 4)]
    more = [replace(p, concurrency=2, sequences_per_second=80.0, p50=25.0) for p in ways]
    draw([*more, *ways, replace(POINT, model="other")], tmp_path / "a.png")
    first, second = drawn[0].axes
    assert [axis.get_title() for axis in (first, second)] == ["pose_classification", "other"]
    names = [line.get_label() for line in first.lines]
    assert names == ["http, batch 1", "http, batch 4", "grpc, batch 1", "grpc, batch 4"]
    for line in first.lines:  # from few requests to many
        assert list(line.get_xdata()) == [50.0, 80.0]
        assert list(line.get_ydata()) == [20.0, 25.0]
    assert [line.get_linestyle() for line in first.lines] == ["-", "-", "--", "--"]
    assert [text.get_text() for text in first.texts] == ["1", "2"] * 4
    assert len(second.lines) == 1
    assert first.get_xlim()[0] == 0 and first.get_yscale() == "log"
