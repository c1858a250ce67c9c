"""A file much larger than what is needed of it is worked through in little memory."""

import json
import subprocess
import sys
from pathlib import Path

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
print(peak() - before, summary.labelled)
"""


@pytest.mark.parametrize("policy", ["dense", "tao"])
def test_memory_is_bounded(tmp_path: Path, policy: str):
    source, target = tmp_path / "in.json", tmp_path / "out.json"
    pose = [round(123.456789 * joint, 6) for joint in range(136)]
    people = [{"object_id": i, "pose25d": pose, "pose3d": pose} for i in range(4)]
    text = json.dumps(record(frame(0, people)))
    with source.open("w") as file:
        for number in range(6000):
            file.write(",\n" if number else "[")
            file.write(text.replace('"frame_num": 0', f'"frame_num": {number}'))
        file.write("]")
    assert source.stat().st_size > 60e6
    command = [sys.executable, "-c", MEASURE, str(source), str(target), policy]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    megabytes, labelled = done.stdout.split()
    assert int(labelled) == (24_000 if policy == "dense" else 23_800)
    assert target.stat().st_size > source.stat().st_size
    assert float(megabytes) < 25
