"""Flags of `export` beside its form: train spec, kept calibration inputs, engine."""

import cv2
import numpy as np
import pytest
import torch
import yaml

from converter import InputError
from converter.bodypose.photo import Normaliser
from tests.training.bpnet.small import small_network
from training.bpnet.calibration import CalibrationSource
from training.bpnet.cli import main
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.saved_model import save_model

torch.set_num_threads(1)
NORMALISE = Normaliser(NormalizationParams())


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for shade in (0, 128, 255):
        cv2.imwrite(str(folder / f"{shade:03}.png"), np.full((50, 70, 3), shade, np.uint8))
    return folder


@pytest.fixture
def saved(tmp_path):
    model, info = small_network(width=8)
    save_model(tmp_path / "model.pth", model, info)
    spec = {"model": info.spec.model_dump()}
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(spec))
    return tmp_path / "model.pth"


def test_inputs_are_kept_and_read_again(images, tmp_path):
    kept = tmp_path / "cal" / "data.npy"
    source = CalibrationSource(images, kept, 2)
    made = source.inputs(NORMALISE, (64, 96), is_nhwc=True)
    assert made.shape == (2, 64, 96, 3)
    np.testing.assert_allclose(made[1, 32, 48], 128 / 256 - 0.5)
    alone = CalibrationSource(None, kept)
    assert alone.is_given
    np.testing.assert_array_equal(alone.inputs(NORMALISE, (64, 96), is_nhwc=True), made)
    with pytest.raises(InputError, match=r"the network takes \(3, 64, 96\): delete it"):
        alone.inputs(NORMALISE, (64, 96), is_nhwc=False)
    np.save(kept, made[:0])
    with pytest.raises(InputError, match="of no image: delete it"):
        alone.inputs(NORMALISE, (64, 96), is_nhwc=True)
    kept.write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"cannot be read as a \.npy array"):
        alone.inputs(NORMALISE, (64, 96), is_nhwc=True)


def test_channels_may_come_first(images):
    made = CalibrationSource(images, None, 1).inputs(NORMALISE, (64, 96), is_nhwc=False)
    assert made.shape == (1, 3, 64, 96)


def test_nothing_to_calibrate_on(tmp_path):
    assert not CalibrationSource(None, tmp_path / "none.npy").is_given
    with pytest.raises(InputError, match="give --cal_image_dir"):
        CalibrationSource().inputs(NORMALISE, (64, 96), is_nhwc=True)


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (["-o", "model.pth"], "model.pth: would be replaced"),
        (["-o", "link.pth"], "link.pth: would be replaced"),
        (["-o", "train.onnx"], "train.json: would be replaced"),
        (["-o", "m.onnx", "--engine_file", "model.pth"], "model.pth: would be replaced"),
        (["-o", "m.json"], "ends in .onnx"),
        (["-o", "."], "ends in .onnx"),
    ],
)
def test_an_output_does_not_replace_what_is_read(
    saved, tmp_path, monkeypatch, capsys, output, says
):
    monkeypatch.chdir(tmp_path)
    spec = (tmp_path / "train.yaml").rename(tmp_path / "train.json")
    (tmp_path / "link.pth").symlink_to(saved)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    command = ["export", "-m", str(saved), "-e", str(spec), "-d", "64,64,3"]
    assert main([*command, *output]) == 2
    assert says in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_train_spec_must_describe_the_model(saved, tmp_path, capsys):
    spec = tmp_path / "train.yaml"
    command = ["export", "-m", str(saved), "-e", str(spec), "-d", "64,64,3"]
    assert main(command) == 0
    spec.write_text("model: {stages: 7}")
    assert main(command) == 2
    assert "describes another network" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_an_engine_needs_a_gpu(saved, tmp_path, capsys):
    output, plan = tmp_path / "m.onnx", tmp_path / "m.engine"
    command = ["export", "-m", str(saved), "-o", str(output), "-d", "64,64,3"]
    assert main([*command, "--engine_file", str(plan), "--max_batch_size", "4"]) == 2
    error = capsys.readouterr().err
    assert "GPU" in error
    assert error.count("\n") == 1
    assert output.is_file()
    assert not plan.exists()


def test_a_calibration_cache_is_not_written(saved, images, tmp_path, caplog):
    cache, kept = tmp_path / "cal.bin", tmp_path / "data.npy"
    command = ["export", "-m", str(saved), "-o", str(tmp_path / "m.onnx"), "-d", "64,64,3"]
    command += ["--data_type", "int8", "--cal_image_dir", str(images), "--batches", "2"]
    assert main([*command, "--cal_data_file", str(kept), "--cal_cache_file", str(cache)]) == 0
    assert "cal.bin is not written" in caplog.text
    assert np.load(kept).shape == (2, 64, 64, 3)
    assert not cache.exists()
