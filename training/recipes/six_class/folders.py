"""Folders of the model repository that serve a network of the pose type 2dbp or 25dbp.

They are made from those of the 3dbp network: the same contract under other names. The network
runs on ONNX Runtime wherever the server runs, so no engine has to be built. Pre- and
post-processing are links: they know by their name which network they belong to.
"""

import re
from pathlib import Path

from converter import ConvertConfig
from training.common.results import write_atomic
from training.pose_classification.serving import ENSEMBLE, ensemble_name, network_name


def make_folders(repository: Path, pose_type: str) -> None:
    """Make all that serves a network but its weights and labels; what exists is replaced.

    Args:
        repository: the model repository, with the models of 3dbp.
        pose_type: ``2dbp`` or ``25dbp``.
    """
    name, network = ensemble_name(pose_type), network_name(pose_type)
    for part in ("preprocess", "postprocess"):
        _link(repository / f"{name}_{part}", f"{ENSEMBLE}_{part}")
    own, theirs = repository / network, repository / network_name("3dbp")
    for path in theirs.glob("configs/*.pbtxt"):
        text = _config(path.read_text(encoding="utf-8"), pose_type)
        _write(own / "configs" / path.name, text)
        if path.stem == "onnxruntime":
            _write(own / "config.pbtxt", text)
    _link(own / "1" / "model.py", f"../../{theirs.name}/1/model.py")
    text = (repository / ENSEMBLE / "config.pbtxt").read_text(encoding="utf-8")
    _write(repository / name / "config.pbtxt", _config(text, pose_type))
    _write(repository / name / "1" / ".gitkeep", "")
    _link(repository / name / "labels.txt", f"../{network}/labels.txt")


def _config(text: str, pose_type: str) -> str:
    """Return a configuration of 3dbp as one of another pose type."""
    stated = f'parameters {{ key: "pose_type" value {{ string_value: "{pose_type}" }} }}\n'
    channels = ConvertConfig(pose_type=pose_type).channels
    text = text.replace(ENSEMBLE, ensemble_name(pose_type))
    text = re.sub(r"(# What the client .*\n)?parameters .*\"pose_type\".*\n", "", text)
    text = re.sub(r"(max_batch_size: \d+\n)", rf"\1{stated}", text)
    return re.sub(r"dims: \[ 3, (-1|300), 34, 1 \]", rf"dims: [ {channels}, \1, 34, 1 ]", text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.encode())


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
