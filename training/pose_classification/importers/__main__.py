"""The command line of the importers."""

from __future__ import annotations

import argparse
import logging
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from converter import ConvertConfig, InputError, layout_names
from converter.command_line import Parser
from converter.config import POSE_TYPES
from training.common.outcome import exit_code
from training.pose_classification.importers.annotations import open_annotations
from training.pose_classification.importers.arrays import ArrayOptions, write_arrays
from training.pose_classification.importers.clips import Source
from training.pose_classification.importers.csv_table import open_csv
from training.pose_classification.importers.documents import open_documents
from training.pose_classification.importers.hdm05 import open_hdm05
from training.pose_classification.importers.ntu import open_ntu
from training.pose_classification.importers.nw_ucla import SPLITS as NW_UCLA_SPLITS
from training.pose_classification.importers.nw_ucla import open_nw_ucla
from training.pose_classification.importers.utkinect import open_utkinect

Arguments = argparse.Namespace


def _annotations(given: Arguments) -> Source:
    return open_annotations(given.source, given.split, given.from_layout, given.scores)


def _csv(given: Arguments) -> Source:
    if not given.from_layout:
        raise InputError("csv needs --from-layout, the layout of its joints")
    if given.split:
        raise InputError("csv has no --split: its column `part` says what a line belongs to")
    return open_csv(given.source, given.from_layout)


def _documents(given: Arguments) -> Source:
    if given.split:
        raise InputError("documents has no --split: the first folder says what a file belongs to")
    width, height = given.frame_size or ConvertConfig().frame_size
    settings = {"pose_type": given.pose_type, "frame_rate": given.frame_rate}
    settings |= {"frame_width": width, "frame_height": height}
    known = {key: value for key, value in settings.items() if value is not None}
    return open_documents(given.source, ConvertConfig.from_mapping(known, source="documents"))


FORMATS: dict[str, tuple[str, Callable[[Arguments], Source]]] = {
    "nw-ucla": (
        f"folder or zip of JSON files; --split {', '.join(NW_UCLA_SPLITS)} or a JSON file",
        lambda given: open_nw_ucla(given.source, given.split),
    ),
    "ntu": (
        "folder of .skeleton files; --split xsub, xview, xsub120, xset120 or none",
        lambda given: open_ntu(given.source, given.split),
    ),
    "utkinect": (
        "original folder, or .npz; --split subjects (1,3,5) or split1 to split10",
        lambda given: open_utkinect(given.source, given.split),
    ),
    "hdm05": (
        "folder of .asf and .amc files, or .npz; --split subjects (bd,bk,dg) or npz",
        lambda given: open_hdm05(given.source, given.split),
    ),
    "annotations": ("pickle of PYSKL or MMAction2; --split such as xsub, or 1", _annotations),
    "documents": (
        "folder of PART/CLASS/NAME.json, written by video.poses or DeepStream",
        _documents,
    ),
    "csv": ("table with a line for each joint; its column `part` is the split", _csv),
}
# Options that not all formats have.
_OF_SOME = {
    "from_layout": ("annotations", "csv"),
    "scores": ("annotations",),
    "pose_type": ("documents",),
    "frame_rate": ("documents",),
    "frame_size": ("documents",),
}


def _parser() -> Parser:
    formats = "\n".join(f"  {name:12} {text}" for name, (text, _) in FORMATS.items())
    parser = Parser(
        prog="python -m training.pose_classification.importers",
        description="Turn a published data set into arrays for training.",
        epilog=f"formats:\n{formats}\n\nlayouts: {', '.join(layout_names())}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "format", choices=FORMATS, metavar="FORMAT", help="format of the data set, see below"
    )
    parser.add_argument(
        "source", type=Path, metavar="SOURCE", help="file or folder of the data set"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the arrays")
    parser.add_argument("--split", help="which sequences train and which test, see below")
    parser.add_argument(
        "--from-layout",
        choices=layout_names(),
        metavar="NAME",
        help="skeleton layout of the data set, for csv and annotations",
    )
    parser.add_argument(
        "--layout",
        choices=layout_names(),
        metavar="NAME",
        help="map the joints to this skeleton layout (default: as in the data set)",
    )
    parser.add_argument(
        "--max-frames",
        type=_positive,
        metavar="T",
        help="frames of the arrays; longer sequences lose their end (default: the longest)",
    )
    parser.add_argument(
        "--persons",
        type=_positive,
        metavar="M",
        help="persons of the arrays (default: as many as the fullest sequence has)",
    )
    parser.add_argument(
        "--relative",
        action="store_true",
        help="subtract the pelvis from all joints, frame by frame",
    )
    parser.add_argument(
        "--scale",
        type=_factor,
        default=1.0,
        metavar="F",
        help="multiply all coordinates by F (default %(default)s)",
    )
    parser.add_argument(
        "--scores", action="store_true", help="2D poses: store scores as the third channel"
    )
    parser.add_argument(
        "--pose-type", choices=POSE_TYPES, help="documents: which poses to take (default 3dbp)"
    )
    parser.add_argument(
        "--frame-rate",
        type=_factor,
        metavar="R",
        help="documents: poses per second, which are interpolated to 30 (default 30)",
    )
    parser.add_argument(
        "--frame-size",
        type=_size,
        metavar="WxH",
        help="documents: size of the frames in pixels, for 25dbp and 2dbp (default 1920x1080)",
    )
    parser.add_argument(
        "--labels",
        choices=("json", "pkl"),
        default="json",
        help="format of the label files (default %(default)s)",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0
    if not math.isfinite(factor) or not factor:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number other than 0")
    return factor


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    return _positive(width), _positive(height)


def main(argv: Sequence[str] | None = None) -> int:
    """Import a data set; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    return exit_code("importers", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    given = _parser().parse_args(argv)
    if not given.source.exists():
        raise InputError(f"{given.source}: no such file or folder")
    for option, formats in _OF_SOME.items():
        if getattr(given, option) and given.format not in formats:
            flag = f"--{option.replace('_', '-')}"
            raise InputError(f"{given.format} has no {flag}: it is for {' and '.join(formats)}")
    options = ArrayOptions(
        given.layout, given.max_frames, given.persons, given.relative, given.scale, given.labels
    )
    counts = write_arrays(FORMATS[given.format][1](given), given.output, options)
    for part, count in counts.items():
        sys.stdout.write(f"{given.output / part}.npy: {count} sequences\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
