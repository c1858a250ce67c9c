"""Cut `samples/three_people.mp4` out of NVIDIA's clip `bodypose.mp4`; see samples/README.md.

Usage: python -m scripts.pose_cls_e2e_inference.make_sample bodypose.mp4
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from converter.atomic import replacing
from converter.command_line import Parser
from scripts.command import program
from scripts.triton_wheel import ROOT

OUTPUT = ROOT / "samples" / "three_people.mp4"
FIRST, COUNT = 100, 200
WIDTH, HEIGHT = 640, 360
RATE = Fraction(30000, 1001)
QUALITY = {"crf": "20", "preset": "veryslow"}


@program("make_sample")
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    p = Parser(prog="python -m scripts.pose_cls_e2e_inference.make_sample")
    p.add_argument("clip", type=Path, help="NVIDIA's bodypose.mp4")
    cut_sample(p.parse_args(argv).clip)
    return 0


def cut_sample(path: Path) -> None:
    """Decode, shrink and encode again as H.264."""
    with (
        av.open(str(path)) as clip,
        replacing(OUTPUT) as file,
        av.open(file, "w", format="mp4") as cut,
    ):
        stream = cut.add_stream("libx264", rate=RATE, options=QUALITY)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, frame in enumerate(clip.decode(video=0)):
            if FIRST <= number < FIRST + COUNT:
                small = frame.reformat(WIDTH, HEIGHT, "yuv420p", interpolation="LANCZOS")
                small.pts, small.time_base = number - FIRST, 1 / RATE
                cut.mux(stream.encode(small))
        cut.mux(stream.encode(None))


if __name__ == "__main__":
    sys.exit(main())
