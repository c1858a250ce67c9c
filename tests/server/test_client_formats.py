"""The client's files, the same over every protocol, in every way of sending, from both models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from client.cli import main
from converter import ConvertConfig, network_input
from scripts.embedded_triton import EmbeddedTriton
from tests.server.client_inputs import WAYS, actions, clips, document, flags_of, keypoints
from tests.server.conftest import ENSEMBLE, NETWORK
from tests.tiny_network import CLASSES, tiny_logits

GOLDEN = Path(__file__).parent / "golden"
MAKERS: dict[str, Callable[..., Any]] = {NETWORK: clips, ENSEMBLE: keypoints}

ways = pytest.mark.parametrize("way", WAYS)
models = pytest.mark.parametrize("model", MAKERS)


@ways
@models
@pytest.mark.parametrize("batch", [[], ["-b", "4"], ["-b", "100"]], ids=["1", "4", "100"])
def test_arrays(
    model: str, way: str, batch: list[str], triton: EmbeddedTriton, tmp_path: Path
) -> None:
    """The golden file has the six classes; around it, order under load and the last batch count."""
    rng = np.random.default_rng(3)
    order = [*range(6), *rng.integers(0, 6, 37)]
    np.save(tmp_path / "a.npy", MAKERS[model](order))
    out = tmp_path / "out"
    words = [str(tmp_path / "a.npy"), "-m", model, "--output_path", str(out), *batch]
    assert main([*words, *flags_of(way, triton)]) == 0
    golden = (GOLDEN / "results.txt").read_text().splitlines()
    tails = [line.partition(",")[2] for line in golden]
    expected = [f"{index},{tails[number]}" for index, number in enumerate(order)]
    assert (out / "results.txt").read_text().splitlines() == expected
    assert [path.name for path in out.iterdir()] == ["results.txt"]


@ways
def test_a_proxy_is_not_asked(
    way: str, triton: EmbeddedTriton, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    np.save(tmp_path / "a.npy", clips([0]))
    words = [str(tmp_path / "a.npy"), "-m", NETWORK, "--output_path", str(tmp_path / "out")]
    assert main([*words, *flags_of(way, triton)]) == 0


@ways
@models
def test_documents(model: str, way: str, triton: EmbeddedTriton, tmp_path: Path) -> None:
    convert = tmp_path / "convert.yaml"
    convert.write_text("sequence_length: 2\nsequence_length_min: 2\n")
    out = tmp_path / "out"
    words = [str(GOLDEN / "poses.json"), "-m", model, "--output_path", str(out), "--nvidia-layout"]
    words += ["--dataset_convert_config", str(convert), *flags_of(way, triton)]
    assert main(words) == 0
    assert (out / "results.json").read_bytes() == (GOLDEN / "results.json").read_bytes()


@ways
@models
def test_every_person_gets_his_own_actions(
    model: str, way: str, triton: EmbeddedTriton, tmp_path: Path
) -> None:
    classes = np.random.default_rng(5).integers(0, 6, 40)
    lengths = range(30, 70)
    tracks = {n: [classes[n]] * length for n, length in enumerate(lengths)}
    (tmp_path / "a.json").write_bytes(orjson.dumps(document(tracks)))
    convert = tmp_path / "convert.yaml"
    convert.write_text("sequence_length: 10\n")
    out = tmp_path / "out"
    words = [str(tmp_path / "a.json"), "-m", model, "-b", "3", "--output_path", str(out)]
    words += ["--dataset_convert_config", str(convert), *flags_of(way, triton)]
    assert main(words) == 0
    expected = {n: [CLASSES[number] for number in track] for n, track in tracks.items()}
    assert actions(out / "results.json") == expected


def test_scores_and_compact(triton: EmbeddedTriton, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(orjson.dumps(document({8: [4] * 30})))
    found = []
    for model in MAKERS:
        out = tmp_path / model
        words = [str(tmp_path / "a.json"), "-m", model, "--output_path", str(out)]
        assert main([*words, "--scores", "--compact", "-u", triton.http_url]) == 0
        text = (out / "results.json").read_text()
        assert len(text.splitlines()) == 1
        found.append(orjson.loads(text)[7]["batches"][0]["objects"][0])
    logits = np.array([-9.0, 7.5, -6.875, 2.25, 9.0, -5.5])
    softmax = np.exp(9.0) / np.exp(logits).sum()
    for item in found:
        assert item["action"] == "walking"
        assert item["action_score"] == pytest.approx(softmax, abs=1e-5)


def test_a_document_keeps_its_text(triton: EmbeddedTriton, tmp_path: Path) -> None:
    source = orjson.dumps(document({8: [4] * 30}), option=orjson.OPT_INDENT_2)
    (tmp_path / "a.json").write_bytes(source)
    words = [str(tmp_path / "a.json"), "--output_path", str(tmp_path), "-u", triton.http_url]
    assert main(words) == 0
    written = (tmp_path / "results.json").read_bytes()
    assert actions(tmp_path / "results.json") == {8: ["walking"] * 30}
    kept = re.sub(rb'"num_obj_meta": 1,\s*', b"", source)
    assert re.sub(rb'"action": "walking",\s*', b"", written) == kept


def test_layout_of_nvidia(triton: EmbeddedTriton, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(orjson.dumps(document({8: [4] * 30})))
    words = [str(tmp_path / "a.json"), "--output_path", str(tmp_path), "-u", triton.http_url]
    assert main([*words, "--nvidia-layout"]) == 0
    text = (tmp_path / "results.json").read_text()
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=2, ensure_ascii=False)


def test_label_policies(triton: EmbeddedTriton, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(orjson.dumps(document({8: [4] * 120})))
    for policy, unlabelled in (("dense", 0), ("tao", 50)):
        words = [str(tmp_path / "a.json"), "--output_path", str(tmp_path), "-u", triton.http_url]
        assert main([*words, "--label-policy", policy]) == 0
        assert actions(tmp_path / "results.json")[8].count("") == unlabelled


def test_max_gap(triton: EmbeddedTriton, tmp_path: Path) -> None:
    """Half a track before a gap of four frames, half behind it, each too short by itself."""
    records = document({8: [4] * 16})
    del records[6:10]
    (tmp_path / "a.json").write_bytes(orjson.dumps(records))
    for gap, unlabelled in (("4", 0), ("3", 12)):
        words = [str(tmp_path / "a.json"), "--output_path", str(tmp_path), "-u", triton.http_url]
        assert main([*words, "--max-gap", gap]) == 0
        assert actions(tmp_path / "results.json")[8].count("") == unlabelled


def test_pose_type_and_camera_reach_the_ensemble(triton: EmbeddedTriton, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", keypoints(range(6)))
    convert = tmp_path / "convert.yaml"
    lines = []
    for factor in (1, 2):
        convert.write_text(f"focal_length: {1200 * factor}\n")
        words = [str(tmp_path / "a.npy"), "-m", ENSEMBLE, "--output_path", str(tmp_path)]
        words += ["-u", triton.http_url, "--dataset_convert_config", str(convert)]
        assert main(words) == 0
        lines.append((tmp_path / "results.txt").read_text().splitlines()[0])
    bias = 0.5
    assert lines[0].startswith("0, 13.5000(0)=sitting_down")
    assert lines[1].startswith(f"0, {(13.5 - bias) / 2 + bias:.4f}(0)=sitting_down")
    convert.write_text("pose_type: 25dbp\n")
    assert main(words) == 2  # the network was trained on 3dbp


@pytest.mark.parametrize("kind", ["json", "json.gz", "ndjson"])
def test_kinds_of_document(kind: str, triton: EmbeddedTriton, tmp_path: Path) -> None:
    records = document({8: [2] * 20})
    path = tmp_path / f"a.{kind}"
    if kind == "ndjson":
        path.write_bytes(b"\n".join(map(orjson.dumps, records)))
    elif kind == "json.gz":
        import gzip

        path.write_bytes(gzip.compress(orjson.dumps(records)))
    else:
        path.write_bytes(orjson.dumps(records))
    assert main([str(path), "-u", triton.http_url, "--output_path", str(tmp_path / "out")]) == 0
    assert actions(tmp_path / "out/results.json") == {8: ["sitting"] * 20}


def test_a_folder_with_one_bad_file(
    triton: EmbeddedTriton, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    (data / "b").mkdir(parents=True)
    np.save(data / "a.npy", clips([4]))
    (data / "b/a.json").write_bytes(orjson.dumps(document({8: [2] * 20})))
    (data / "b/bad.json").write_text("no JSON")
    np.save(data / "worse.npy", clips([4])[..., :17, :])
    assert main([str(data), "-u", triton.http_url, "--output_path", str(out)]) == 2
    assert "walking" in (out / "a.npy/results.txt").read_text()
    assert actions(out / "b/a.json/results.json") == {8: ["sitting"] * 20}
    assert sum(path.is_file() for path in out.rglob("*")) == 2
    assert "worse.npy: has V=17" in caplog.text
    assert "2 of 4 inputs failed, see above" in caplog.messages[-1]


def test_a_second_run_replaces(triton: EmbeddedTriton, tmp_path: Path) -> None:
    for classes in ([1, 2, 3], [4]):
        np.save(tmp_path / "a.npy", clips(classes))
        words = [str(tmp_path / "a.npy"), "-u", triton.http_url, "--output_path", str(tmp_path)]
        assert main(words) == 0
    assert (tmp_path / "results.txt").read_text().startswith("0, 9.0000(4)=walking, 7.5000(1)=")
    assert len((tmp_path / "results.txt").read_text().splitlines()) == 1


@pytest.mark.parametrize("model", [NETWORK, ENSEMBLE])
def test_frame_rate(triton: EmbeddedTriton, tmp_path: Path, model: str) -> None:
    """Ten poses a second are asked about as the thirty that lie on the lines between them."""
    classes = [4] * 9 + [1] * 3
    poses = keypoints(classes, frames=1)[:, 0]
    (tmp_path / "a.json").write_bytes(orjson.dumps(document({8: classes})))
    words = [str(tmp_path / "a.json"), "-m", model, "--output_path", str(tmp_path), "--scores"]
    scores = []
    for rate in (30.0, 10.0):
        logits = tiny_logits(network_input(poses, ConvertConfig(frame_rate=rate))[np.newaxis])[0]
        scores.append(np.exp(logits - logits.max()).max() / np.exp(logits - logits.max()).sum())
        assert main([*words, "-u", triton.http_url, "--frame-rate", str(rate)]) == 0
        for record in orjson.loads((tmp_path / "results.json").read_bytes()):
            item = record["batches"][0]["objects"][0]
            assert item["action"] == "walking"
            assert item["action_score"] == pytest.approx(scores[-1], abs=1e-5)
    assert abs(scores[0] - scores[1]) > 1e-3
