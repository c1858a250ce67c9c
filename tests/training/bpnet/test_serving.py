import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import onnxruntime
import pytest

from converter.bodypose import NetworkFacts
from tests.training.bpnet.figures import POSE
from tests.training.bpnet.small import small_network
from training.bpnet.cli import main
from training.bpnet.saved_model import save_model
from training.common.engine.python_api import PythonApi
from training.common.engine.request import EngineRequest

REPOSITORY = Path(__file__).resolve().parents[3] / "model_repository_bodypose"


@pytest.fixture
def repository(tmp_path):
    """A copy that serves photos of 64x96, without a network."""
    copy = tmp_path / "repository"
    shutil.copytree(REPOSITORY, copy, ignore=shutil.ignore_patterns("*.onnx", "model.json"))
    config = copy / "bodypose_net" / "config.pbtxt"
    config.write_text(config.read_text().replace("[ 368, 368, 3 ]", "[ 64, 96, 3 ]"))
    return copy


@pytest.fixture
def model(tmp_path):
    save_model(tmp_path / "model.pth", *small_network(width=8))
    return str(tmp_path / "model.pth")


def test_the_network_comes_in_the_sizes_of_the_configuration(repository, model, capsys):
    assert main(["export", "-m", model, "--triton", str(repository)]) == 0
    version = repository / "bodypose_net" / "1"
    assert capsys.readouterr().out.splitlines()[-1] == str(version / "model.onnx")
    session = onnxruntime.InferenceSession(str(version / "model.onnx"))
    (entry,) = session.get_inputs()
    assert (entry.name, entry.shape[1:]) == ("input_1:0", [64, 96, 3])
    shapes = {item.name: item.shape[1:] for item in session.get_outputs()}
    assert shapes == {"peaks": [18, 32, 3], "limb_scores": [19, 32, 32]}
    facts = NetworkFacts.of_model(repository / "bodypose_net")
    assert (facts.joints, facts.limbs) == (POSE.joints, POSE.limbs)
    assert (facts.image_scale, facts.image_offset) == ((256, 256, 256), (0.5, 0.5, 0.5))


@pytest.mark.skipif(find_spec("tensorrt_rtx") is None, reason="tensorrt-rtx-cu13 is missing")
def test_tensorrt_accepts_the_network(repository, model, tmp_path):
    assert main(["export", "-m", model, "--triton", str(repository)]) == 0
    path = repository / "bodypose_net" / "1" / "model.onnx"
    wanted = EngineRequest(path, tmp_path / "model.plan", "fp32", {"batch": (1, 4, 8)})
    assert PythonApi("tensorrt_rtx").serialise(wanted, path, "SM89")


def test_a_folder_that_is_no_such_repository_is_refused(tmp_path, model, capsys):
    assert main(["export", "-m", model, "--triton", str(tmp_path / "nowhere")]) == 2
    assert "give a copy of model_repository_bodypose" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pattern", "new", "message"),
    [
        (r"18, 32, 3", "21, 32, 3", "serves 21 joints and 19 limbs, the network has 18 and 19"),
        (r'name: "peaks"', 'name: "maps"', "tensor peaks with three sizes is missing"),
    ],
)
def test_what_does_not_fit_is_refused(repository, model, capsys, pattern, new, message):
    config = repository / "bodypose_net" / "config.pbtxt"
    config.write_text(re.sub(pattern, new, config.read_text()))
    assert main(["export", "-m", model, "--triton", str(repository)]) == 2
    assert message in capsys.readouterr().err
    assert not (repository / "bodypose_net" / "1" / "model.onnx").exists()


def test_a_sidecar_of_something_else_is_named(tmp_path):
    version = tmp_path / "net" / "3"
    version.mkdir(parents=True)
    with pytest.raises(ValueError, match="export it again"):
        NetworkFacts.of_model(tmp_path / "net")
    (version / "model.json").write_text(json.dumps({"pose_config": "{}", "normalization": "{}"}))
    with pytest.raises(ValueError, match=r"net/3/model\.json: not the description"):
        NetworkFacts.of_model(tmp_path / "net")
