"""``python -m video.report``: results in, a page to look at out."""

from __future__ import annotations

import argparse
import logging
import sys

from video.report import write_report
from video.results.command import main_of, results_parser

log = logging.getLogger(__name__)


def _work(args: argparse.Namespace) -> None:
    linked = write_report(
        args.results,
        args.output,
        args.video,
        frame_size=args.frame_size,
        focal_length=args.focal_length,
        rate=args.rate,
        source=args.source,
    )
    if linked is None:
        log.info("%s: holds all it shows", args.output)
    else:
        log.info("%s: plays %s, which has to stay there", args.output, linked)


main = main_of(_work, results_parser("python -m video.report", "Make one HTML page of results."))

if __name__ == "__main__":
    sys.exit(main())
