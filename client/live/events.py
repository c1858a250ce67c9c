"""What a live run gives: a line on stdout and a JSON line in `results.ndjson` for each label."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path

from client.inputs import LIVE_RESULTS
from client.pipeline import Result
from converter.command_line import say
from converter.deepstream import LiveSegment
from converter.messages import printable


class Journal:
    """Writes labels as they come; the file is appended to.

    Args:
        folder: Where `results.ndjson` goes; made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / LIVE_RESULTS
        self._file = self.path.open("ab", buffering=0)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, segment: LiveSegment, result: Result) -> None:
        """Write one label to both places, at once."""
        now = datetime.now().astimezone()
        event = {
            "time": now.isoformat(timespec="milliseconds"),
            "source": segment.track.source,
            "object_id": segment.track.object_id,
            "first_frame": segment.first_frame,
            "last_frame": segment.last_frame,
            "action": result.label,
            "score": round(result.score, 4),
            "latency": round(time.monotonic() - segment.arrived, 4),
        }
        self._file.write(json.dumps(event).encode() + b"\n")
        clock = now.strftime("%H:%M:%S.%f")[:-3]
        source, person = map(printable, segment.track)
        line = f"{clock}  source {source}  id {person}  {printable(result.label)}"
        if sys.stdout is not None:  # None: it was closed by whoever started us
            say(f"{_encodable(line)}  {result.score:.2f}")


def _encodable(text: str) -> str:
    """Replace what stdout has no bytes for."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
