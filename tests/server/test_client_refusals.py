"""Models of other kinds, models that are missing, data that do not fit."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.cli import main
from scripts.embedded_triton import EmbeddedTriton
from tests.server.client_inputs import WAYS, clips, flags_of, keypoints
from tests.server.conftest import ENSEMBLE, NETWORK

CLASS_NAMES = ["a:b", "früh", "c", "d", "e", "f"]


def add_variant(repository: Path, name: str, *changes: tuple[str, str]) -> Path:
    """Copy the network under another name, with changes to its configuration."""
    folder = repository / name
    shutil.copytree(repository / NETWORK, folder)
    config = folder / "configs/embedded.pbtxt"
    text = config.read_text()
    for old, new in ((NETWORK, name), *changes):
        assert old in text
        text = text.replace(old, new)
    config.write_text(text.partition("model_warmup")[0])
    return folder


@pytest.fixture(scope="module")
def zoo(
    make_repository: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedTriton]:
    repository = make_repository(tmp_path_factory.mktemp("zoo"))
    no_labels = (' label_filename: "labels.txt"', "")
    add_variant(repository, "unnamed", no_labels)
    latin = b"\xfc"  # ends the last name in an encoding that is not UTF-8
    (add_variant(repository, "named") / "labels.txt").write_bytes(
        "\n".join(CLASS_NAMES).encode() + latin
    )
    add_variant(repository, "engine", ("3, -1, 34", "3, 300, 34"))
    add_variant(
        repository,
        "one_by_one",
        ("max_batch_size: 16", "max_batch_size: 0"),
        ("dims: [ 3, -1", "dims: [ 1, 3, -1"),
        ("dims: [ 6 ]", "dims: [ -1, 6 ]"),
    )
    with EmbeddedTriton(repository, log=repository.parent / "log") as server:
        yield server


def run(
    folder: Path, array: Any, server: EmbeddedTriton, *words: str, way: str = "http"
) -> tuple[int, list[str]]:
    """Run the client on an array; return the exit code and the lines of the results."""
    np.save(folder / "a.npy", array)
    out = folder / "out"
    code = main([str(folder / "a.npy"), *flags_of(way, server), "--output_path", str(out), *words])
    return code, (out / "results.txt").read_text().splitlines() if code == 0 else []


ways = pytest.mark.parametrize("way", WAYS)


@ways
def test_labels_with_colons_and_letters(way: str, zoo: EmbeddedTriton, tmp_path: Path) -> None:
    code, lines = run(tmp_path, clips([0, 1]), zoo, "-m", "named", way=way)
    assert code == 0
    assert lines[0].startswith("0, 13.5000(0)=a:b, 10.7500(5)=f\ufffd, ")
    assert lines[1].startswith("1, 15.7500(1)=früh, 13.5000(4)=e, ")


@ways
def test_a_model_without_labels(way: str, zoo: EmbeddedTriton, tmp_path: Path) -> None:
    _, (line,) = run(tmp_path, clips([4]), zoo, "-m", "unnamed", way=way)
    assert line.startswith("0, 9.0000(4)=4, 7.5000(1)=1, ")
    names = "zero,one,two,three,four"
    _, (line,) = run(tmp_path, clips([4]), zoo, "-m", "unnamed", "--class_list", names, way=way)
    assert line.startswith("0, 9.0000(4)=four, 7.5000(1)=one, ")
    assert "(5)=5" in line


def test_labels_of_the_model_come_first(zoo: EmbeddedTriton, tmp_path: Path) -> None:
    _, (line,) = run(tmp_path, clips([4]), zoo, "--class_list", "person,bag,face")
    assert line.startswith("0, 9.0000(4)=walking, ")


@ways
def test_a_model_that_does_not_batch(
    way: str, zoo: EmbeddedTriton, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code, lines = run(tmp_path, clips(range(6)), zoo, "-m", "one_by_one", "-b", "4", way=way)
    assert code == 0
    golden = Path(__file__).parent / "golden/results.txt"
    assert lines == golden.read_text().splitlines()
    assert "batches of 1: the model takes no more at once" in caplog.text


@ways
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["-m", "absent"],
            f"no model 'absent'; the server has engine, named, one_by_one, {ENSEMBLE}",
        ),
        (["-x", "7"], f"model '{NETWORK}' version 7 is not served; the server has 1"),
    ],
)
def test_missing_models(
    words: list[str],
    message: str,
    way: str,
    zoo: EmbeddedTriton,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    code, _ = run(tmp_path, clips([4]), zoo, *words, way=way)
    assert code == 1
    assert message in caplog.messages[-1]
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("array", "words", "message"),
    [
        (clips([1]), ["-m", ENSEMBLE], "takes raw keypoints (N,T,V,4)"),
        (keypoints([1]), [], "takes normalised sequences (N,C,T,V,M)"),
        (clips([1])[:, :2], [], "takes C=3"),
        (clips([1], frames=301), ["-m", "engine"], "takes T=300"),
        (clips([1])[..., :17, :], [], "takes V=34"),
        (clips([1]).repeat(2, axis=-1), [], "takes M=1"),
        (clips([]), [], "holds no data"),
        (clips([1]) * np.nan, [], "not a finite number at N=0, C=0, T=0, V=0, M=0"),
        (clips([1]).astype("S1"), [], "not numbers"),
        (clips([1]), ["-m", f"{ENSEMBLE}_postprocess"], "choose a"),
    ],
)
def test_arrays_that_do_not_fit_are_never_sent(
    array: Any,
    words: list[str],
    message: str,
    zoo: EmbeddedTriton,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    code, _ = run(tmp_path, array, zoo, *words)
    assert code == 2
    assert message in caplog.messages[-1]
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@ways
@pytest.mark.parametrize(("maker", "model"), [(clips, NETWORK), (keypoints, ENSEMBLE)])
def test_what_only_the_server_can_refuse_is_the_users_mistake(
    way: str,
    maker: Any,
    model: str,
    zoo: EmbeddedTriton,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    array = maker([1, 2], frames=301)
    code, _ = run(tmp_path, array, zoo, "-m", model, way=way)
    assert code == 2
    assert "a.npy: sequences 0 to 0: " in caplog.messages[-1]
    assert "301 frames, must have 1 to 300" in caplog.messages[-1]
    assert not list((tmp_path / "out").iterdir())


def test_logits_that_are_not_finite_are_no_result(
    zoo: EmbeddedTriton, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    array = clips([1, 2, 3])
    array[1] *= 3e38
    code, _ = run(tmp_path, array, zoo)
    assert code == 1
    assert "a.npy: sequence 1: the model's logits are not finite" in caplog.messages[-1]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("pose_type: 2dbp", "but model 'engine' was trained on 3dbp: change pose_type"),
        ("sequence_length_max: 200", "takes T=300: change sequence_length_max"),
        ("num_joints: 17", "takes V=34: change num_joints"),
    ],
)
def test_conversions_that_do_not_fit(
    config: str,
    message: str,
    zoo: EmbeddedTriton,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "convert.yaml").write_text(config)
    (tmp_path / "a.json").write_text("[]")
    words = [str(tmp_path / "a.json"), "-m", "engine", "-u", zoo.http_url]
    words += ["--dataset_convert_config", str(tmp_path / "convert.yaml")]
    assert main([*words, "--output_path", str(tmp_path / "out")]) == 2
    assert message in caplog.messages[-1]
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written(
    zoo: EmbeddedTriton, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code, _ = run(tmp_path, clips([1]), zoo, "--output_path", "/dev/full")
    assert code == 2
    assert caplog.messages == ["/dev/full: is not a folder; change --output_path"]
    if os.access("/proc", os.W_OK):  # as root sees it
        code, _ = run(tmp_path, clips([1]), zoo, "--output_path", "/proc/outputs")
        assert code == 1
        assert "No such file or directory: '/proc/outputs'" in caplog.messages[-1]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("no JSON", 2, "a.json: "),
        ('[{"batches": [{"frame_num": 0, "objects": [{"object_id": 1, "pose3d": [1]}]}]}]', 2, "1"),
        ("[]", 0, "PASS"),
    ],
)
def test_documents_without_poses(
    text: str,
    code: int,
    message: str,
    zoo: EmbeddedTriton,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "a.json").write_text(text)
    words = [str(tmp_path / "a.json"), "-u", zoo.http_url, "--output_path", str(tmp_path)]
    assert main(words) == code
    assert message in caplog.messages[-1]
    assert (tmp_path / "results.json").exists() == (code == 0)


def test_the_wrong_port(
    zoo: EmbeddedTriton, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = ["--deadline", "3"]
    code, _ = run(tmp_path, clips([1]), zoo, "-u", zoo.grpc_url, *words)
    assert code == 1
    assert "does not speak HTTP: for its gRPC port use -i grpc" in caplog.messages[-1]
    code, _ = run(tmp_path, clips([1]), zoo, "-u", zoo.metrics_url, *words)
    assert code == 1
    assert "does not answer as Triton does: is this the right port (-u)?" in caplog.messages[-1]
    code, _ = run(tmp_path, clips([1]), zoo, "-i", "grpc", "-u", zoo.http_url, *words)
    assert code == 1
    assert "does it speak this protocol (-i)?" in caplog.messages[-1]


@pytest.mark.parametrize(
    ("way", "status", "body", "message"),
    [
        ("http", 200, "<html>", "does not answer as Triton does"),
        ("http", 200, "{}", "does not answer as Triton does"),
        ("http", 200, "[]", "does not answer as Triton does"),
        ("http", 401, "<html>", f": HTTP 401: <html>; model '{NETWORK}' is missing or not ready"),
        ("grpc", 200, "<html>", "speaks HTTP, not gRPC: use -i http"),
    ],
)
def test_a_web_server_that_is_not_triton(
    way: str,
    status: int,
    body: str,
    message: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = default_request_version = "HTTP/1.1"  # also if it understands nothing

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def do_POST(self) -> None:
            self.do_GET()

    np.save(tmp_path / "a.npy", clips([1]))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"127.0.0.1:{server.server_port}"
        words = ["-i", way, "-u", url, "--output_path", str(tmp_path / "out")]
        assert main([str(tmp_path / "a.npy"), *words]) == 1
        server.shutdown()
    (error,) = caplog.messages
    assert error.startswith(url)
    assert message in error


def test_verbose_tells_every_step(
    zoo: EmbeddedTriton, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path, clips([1]), zoo)
    assert not [record for record in caplog.records if record.levelname == "DEBUG"]
    run(tmp_path, clips([1]), zoo, "-v")
    assert [record for record in caplog.records if record.levelname == "DEBUG"]
