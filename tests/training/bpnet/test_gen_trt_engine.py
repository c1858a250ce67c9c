"""Without a GPU the commands are printed; building is the shared code's, tested with it."""

import cv2
import numpy as np
import pytest
import torch

from tests.training.bpnet.small import small_network
from training.bpnet.cli import main
from training.bpnet.export import ExportOptions, export

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def onnx(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "m.onnx"
    export(*small_network(width=8), ExportOptions(64, 96, layout="channels_first"), path)
    return path


def test_dry_run_prints_the_build(onnx, tmp_path, capsys):
    plan = tmp_path / "m.engine"
    command = ["gen_trt_engine", "-m", str(onnx), "-o", str(plan), "--data_type", "fp32"]
    assert main([*command, "--max_batch_size", "4", "--dry_run"]) == 0
    printed = capsys.readouterr().out
    assert "1x3x64x96" in printed
    assert "4x3x64x96" in printed
    assert str(plan) in printed
    assert not plan.exists()


def test_calibration_images_are_put_as_the_network_takes_them(onnx, tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    cv2.imwrite(str(images / "a.png"), np.full((50, 70, 3), 200, np.uint8))
    command = ["gen_trt_engine", "-m", str(onnx), "--cal_image_dir", str(images)]
    command += ["-o", str(tmp_path / "m.engine"), "--data_type", "int8", "--dry_run"]
    needed = f"# {tmp_path}/.engine/calibration.npy: 32 inputs of "
    assert main(command) == 0
    assert f"{needed}the images of {images} (" in capsys.readouterr().out
    kept = tmp_path / "kept.npy"
    assert main([*command, "--cal_data_file", str(kept)]) == 0
    assert f"{needed}{kept}\n" in capsys.readouterr().out
    assert np.load(kept).shape == (1, 3, 64, 96)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_is_one_line(onnx, tmp_path, capsys):
    command = ["gen_trt_engine", "-m", str(onnx), "-o", str(tmp_path / "m.engine")]
    assert main([*command, "--data_type", "fp32"]) == 2
    error = capsys.readouterr().err
    assert "GPU" in error
    assert error.count("\n") == 1


def test_low_precision_needs_images(onnx, tmp_path, capsys):
    command = ["gen_trt_engine", "-m", str(onnx), "-o", str(tmp_path / "m.engine"), "--dry_run"]
    assert main(command) == 2
    assert "fp16 is calibrated on images: give --cal_image_dir" in capsys.readouterr().err


def test_the_engine_does_not_replace_the_model(onnx, tmp_path, capsys):
    before = onnx.read_bytes()
    command = ["gen_trt_engine", "-m", str(onnx), "-o", str(onnx), "-r", str(tmp_path)]
    assert main([*command, "--data_type", "fp32"]) == 2
    assert "would replace the model" in capsys.readouterr().err
    assert onnx.read_bytes() == before


def test_what_is_no_export(tmp_path, capsys):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"nothing")
    command = ["gen_trt_engine", "-m", str(path), "-o", str(tmp_path / "m.engine"), "--dry_run"]
    assert main(command) == 2
    assert "cannot load it" in capsys.readouterr().err
