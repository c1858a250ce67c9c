"""Who is trained on and who is held out: by person in every data set.

No person of a test set is seen in training. The validation set (when to stop, temperature)
has persons of its own in both Kinect sets; of the five persons in HDM05 two are test subjects
(those of the data set's own split), which leaves too few for a third group, so there every
sixth take of the others is for validation.
"""

from typing import Literal

from training.recipes.six_class.sources import Clip

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

TEST_SUBJECTS = {
    "nw_ucla": {"s02", "s06", "s09"},
    "utkinect": {"s03", "s07", "s09"},
    "hdm05": {"mm", "tr"},
}
VAL_SUBJECTS: dict[str, set[str]] = {"nw_ucla": {"s04"}, "utkinect": {"s05"}, "hdm05": set()}
VAL_TAKES = 6


def split_of(clip: Clip, left_out: str | None = None) -> Split:
    """Return the part of the data that a clip belongs to.

    Args:
        clip: the clip.
        left_out: a source of which everybody is a test person.
    """
    if clip.source == left_out or clip.subject in TEST_SUBJECTS[clip.source]:
        return "test"
    if clip.subject in VAL_SUBJECTS[clip.source]:
        return "val"
    if clip.source == "hdm05" and int(clip.name.split("_")[3]) % VAL_TAKES == 0:
        return "val"
    return "train"
