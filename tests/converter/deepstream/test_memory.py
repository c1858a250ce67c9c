"""A file much larger than what is needed of it is worked through in little memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.converter.deepstream.documents import frame, record

MEASURE = """
import sys
from pathlib import Path
from converter import ConvertConfig
from converter.deepstream import AnnotationJob

def peak():  # not getrusage, which remembers the peak of the parent process
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024

before = peak()
with AnnotationJob(sys.argv[1], ConvertConfig(), sys.argv[3]) as job:
    for segment in job.segments():
        job.assign(segment.index, 0, 0.5)
    summary = job.write(sys.argv[2], ["walking"], scores=True)
print(peak() - before, summary.labelled, summary.short_tracks)
"""


def people(*ids: int) -> list[dict[str, Any]]:
    pose = [round(123.456789 * joint, 6) for joint in range(136)]
    return [{"object_id": i, "pose25d": pose, "pose3d": pose} for i in ids]


def annotate_elsewhere(source: Path, target: Path, policy: str) -> tuple[float, int, int]:
    """In a process of its own; returns what it took in MB, labelled objects, short tracks."""
    command = [sys.executable, "-c", MEASURE, str(source), str(target), policy]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    megabytes, labelled, short = done.stdout.split()
    return float(megabytes), int(labelled), int(short)


@pytest.mark.parametrize("policy", ["dense", "tao"])
def test_a_long_file(tmp_path: Path, policy: str):
    source, target = tmp_path / "in.json", tmp_path / "out.json"
    text = json.dumps(record(frame(0, people(0, 1, 2, 3))))
    with source.open("w") as file:
        for number in range(6000):
            file.write(",\n" if number else "[")
            file.write(text.replace('"frame_num": 0', f'"frame_num": {number}'))
        file.write("]")
    assert source.stat().st_size > 60e6
    megabytes, labelled, short = annotate_elsewhere(source, target, policy)
    assert (labelled, short) == (24_000 if policy == "dense" else 23_800, 0)
    assert target.stat().st_size > source.stat().st_size
    assert megabytes < 15


def test_ten_thousand_tracks(tmp_path: Path):
    source, target = tmp_path / "in.json", tmp_path / "out.json"
    text = json.dumps(record(frame(0, people(0))))
    with source.open("w") as file:
        for number in range(10_000):
            line = text.replace('"object_id": 0', f'"object_id": {number}')
            file.write(line.replace('"frame_num": 0', f'"frame_num": {number}') + "\n")
    megabytes, labelled, short = annotate_elsewhere(source, target, "dense")
    assert (labelled, short) == (0, 10_000)
    assert megabytes < 10, "tracks that have ended are not forgotten"
