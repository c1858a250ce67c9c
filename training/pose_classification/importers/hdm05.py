"""HDM05 motion capture (Müller et al., 2007): joint positions made of its ASF/AMC or C3D files.

An ``.npz`` with ``frames`` (sum of T, J, 3), ``offsets`` (N + 1), ``labels`` (N), ``names`` (N,
like ``HDM_bd_cartwheel_001_120``), ``bones`` (J names in HDM05's order or any other) and, for the
split, ``is_test`` (N). A folder of ``.asf`` and ``.amc`` files is read by `asf_amc`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from converter import InputError, get_layout
from training.pose_classification.importers.asf_amc import read_amc, read_asf
from training.pose_classification.importers.clips import (
    Clip,
    FloatArray,
    Source,
    files_in,
    some_train,
    with_confidence,
)
from training.pose_classification.importers.tables import read_sequences

_NAME = re.compile(r"HDM_(\w\w)_(\w+?)_\d+_\d+")


def open_hdm05(path: Path, split: str | None) -> Source:
    """Open an ``.npz``, or a folder of ``HDM_<subject>_<action>_*.amc`` with ``HDM_<subject>.asf``.

    Args:
        path: The file or folder; folders inside are searched, too.
        split: Subjects that train, separated by commas (``bd,bk,dg``); ``npz``: the file's own
            ``is_test`` says what is val. Default: one part, ``all``.

    Returns:
        Clips of one person, layout hdm05.

    Raises:
        InputError: A file is not what it should be.
    """
    if split not in (None, "none", "npz") and not re.fullmatch(r"\w\w(,\w\w)*", split):
        raise InputError(f"split {split!r}: must be subjects such as bd,bk,dg, or npz")
    clips = _captured(path, split) if path.is_dir() else _packed(path, split)
    return Source("hdm05", some_train(clips, split))


def _part(subject: str, split: str | None) -> str:
    if split in (None, "none"):
        return "all"
    return "train" if subject in split.split(",") else "val"


def _parsed(name: str, where: Path) -> re.Match[str]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(f"{where}: {name!r}: not a name like HDM_bd_cartwheel_001_120")
    return match


def _packed(path: Path, split: str | None) -> Iterator[Clip]:
    further = ("bones", "is_test") if split == "npz" else ("bones",)
    content = read_sequences(path, *further)
    tested = content["is_test"].astype(bool) if split == "npz" else None
    if tested is not None and tested.shape != content["names"].shape:
        raise InputError(f"{path}: is_test must say of each of the names whether it is val")
    if content["bones"].shape != content["frames"].shape[1:2]:
        raise InputError(f"{path}: bones must name the {content['frames'].shape[1]} joints")
    order = _order(content["bones"].tolist(), path)
    for number, name in enumerate(content["names"].tolist()):
        subject, action = _parsed(name, path).groups()
        part = _part(subject, split) if tested is None else ("train", "val")[int(tested[number])]
        start, end = content["offsets"][number : number + 2]
        yield Clip(name, action, with_confidence(content["frames"][start:end, None, order]), part)


def _captured(folder: Path, split: str | None) -> Iterator[Clip]:
    files = files_in(folder, ".amc")
    if not files:
        raise InputError(f"{folder}: no .amc files in this folder")
    skeletons = {file.stem: file for file in files_in(folder, ".asf")}
    for file in files:
        subject, action = _parsed(file.stem, file).groups()
        if f"HDM_{subject}" not in skeletons:
            raise InputError(f"{file}: its skeleton HDM_{subject}.asf is not in {folder}")
        skeleton = read_asf(skeletons[f"HDM_{subject}"])
        positions: FloatArray = read_amc(file, skeleton)
        order = _order(["root", *skeleton.bones], file)
        poses = with_confidence(positions[:, None, order])
        yield Clip(file.stem, action, poses, _part(subject, split))


def _order(bones: list[str], where: Path) -> list[int]:
    joints = get_layout("hdm05").joints
    if missing := sorted(set(joints) - set(bones)):
        raise InputError(f"{where}: bone {missing[0]!r} is missing")
    return [bones.index(joint) for joint in joints]
