"""``python -m video.overlay``: results in, a video with the results drawn in out."""

from __future__ import annotations

import argparse
import logging
import sys

from video.overlay import draw_overlay
from video.results.command import main_of, results_parser

log = logging.getLogger(__name__)


def _work(args: argparse.Namespace) -> None:
    drawn = draw_overlay(
        args.results,
        args.output,
        args.video,
        frame_size=args.frame_size,
        focal_length=args.focal_length,
        rate=args.rate,
        source=args.source,
        strip=args.timeline,
    )
    log.info("%s: %d frames, %d persons", drawn.path, drawn.frames, len(drawn.timeline.spans))


_parser = results_parser(
    "python -m video.overlay", "Draw boxes, skeletons, ids and actions into a video."
)
_parser.add_argument(
    "--no-timeline",
    dest="timeline",
    action="store_false",
    help="leave out the strip below the picture",
)
main = main_of(_work, _parser)

if __name__ == "__main__":
    sys.exit(main())
