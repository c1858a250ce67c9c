"""Measure a network on a recording that somebody has labelled by eye.

``python -m training.recipes.six_class.recording POSES TRUTH`` takes a document in DeepStream's
form, such as ``python -m video.poses`` makes of a video, and a JSON file that says who does what
in which frames, both ends included::

    {"objects": {"1": [{"first_frame": 170, "last_frame": 479, "action": "standing"}]}}

Windows of several lengths, counted at 30 frames/s, are cut as the client cuts them. One counts
where most of it lies in one labelled stretch. The action ``unknown`` stands for any of no class.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from converter import ConvertConfig, InputError, network_input
from converter.command_line import Parser
from converter.deepstream import AnnotationJob
from converter.sidecar import UNKNOWN, Sidecar
from training.common.onnx_session import open_session
from training.common.outcome import exit_code
from training.pose_classification.serving import network_name
from training.recipes.six_class.rules import CLASSES

LENGTHS = (30, 60, 100)
SHARE = 0.8
"""Share of a window that one labelled stretch must hold."""
MODEL = Path(__file__).parents[3] / "model_repository" / network_name("3dbp")


@dataclass(frozen=True)
class Stretch:
    """What somebody does from ``first_frame`` to ``last_frame``."""

    first_frame: int
    last_frame: int
    action: str


def read_truth(path: Path) -> dict[str, list[Stretch]]:
    """Read who does what, by object id.

    Raises:
        InputError: the file is not what it should be.
    """
    try:
        objects = json.loads(path.read_text(encoding="utf-8"))["objects"]
        truth = {key: [Stretch(**entry) for entry in entries] for key, entries in objects.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a file of labelled stretches: {error!r}") from error
    for stretches in truth.values():
        for stretch in stretches:
            if stretch.action not in (*CLASSES, UNKNOWN):
                raise InputError(
                    f"{path}: action {stretch.action!r} must be one of "
                    f"{', '.join((*CLASSES, UNKNOWN))}"
                )
    return truth


def action_of(stretches: Sequence[Stretch], first: int, last: int) -> str | None:
    """Return the action that fills ``SHARE`` of the frames from first to last, or None."""
    for stretch in stretches:
        common = min(last, stretch.last_frame) - max(first, stretch.first_frame) + 1
        if common >= SHARE * (last - first + 1):
            return stretch.action
    return None


def answers(
    document: Path,
    truth: dict[str, list[Stretch]],
    folder: Path,
    length: int,
    recorded: ConvertConfig,
) -> Iterator[tuple[str, str, float]]:
    """Yield (true action, class answered, largest logit) of every window that counts.

    Args:
        document: poses of the recording.
        truth: of `read_truth`.
        folder: of the network in the model repository.
        length: frames of a window at the network's rate.
        recorded: frame rate of the poses and size of the frames.
    """
    facts = Sidecar.of_model(folder)
    network = open_session(folder / "1" / "model.onnx")
    config = replace(
        recorded,
        pose_type=facts.pose_type or ConvertConfig.pose_type,
        sequence_length=length,
        sequence_length_max=length,
        sequence_overlap=0.25,
    )
    with AnnotationJob(document, config) as job:
        for segment in job.segments():
            stretches = truth.get(str(segment.track.object_id), [])
            action = action_of(stretches, segment.first_frame, segment.last_frame)
            if action is None:
                continue
            (logits,) = network.run(None, {"input": network_input(segment.keypoints, config)[None]})
            yield action, CLASSES[int(np.argmax(logits))], float(logits.max())


def measure(
    document: Path,
    truth: dict[str, list[Stretch]],
    folder: Path,
    lengths: Sequence[int],
    recorded: ConvertConfig,
) -> list[str]:
    """Return one line a length and true action: windows, share that is right, all answers."""
    level = Sidecar.of_model(folder).unknown_logit
    lines = []
    for length in lengths:
        found = list(answers(document, truth, folder, length, recorded))
        for action in dict.fromkeys(action for action, _, _ in found):
            given = [answer for true, answer, _ in found if true == action]
            logits = np.array([most for true, _, most in found if true == action])
            counts = ", ".join(f"{name} {n}" for name, n in Counter(given).most_common())
            right = (
                ""
                if action == UNKNOWN
                else f"{100 * given.count(action) / len(given):.1f} % right; "
            )
            below = "" if level is None else f"; unknown {int((logits < level).sum())}"
            lines.append(
                f"{length} frames, {action}: {len(given)} windows, {right}answers: {counts}{below}"
            )
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return exit_code("recording", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = Parser(
        prog="six_class.recording",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "document", type=Path, metavar="POSES", help="poses of the recording, as DeepStream's JSON"
    )
    parser.add_argument(
        "truth", type=Path, metavar="TRUTH", help="JSON of who does what in which frames"
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=MODEL,
        metavar="FOLDER",
        help="folder of the network in the model repository (default: that of 3dbp)",
    )
    parser.add_argument(
        "--lengths",
        type=int,
        nargs="+",
        default=list(LENGTHS),
        metavar="FRAMES",
        help=f"lengths of the windows (default {' '.join(map(str, LENGTHS))})",
    )
    parser.add_argument(
        "--frame-rate",
        type=float,
        default=ConvertConfig.frame_rate,
        metavar="FPS",
        help="poses per second of the recording (default %(default)g)",
    )
    parser.add_argument(
        "--frame-size",
        type=int,
        nargs=2,
        metavar=("WIDTH", "HEIGHT"),
        help="size in pixels of the frames that pose25d refers to (default 1920 1080)",
        default=(ConvertConfig.frame_width, ConvertConfig.frame_height),
    )
    given = parser.parse_args(argv)
    width, height = given.frame_size
    recorded = ConvertConfig(frame_rate=given.frame_rate, frame_width=width, frame_height=height)
    if not (given.model / "1" / "model.onnx").is_file():
        raise InputError(f"{given.model}: holds no network, 1/model.onnx")
    truth = read_truth(given.truth)
    lines = measure(given.document, truth, given.model, given.lengths, recorded)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
