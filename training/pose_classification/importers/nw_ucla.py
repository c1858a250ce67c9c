"""Northwestern-UCLA Multiview Action 3D (Wang et al., CVPR 2014): one JSON a sequence.

Files are named ``a01_s01_e00_v01.json`` (action, subject, repetition, view) and hold
``{"file_name": ..., "skeletons": (T, 20, 3)}`` in metres, as GCN papers share them.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from converter import InputError
from training.pose_classification.importers.clips import (
    Clip,
    Source,
    files_in,
    is_shadow,
    with_confidence,
)
from training.pose_classification.importers.tables import DAMAGED

ACTIONS = {
    "a01": "pick_up_with_one_hand",
    "a02": "pick_up_with_two_hands",
    "a03": "drop_trash",
    "a04": "walk_around",
    "a05": "sit_down",
    "a06": "stand_up",
    "a08": "donning",
    "a09": "doffing",
    "a11": "throw",
    "a12": "carry",
}
# Part of each view.
SPLITS = {
    "cross-view": {"01": "train", "02": "train", "03": "val"},
    "validation": {"01": "train", "02": "val"},
    "validation-reverse": {"02": "train", "01": "val"},
    "none": {"01": "all", "02": "all", "03": "all"},
}
LARGEST_FILE = 64 << 20  # bytes; a sequence of 200 frames has half a million
_NAME = re.compile(r"(a\d\d)_s\d\d_e\d\d_v(\d\d)")


def open_nw_ucla(path: Path, split: str | None) -> Source:
    """Open a folder or zip of sequences.

    Args:
        path: The folder or zip.
        split: ``cross-view`` (default: views 1 and 2 train, view 3 val); ``none``: one part,
            ``all``; ``validation``: view 1 trains and view 2 is val, ``validation-reverse``: the
            other way round, both for choosing options without a look at the test view; or a JSON
            file ``{"train": [...], "test": [...]}`` of objects with ``file_name``.

    Returns:
        Clips of one person, layout kinect-v1.

    Raises:
        InputError: A file is not what it should be.
    """
    return Source("kinect-v1", _clips(path, _parts(split or "cross-view")), tuple(ACTIONS.values()))


def _parts(split: str) -> dict[str, str]:
    """Part of the data set by view (``01``) or by the name of a sequence."""
    if split in SPLITS:
        return SPLITS[split]
    try:
        content = json.loads(Path(split).read_text(encoding="utf-8"))
        return {
            entry["file_name"]: part
            for key, part in (("train", "train"), ("test", "val"))
            for entry in content[key]
        }
    except OSError as error:
        raise InputError(
            f"split {split!r}: must be one of {', '.join(SPLITS)}, or a JSON file"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{split}: must hold train and test, lists of file_name") from error


def _clips(path: Path, parts: dict[str, str]) -> Iterator[Clip]:
    for name, content in _files(path):
        match = _NAME.fullmatch(Path(name).stem)
        if match is None or match[1] not in ACTIONS:
            raise InputError(f"{path}: {name}: not a name like a01_s01_e00_v01.json")
        part = parts.get(match[0]) or parts.get(match[2])
        if part is None:
            continue
        poses = _poses(content, f"{path}: {name}")
        yield Clip(match[0], ACTIONS[match[1]], poses[:, None], part)


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        files = files_in(path, ".json")
        if not files:
            raise InputError(f"{path}: no .json files in this folder")
        for file in files:
            yield file.name, file.read_bytes()
        return
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith(".json")]
            if not names:
                raise InputError(f"{path}: no .json files in this zip")
            for name in sorted(n for n in names if not is_shadow(PurePath(n))):
                if archive.getinfo(name).file_size > LARGEST_FILE:
                    raise zipfile.BadZipFile(f"{name} is larger than a sequence can be")
                yield name, archive.read(name)
    except (OSError, *DAMAGED, EOFError, RuntimeError) as error:  # the last: a password
        raise InputError(f"{path}: neither a folder nor a readable zip ({error})") from error


def _poses(content: bytes, where: str) -> Any:
    try:
        skeletons = np.array(json.loads(content)["skeletons"], dtype=np.float32)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f'{where}: must hold "skeletons", numbers (T, 20, 3)') from error
    if skeletons.ndim != 3 or skeletons.shape[1:] != (20, 3):
        raise InputError(f"{where}: skeletons are {skeletons.shape}, must be (T, 20, 3)")
    return with_confidence(skeletons)
