"""Clips with their classes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from converter import ConvertConfig
from training.recipes.six_class.arrays import Row
from training.recipes.six_class.body import complete
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.rules import Run, label_runs
from training.recipes.six_class.sources import Clip
from training.recipes.six_class.split import Split, split_of

SHORTEST = ConvertConfig.sequence_length_min


@dataclass(frozen=True)
class Labelled:
    """A clip, its runs and the part of the data it belongs to.

    Attributes:
        clip: with the joints that its source has.
        whole: its motion with all joints.
        runs: runs in order, none overlapping.
        split: ``train``, ``val`` or ``test``.
    """

    clip: Clip
    whole: Motion
    runs: list[Run]
    split: Split


def label_clips(clips: Iterable[Clip], left_out: str | None = None) -> list[Labelled]:
    """Label all clips and keep those that have a run of any class.

    Nobody in the data gets up from the floor. For training, clips of sitting down on it are
    taken backwards, too.

    Args:
        clips: the clips.
        left_out: a source that is for testing alone.
    """
    labelled = []
    for clip in clips:
        split = split_of(clip, left_out)
        motions = {clip.name: clip.motion}
        if clip.action == "lie_down" and split == "train":
            motions[f"{clip.name}.backwards"] = clip.motion[::-1]
        for name, motion in motions.items():
            runs = label_runs(clip.action, motion)
            if runs:
                taken = replace(clip, name=name, motion=motion)
                labelled.append(Labelled(taken, complete(motion), runs, split))
    return labelled


def segments(items: Iterable[Labelled], whole: bool) -> list[Row]:
    """Return all runs that are long enough to be classified, as they are.

    Args:
        items: labelled clips.
        whole: with the joints estimated that the source lacks.
    """
    return [
        Row(f"{item.clip.name}[{run.start}:{run.end}]", run.label, motion[run.start : run.end])
        for item in items
        for motion in [item.whole if whole else item.clip.motion]
        for run in item.runs
        if len(run) >= SHORTEST
    ]
