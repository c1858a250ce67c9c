"""The network in INT8: the same contract, another file, the same answers on real sequences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from scripts.embedded_triton import EmbeddedTriton
from tests.server.conftest import NETWORK, Client
from training.pose_classification.labels import read_labels
from training.pose_classification.metadata import ModelMetadata

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "model_repository" / NETWORK / "configs"
VERSION = ROOT / "model_repository" / NETWORK / "1"


def read(name: str) -> model_config_pb2.ModelConfig:
    text = (CONFIGS / f"{name}.pbtxt").read_text()
    return text_format.Parse(text, model_config_pb2.ModelConfig())


@pytest.mark.parametrize("backend", ["embedded", "onnxruntime"])
def test_only_the_file_is_another_one(backend: str) -> None:
    plain, int8 = read(backend), read(f"{backend}_int8")
    if backend == "onnxruntime":
        assert int8.default_model_filename == "model.int8.onnx"
        int8.default_model_filename = ""
    else:
        assert int8.parameters["onnx_file"].string_value == "model.int8.onnx"
        int8.parameters["onnx_file"].string_value = "model.onnx"
    assert int8 == plain


def test_both_files_are_of_one_network() -> None:
    # If not: python -m training.pose_classification.quantise model.onnx --calibration ...
    plain, int8 = (
        ModelMetadata.of_mapping(json.loads((VERSION / f"{name}.json").read_text()))
        for name in ("model", "model.int8")
    )
    assert replace(int8, data_type="fp32") == plain


def test_it_recognises_the_samples_and_says_what_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with EmbeddedTriton(ROOT / "model_repository", "embedded_int8", log=log) as server:
        client = Client(tritonclient.grpc, server.grpc_url)
        logits = client.logits(np.load(ROOT / "samples/segments.npy"))
        config = client.raw.get_model_config(NETWORK).config
        client.raw.close()
    truth = read_labels(ROOT / "samples/segments.truth.json").ids
    np.testing.assert_array_equal(logits.argmax(axis=1), truth)
    assert config.parameters["onnx_file"].string_value == "model.int8.onnx"
    assert "model.int8.onnx: int8, " in log.read_text()
