"""`status.json`: one JSON object a line, as TAO's tasks write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path


def training_minutes(path: Path) -> float:
    """Minutes that the epochs in a status file took; one that was repeated counts once."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    epochs = {line["epoch"]: line["time_per_epoch"] for line in lines if "time_per_epoch" in line}
    times = [[float(part) for part in text.split(":")] for text in epochs.values()]
    return sum(60 * hours + minutes + seconds / 60 for hours, minutes, seconds in times)


class Status(str, Enum):
    """States of a task."""

    STARTED = "STARTED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


class StatusFile:
    """Appends lines to a status file; a file of an earlier run is continued.

    Args:
        path: the file, or None to write nothing (the other processes of a distributed run).
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def write(
        self,
        status: Status,
        message: str,
        kpi: Mapping[str, float] | None = None,
        **fields: float | int | str,
    ) -> None:
        """Append one line.

        Args:
            status: state of the task.
            message: what happened.
            kpi: named figures, such as `val_loss`.
            **fields: further keys, such as TAO's `epoch`, `max_epoch`, `time_per_epoch`, `eta`.
        """
        if self.path is None:
            return
        now = datetime.now()
        line: dict[str, object] = {
            "date": f"{now.month}/{now.day}/{now.year}",
            "time": f"{now.hour}:{now.minute}:{now.second}",
            "status": status.value,
            "verbosity": "ERROR" if status is Status.FAILURE else "INFO",
            "message": message,
            **fields,
        }
        if kpi:
            line["kpi"] = dict(kpi)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
