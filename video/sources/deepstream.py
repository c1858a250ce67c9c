"""The pose source `deepstream`: NVIDIA's deepstream-bodypose-3d app, or what it has written."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from converter import InputError
from converter.deepstream.records import RecordFile
from converter.deepstream.schema import record_decoder
from converter.deepstream.summary import Summary
from video.writer import dumps

log = logging.getLogger(__name__)

PRODUCER = "DeepStream bodypose-3d"
IMAGE = "deepstream-bodypose-3d:7.1"  # scripts/pose_cls_e2e_inference/deepstream.Dockerfile
APP = "deepstream-pose-estimation-app"
POSES = "poses.json"


def file_records(path: Path) -> Iterator[bytes]:
    """Yield the records of a file that the app has written, with the producer added.

    An unfinished file gives all complete records; what was lost is logged.

    Raises:
        InputError: The file is unreadable or no such file; names the record.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    summary = Summary()
    check = record_decoder("pose3d")
    decode = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode

    def checked(text: bytes) -> list[dict[str, msgspec.Raw]]:
        check(text)
        return decode(text)

    producer = dumps(PRODUCER)
    for records in RecordFile(path, summary).scan(checked):
        for entry in records:
            entry.setdefault("producer", msgspec.Raw(producer))
            yield msgspec.json.encode(entry)
    if summary.damage:
        log.warning("%s: %s", path, summary.damage)


def app_records(command: list[str], folder: Path) -> Iterator[bytes]:
    """Run the app to its end, then yield the records it has left in `folder`.

    Raises:
        InputError: Docker is not installed.
        OSError: The app failed.
    """
    if shutil.which(command[0]) is None:
        raise InputError(
            "--pose-source deepstream needs Docker and an NVIDIA GPU; without them use "
            "--pose-source mediapipe"
        )
    log.info("%s", " ".join(command))
    code = subprocess.run(command, stdout=sys.stderr).returncode
    if code:
        raise OSError(f"the DeepStream container failed with exit code {code}, see above")
    yield from file_records(folder / POSES)


def app_command(source: str, folder: Path, **camera: Any) -> list[str]:
    """Return the command that runs the app in its container.

    Args:
        source: Path of a video file, or an RTSP URL.
        folder: Where the container leaves the poses.
        camera: `focal`, `width`, `height` as the app's arguments.
    """
    run = ["docker", "run", "--rm", "--gpus", "all", "-v", f"{folder.resolve()}:/out"]
    if "://" in source:
        run += ["--network", "host"]
        uri = source
    else:
        path = Path(source).resolve()
        run += ["-v", f"{path}:/in/{path.name}:ro"]
        uri = f"file:///in/{path.name}"
    app = [APP, "--input", uri, "--output", "fakesink", "--save-pose", f"/out/{POSES}", "--fps"]
    for name, value in camera.items():
        app += [f"--{name}", str(value)]
    return [*run, IMAGE, *app]


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that the container may write to and that goes away afterwards."""
    return tempfile.TemporaryDirectory(prefix="deepstream-")
