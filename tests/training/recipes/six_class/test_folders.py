"""Model folders for the other pose types, served by a live Triton."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tritonclient.http

from client.cli import main
from converter import ConvertConfig, network_input
from scripts.embedded_triton import EmbeddedTriton
from tests.server.conftest import Client
from tests.server.test_ensemble import recording
from tests.tiny_network import CLASSES, tiny_logits, write_tiny_network
from training.pose_classification.serving import ensemble_name, network_name
from training.recipes.six_class.folders import make_folders

ROOT = Path(__file__).parents[4]
OTHERS = ("2dbp", "25dbp")


def copied(folder: Path) -> Path:
    repository = folder / "model_repository"
    for part in ("", "_preprocess", "_tao", "_postprocess"):
        name = f"pose_classification{part}"
        weights = shutil.ignore_patterns("*.onnx", "model.json", "__pycache__")
        shutil.copytree(ROOT / "model_repository" / name, repository / name, ignore=weights)
    return repository


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTriton]:
    folder = tmp_path_factory.mktemp("three")
    repository = copied(folder)
    for pose_type in ("3dbp", *OTHERS):
        if pose_type != "3dbp":
            make_folders(repository, pose_type)
        network = repository / network_name(pose_type)
        (network / "labels.txt").write_text("".join(f"{name}\n" for name in CLASSES))
        write_tiny_network(network / "1", pose_type=pose_type, unknown_logit=1.0)
    with EmbeddedTriton(repository, log=folder / "triton.log") as running:
        yield running


@pytest.mark.parametrize("pose_type", OTHERS)
def test_each_pose_type_has_its_network(pose_type: str, server: EmbeddedTriton) -> None:
    client, keypoints = Client(tritonclient.http, server.http_url), recording(3)
    answer = client.infer(ensemble_name(pose_type), keypoints=keypoints)
    config = ConvertConfig(pose_type=pose_type)
    expected = tiny_logits(np.stack([network_input(clip, config) for clip in keypoints]))
    np.testing.assert_allclose(answer.as_numpy("logits"), expected, rtol=1e-4)
    labels = answer.as_numpy("label")[:, 0].tolist()
    assert labels == [CLASSES[best].encode() for best in expected.argmax(axis=1)]
    on = client.infer(
        ensemble_name(pose_type), keypoints=keypoints, unknown=np.ones((3, 1), np.bool_)
    )
    assert on.as_numpy("label").shape == (3, 7)


@pytest.mark.parametrize("pose_type", OTHERS)
def test_the_client_takes_the_pose_type_of_the_model(
    pose_type: str, server: EmbeddedTriton, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sample = str(ROOT / "samples" / "walk_sit_getup.json")
    wrong = tmp_path / "convert.yaml"
    wrong.write_text("pose_type: 3dbp\n")
    results = []
    for model in (network_name(pose_type), ensemble_name(pose_type)):
        words = [sample, "-m", model, "--output_path", str(tmp_path), "-u", server.http_url]
        assert main([*words, "--async", "-b", "16"]) == 0
        results.append((tmp_path / "results.json").read_bytes())
        assert main([*words, "--dataset_convert_config", str(wrong)]) == 2
        line = capfd.readouterr().err.splitlines()[-1]
        assert f"pose_type is 3dbp, but model {model!r} was trained on {pose_type}" in line
    assert results[0] == results[1]


@pytest.mark.parametrize("pose_type", OTHERS)
def test_what_ships_is_what_the_recipe_makes(pose_type: str, tmp_path: Path) -> None:
    shipped = ROOT / "model_repository"
    if not (shipped / network_name(pose_type)).exists():
        pytest.skip(f"no network for {pose_type} ships yet")
    make_folders(copied(tmp_path), pose_type)
    for name in (network_name(pose_type), ensemble_name(pose_type)):
        made = tmp_path / "model_repository" / name
        files = [path for path in made.rglob("*") if path.is_file() and not path.is_symlink()]
        assert files
        for path in files:
            twin = shipped / name / path.relative_to(made)
            assert twin.read_bytes() == path.read_bytes(), twin
