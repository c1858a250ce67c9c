"""A trained network goes into the model repository, with names and number of its own classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tritonclient.http
import yaml

from scripts.embedded_triton import EmbeddedTriton
from tests.server.conftest import Client
from tests.server.test_ensemble import recording
from tests.training.pose_classification.networks import small_model
from training.common.checkpoint import save_checkpoint
from training.pose_classification.cli import main

CLASSES = ["wave", "clap", "bow", "stretch", "point", "shrug", "nod", "kick"]
NETWORK = "pose_classification_tao"


def exported(folder: Path, repository: Path, *overrides: str, **model: object) -> int:
    """Exports an untrained network into a repository; returns the exit code."""
    net = small_model(len(CLASSES), padding="mask", **model)
    save_checkpoint(folder / "net.pth", {"state_dict": net.state_dict()})
    names = {name: index for index, name in enumerate(CLASSES)}
    dataset = {"num_classes": len(CLASSES), "label_map": names}
    spec = {"model": {"base_channels": 8, "padding": "mask", **model}, "dataset": dataset}
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec))
    options = [f"export.checkpoint={folder}/net.pth", f"export.triton={repository}"]
    options += [f"results_dir={folder}", *overrides]
    return main(["export", "-e", f"{folder}/spec.yaml", *options])


def test_the_ensemble_answers_with_ones_own_classes(
    tmp_path: Path, make_repository: Callable[..., Path]
) -> None:
    repository = make_repository(tmp_path)
    version = repository / NETWORK / "1"
    for name in ("model.int8.onnx", "model.int8.json"):
        (version / name).write_text("of the network before")
    assert exported(tmp_path, repository) == 0
    assert not list(version.glob("model.int8.*"))
    for path in (repository / NETWORK).glob("**/*.pbtxt"):
        assert 'name: "fc_pred" data_type: TYPE_FP32 dims: [ 8 ]' in path.read_text()
    with EmbeddedTriton(repository, log=tmp_path / "triton.log") as server:
        client = Client(tritonclient.http, server.http_url)
        answer = client.infer("pose_classification", keypoints=recording(2))
    assert {name.decode() for name in answer.as_numpy("label")[0]} == set(CLASSES)
    assert answer.as_numpy("logits").shape == (2, 8)


@pytest.mark.parametrize(
    ("overrides", "model", "message"),
    [
        (["export.onnx_file=net.onnx"], {}, "set one of them, not both"),
        (["export.sequence_length=90"], {}, "takes [3, -1, 34, 1] "),
        ([], {"graph_layout": "ntu-rgb+d"}, "the network [3, -1, 25, 2]: train and export for"),
        (["dataset.stream=bone"], {}, "set export.onnx_file instead of export.triton"),
        (["dataset.pose_type=2dbp"], {}, "set export.triton to model_repository or a copy of it"),
    ],
)
def test_what_cannot_be_served_is_refused(
    tmp_path: Path,
    make_repository: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    overrides: list[str],
    model: dict[str, object],
    message: str,
) -> None:
    repository = make_repository(tmp_path)  # of 3dbp alone
    path = repository / NETWORK / "1" / "model.onnx"
    before = path.read_bytes()
    assert exported(tmp_path, repository, *overrides, **model) == 2
    assert message in capsys.readouterr().err
    assert path.read_bytes() == before
