"""Make ``samples/``: ``python -m training.recipes.six_class.make_samples --data DIR``.

Everything comes from the held-out persons of HDM05 (CC BY-SA 3.0); nobody in it was trained on.

* ``segments.npy`` with ``segments.truth.json``: two sequences a class, ready for the network;
* ``walk_sit_getup.json`` with ``walk_sit_getup.truth.json``: three persons before one camera, in
  the form that DeepStream's bodypose-3d app writes, and what they do in which frames.

The recorded clips are played as they are, one after the other: each next one is turned and moved
to where the last one ended and the poses are blended over ten frames. Only where somebody stays
(standing, squatting, sitting on the floor) is a recorded stretch played to and fro. Joints that
HDM05 lacks (eyes, ears, knuckles, heels) are estimated and carry a lower confidence.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converter import ConvertConfig
from converter.command_line import Parser
from training.common.outcome import exit_code
from training.common.results import write_atomic
from training.recipes.six_class.arrays import Row, write_rows
from training.recipes.six_class.body import complete
from training.recipes.six_class.document import PRODUCER, Track, records
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.rules import Run, label_runs
from training.recipes.six_class.scene import (
    FLOOR,
    HOP,
    PERSONS,
    SNEAK,
    SQUAT,
    STAND_MM,
    STAND_TR,
    Person,
    perform,
)
from training.recipes.six_class.sources import Clip, read_clips

SEEN, ESTIMATED = 0.95, 0.6
"""Confidence of a joint that was recorded and of one that was estimated."""
SEGMENTS = {
    "sitting_down": ("HDM_tr_squat1Reps_042_120", FLOOR),
    "getting_up": ("HDM_tr_squat1Reps_047_120", SQUAT.format(39)),
    "sitting": (FLOOR, "HDM_mm_lieDownFloor_016_120"),
    "standing": (STAND_TR, STAND_MM),
    "walking": (SNEAK.format(12), "HDM_tr_jogLeftCircle4StepsRstart_015_120"),
    "jumping": ("HDM_mm_hopBothLegs1hops_032_120", HOP.format(34)),
}


def confident(clip: Clip) -> Motion:
    """Return the clip with all joints, those that were estimated less confident."""
    motion = complete(clip.motion)
    motion[..., 3] = np.where(clip.motion[..., 3] > 0, SEEN, ESTIMATED)
    return motion


def sample_rows(clips: dict[str, Clip]) -> list[Row]:
    """Return the longest run of each class in each clip that `SEGMENTS` names."""
    rows = []
    for label, names in SEGMENTS.items():
        for name in names:
            runs = label_runs(clips[name].action, clips[name].motion)
            run = max((run for run in runs if run.label == label), key=len)
            rows.append(Row(name, label, confident(clips[name])[run.start : run.end]))
    return rows


def truth(performed: Sequence[tuple[Person, list[Run]]]) -> dict[str, object]:
    """Return what everybody does: frames of the document, both ends included."""
    objects = {
        str(person.object_id): [
            {
                "first_frame": person.first_frame + run.start,
                "last_frame": person.first_frame + run.end - 1,
                "action": run.label,
            }
            for run in runs
        ]
        for person, runs in performed
    }
    return {"producer": PRODUCER, "objects": objects}


def make(data: Path, output: Path) -> None:
    """Write all samples.

    Args:
        data: folder of ``hdm05_11_30hz.npz``.
        output: folder to write into.

    Raises:
        InputError: the file is missing.
    """
    clips = {clip.name: clip for clip in read_clips(data, "hdm05")}
    output.mkdir(parents=True, exist_ok=True)
    rows = sample_rows(clips)
    write_rows(output / "segments.npy", rows, 300, output / "segments.truth.json")
    motions = {name: confident(clip) for name, clip in clips.items()}
    performed = [(person, *perform(person, motions)) for person in PERSONS]
    tracks = [
        Track(person.object_id, person.first_frame, motion) for person, motion, _ in performed
    ]
    lines = ",\n".join(records(tracks, ConvertConfig()))
    write_atomic(output / "walk_sit_getup.json", f"[{lines}\n]\n".encode())
    actions = truth([(person, runs) for person, _, runs in performed])
    content = json.dumps(actions, indent=1) + "\n"
    write_atomic(output / "walk_sit_getup.truth.json", content.encode())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return exit_code("make_samples", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = Parser(
        prog="six_class.make_samples",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with hdm05_11_30hz.npz")
    parser.add_argument(
        "--output", type=Path, default=Path("samples"), help="folder to write (default %(default)s)"
    )
    options = parser.parse_args(argv)
    make(options.data, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
