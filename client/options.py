"""The command line: NVIDIA's flags with NVIDIA's names, and ours."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from client.pictures import Pictures
from client.settings import DEFAULT_PORTS, Settings, Tls
from converter import ConvertConfig, InputError
from converter.command_line import Parser
from converter.deepstream import Style
from converter.resample import NETWORK_RATE
from converter.segment import LABEL_POLICIES, LabelPolicy

log = logging.getLogger(__name__)

MODE = "Pose_classification"
OTHER_MODES = (
    "Classification",
    "DetectNet_v2",
    "LPRNet",
    "YOLOv3",
    "Peoplesegnet",
    "Retinanet",
    "Multitask_classification",
    "Re_identification",
    "VisualChangeNet",
    "CenterPose",
    "Foundationpose",
)
# Flags of NVIDIA's client that only those modes read.
OTHER_FLAGS = (
    "--img_dirs",
    "--postprocessing_config",
    "--test_dir",
    "--obj_file",
    "--intrinsic_file",
    "--bbox",
)


@dataclass(frozen=True)
class Options:
    """A parsed command line.

    Attributes:
        inputs: Files and folders to work on.
        settings: The server and the model.
        output_path: Folder for the results.
        convert_config: YAML of the conversion; None is the converter's defaults.
        max_gap: Stands for the YAML's `max_gap` where given.
        frame_rate: Likewise.
        label_policy: Which frames a segment labels.
        scores: Add probabilities to documents.
        style: How documents are written.
        live: The input is a stream that has no end.
        pictures: What to draw of the results.
        verbose: Log every step, and tracebacks of unexpected failures.
    """

    inputs: tuple[str, ...]
    settings: Settings
    output_path: Path
    convert_config: Path | None
    max_gap: int | None
    frame_rate: float | None
    label_policy: LabelPolicy
    scores: bool
    style: Style
    live: bool
    pictures: Pictures
    verbose: bool


def parser() -> Parser:
    """Make the parser; its defaults come from `Settings`."""
    p = Parser(
        prog="tao_client",
        description="Classify body pose sequences on a Triton Inference Server.",
        allow_abbrev=False,
    )
    p.add_argument(
        "inputs",
        nargs="*",
        type=_named,
        metavar="INPUT",
        help=".npy array of sequences, .json document of DeepStream, or a folder of these",
    )
    p.add_argument("-v", "--verbose", action="store_true", help="log every request, and tracebacks")
    _add_model_flags(p)
    _add_request_flags(p)
    _add_result_flags(p)
    _add_picture_flags(p)
    for flag in OTHER_FLAGS:
        p.add_argument(flag, action="append", help=argparse.SUPPRESS)
    return p


def _named(word: str) -> str:
    """Refuse what an unset variable of a shell leaves, which would mean the current folder."""
    if not word:
        raise argparse.ArgumentTypeError("is empty: name a file or a folder")
    return word


def _path(word: str) -> Path:
    return Path(_named(word))


def _add_model_flags(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group("server and model")
    group.add_argument(
        "-u",
        "--url",
        default="",
        metavar="HOST[:PORT]",
        help="default localhost:{http}, with -i grpc localhost:{grpc}".format(**DEFAULT_PORTS),
    )
    group.add_argument(
        "-i",
        "--protocol",
        default=Settings.protocol,
        metavar="PROTOCOL",
        help="http (default) or grpc; https is plain HTTP without --ssl, as in NVIDIA's client",
    )
    group.add_argument(
        "-m", "--model-name", default=Settings.model, metavar="NAME", help="default %(default)s"
    )
    group.add_argument(
        "-x",
        "--model-version",
        default="",
        metavar="VERSION",
        help="default: the server's choice, normally the latest",
    )
    group.add_argument(
        "--mode",
        choices=(MODE, *OTHER_MODES),
        default=MODE,
        metavar="MODE",
        help="only %(default)s is served here",
    )
    group.add_argument(
        "--class_list",
        default="",
        metavar="NAMES",
        help="comma-separated class names, for a model without a label file",
    )
    group.add_argument("--ssl", action="store_true", help="encrypt the connection")
    group.add_argument("--ssl-ca", type=_path, metavar="PEM", help="CA certificates to trust")
    group.add_argument("--ssl-cert", type=_path, metavar="PEM", help="client certificate")
    group.add_argument("--ssl-key", type=_path, metavar="PEM", help="its private key")


def _add_request_flags(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group("requests")
    group.add_argument(
        "-b",
        "--batch-size",
        type=int,
        default=Settings.batch_size,
        metavar="N",
        help="most sequences in a request (default %(default)s)",
    )
    group.add_argument(
        "-a",
        "--async",
        dest="async_set",
        action="store_true",
        help="send without waiting for each answer",
    )
    group.add_argument("--streaming", action="store_true", help="send all over one gRPC stream")
    group.add_argument(
        "--in-flight",
        type=int,
        metavar="N",
        help="requests sent and not yet answered "
        "(default 1; with -a or --streaming as many as fill two of the model's batches)",
    )
    group.add_argument(
        "--timeout",
        type=float,
        default=Settings.timeout,
        metavar="SECONDS",
        help="longest wait for one attempt of a request (default %(default)g)",
    )
    group.add_argument(
        "--deadline",
        type=float,
        default=Settings.deadline,
        metavar="SECONDS",
        help="longest wait for a request with all its retries, and for the server to come up "
        "(default %(default)g)",
    )


def _add_result_flags(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group("documents and results")
    group.add_argument(
        "--output_path",
        type=_path,
        default=Path("outputs"),
        metavar="FOLDER",
        help="folder for the results (default %(default)s)",
    )
    group.add_argument(
        "--dataset_convert_config",
        default="",
        metavar="YAML",
        help="how to cut and normalise the tracks of a document",
    )
    group.add_argument(
        "--max-gap",
        type=int,
        metavar="FRAMES",
        help="a track ends when more frames than this are missing "
        f"(default {ConvertConfig.max_gap})",
    )
    group.add_argument(
        "--frame-rate",
        type=float,
        metavar="FPS",
        help="poses per second of the document "
        f"(default {NETWORK_RATE:g}, which others are interpolated to)",
    )
    group.add_argument(
        "--label-policy",
        choices=LABEL_POLICIES,
        default="dense",
        help="dense labels every frame (default), tao only those that NVIDIA's client labels",
    )
    group.add_argument("--scores", action="store_true", help="add action_score, the probability")
    group.add_argument(
        "--unknown",
        action="store_true",
        help="answer 'unknown' where no class is likely enough (needs -m pose_classification)",
    )
    group.add_argument(
        "--live",
        action="store_true",
        help="INPUT is a stream (-, a growing file, or kafka://HOST:PORT/TOPIC): label it as it "
        "arrives",
    )
    style = group.add_mutually_exclusive_group()
    for flag, name, meaning in (
        ("--nvidia-layout", "nvidia", "lay documents out as NVIDIA's client: sorted, indented"),
        ("--compact", "compact", "write documents without white space"),
    ):
        style.add_argument(
            flag,
            action="store_const",
            const=name,
            default="verbatim",
            dest="style",
            help=meaning,
        )


def _add_picture_flags(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group(
        "pictures of the results (a document that has actions needs no server)"
    )
    group.add_argument(
        "--overlay", type=_path, metavar="MP4", help="write a video with persons and actions"
    )
    group.add_argument(
        "--report", type=_path, metavar="HTML", help="write a page with picture, timeline and table"
    )
    group.add_argument(
        "--video",
        type=_path,
        help="video that the poses were found in (default: draw on a plain background)",
    )


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read a command line.

    Args:
        arguments: The words after the program's name; None takes the process's.

    Raises:
        InputError: A flag or a value that cannot work.
    """
    args = parser().parse_intermixed_args(arguments)
    if args.mode != MODE:
        raise InputError(f"--mode {args.mode} is not served here: this client serves {MODE}")
    for flag in OTHER_FLAGS:
        if getattr(args, flag.removeprefix("--")) is not None:
            log.warning("%s is for other modes; ignored", flag)
    pictures = Pictures(args.overlay, args.report, args.video)
    if pictures and args.live:
        raise InputError("--overlay and --report draw finished documents: leave out --live")
    one_at_a_time = not (args.async_set or args.streaming)
    return Options(
        inputs=_without_stray_word(args.inputs),
        settings=Settings(
            url=args.url,
            protocol=args.protocol,
            tls=_tls(args),
            model=args.model_name,
            version=args.model_version,
            batch_size=args.batch_size,
            in_flight=1 if one_at_a_time and args.in_flight is None else args.in_flight,
            streaming=args.streaming,
            timeout=args.timeout,
            deadline=args.deadline,
            class_list=tuple(args.class_list.split(",")) if args.class_list else (),
            unknown=args.unknown,
        ),
        output_path=args.output_path,
        convert_config=Path(args.dataset_convert_config) if args.dataset_convert_config else None,
        max_gap=args.max_gap,
        frame_rate=args.frame_rate,
        label_policy=args.label_policy,
        scores=args.scores or bool(pictures),
        style=args.style,
        live=args.live,
        pictures=pictures,
        verbose=args.verbose,
    )


def _tls(args: argparse.Namespace) -> Tls | None:
    if args.ssl:
        return Tls(args.ssl_ca, args.ssl_cert, args.ssl_key)
    if args.ssl_ca or args.ssl_cert or args.ssl_key:
        raise InputError("--ssl-ca, --ssl-cert and --ssl-key need --ssl")
    return None


def _without_stray_word(inputs: list[str]) -> tuple[str, ...]:
    """Drop the `model` of `-m pose_classification_tao model` in NVIDIA's documentation."""
    stray = [word for word in inputs if word == "model" and not Path(word).exists()]
    if stray and len(inputs) > 1:
        log.warning("ignored the stray word 'model' after -m, as printed in NVIDIA's documentation")
        return tuple(word for word in inputs if word not in stray)
    return tuple(inputs)
