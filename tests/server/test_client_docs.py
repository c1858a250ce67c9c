"""Every command and every program of docs/client.md, run over a live Triton."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest

from client.cli import main
from client.options import OTHER_FLAGS, parser
from scripts.embedded_triton import EmbeddedTriton
from tests.server.client_inputs import clips, document, keypoints
from tests.server.faulty_proxy import FaultyProxy
from tests.server.test_client_tls import tls_end

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/client.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


COMMANDS = [
    line for block in blocks("bash") for line in block.replace("\\\n", " ").splitlines() if line
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the documented files are; the current folder of the test."""
    np.save(tmp_path / "sequences.npy", clips([4, 2]))
    np.save(tmp_path / "keypoints.npy", keypoints([4, 2]))
    poses = orjson.dumps(document({3: [4] * 120}))
    (tmp_path / "poses.json").write_bytes(poses)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings/door.json").write_bytes(poses)
    (tmp_path / "convert.yaml").write_text("sequence_length: 100\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# As printed in NVIDIA's documentation.
NVIDIA_ARRAY = """
python tao_client.py <path_to_test_data> \\
-m pose_classification_tao model \\
-x 1 \\
-b 1 \\
--mode Pose_classification \\
-i https \\
-u localhost:8000 \\
--async \\
--output_path <path_to_output_directory>
"""
NVIDIA_DOCUMENT = """
python tao_client.py <path_to_json_file> \\
--dataset_convert_config ../dataset_convert_specs/dataset_convert_config_pose_classification.yaml \\
-m pose_classification_tao model \\
-x 1 \\
-b 1 \\
--mode Pose_classification \\
-i https \\
-u localhost:8000 \\
--async \\
--output_path <path_to_output_directory>
"""


@pytest.mark.parametrize(
    ("command", "source", "result"),
    [
        (NVIDIA_ARRAY, "sequences.npy", "results.txt"),
        (NVIDIA_DOCUMENT, "poses.json", "results.json"),
    ],
)
def test_nvidias_commands(
    command: str, source: str, result: str, folder: Path, triton: EmbeddedTriton
) -> None:
    command = re.sub(r"<path_to_(test_data|json_file)>", str(folder / source), command)
    command = command.replace("<path_to_output_directory>", str(folder / "out"))
    command = command.replace("localhost:8000", triton.http_url)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shell = subprocess.run(
        ["bash", "-ec", command],
        cwd=ROOT / "client",
        env=os.environ | {"PATH": path},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert shell.stderr.splitlines()[-1].endswith("PASS")
    assert "walking" in (folder / "out" / result).read_text()


def run(words: list[str]) -> None:
    if words[0] == "python":
        subprocess.run([sys.executable, str(ROOT / words[1]), *words[2:]], check=True)
    else:
        assert words[0] == "tao_client"
        assert main(words[1:]) == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str, folder: Path, triton: EmbeddedTriton) -> None:
    words = shlex.split(command)
    with FaultyProxy(triton.http_url, tls=tls_end(folder)) as tls:
        (folder / "server.pem").rename(folder / "ca.pem")
        default = triton.grpc_url if "grpc" in words else triton.http_url
        hosts = {"localhost:8000": triton.http_url, "localhost:8001": triton.grpc_url}
        hosts["triton.example:443"] = tls.url
        run([hosts.get(word, word) for word in words] + ([] if "-u" in words else ["-u", default]))
    results = sorted(folder.rglob("results.*"))
    assert results
    for path in results:
        assert "walking" in path.read_text()


def test_results_of_several_inputs_are_where_they_are_said_to_be(
    folder: Path, triton: EmbeddedTriton
) -> None:
    (command,) = [command for command in COMMANDS if "recordings" in command]
    run([*shlex.split(command), "-u", triton.http_url])
    (named,) = re.findall(r"`(labelled/\S+)`", TEXT)
    assert (folder / named).is_file()
    assert (folder / "labelled/sequences.npy/results.txt").is_file()


def test_programs(folder: Path, triton: EmbeddedTriton, capsys: pytest.CaptureFixture[str]) -> None:
    for program in blocks("python"):
        program = program.replace("localhost:8000", triton.http_url)
        program = program.replace("localhost:8001", triton.grpc_url)
        exec(compile(program, "docs/client.md", "exec"), {})  # noqa: S102 - our own document
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["0", "walking"], ["1", "sitting"]]
    assert lines[2] == "120 of 120 objects have an action"


def test_the_table_of_flags_is_complete() -> None:
    table = TEXT.partition("## Flags")[2].partition("**What is fast.**")[0]
    documented = set(re.findall(r"`(--?[a-z][\w-]*)`", table))
    flags = {flag for action in parser()._actions for flag in action.option_strings}
    assert documented == flags
    assert set(OTHER_FLAGS) <= flags


def test_documented_defaults_are_the_real_ones() -> None:
    for action in parser()._actions:
        if isinstance(action.default, (int, float)) and not isinstance(action.default, bool):
            row = re.search(rf"\| .*`{action.option_strings[-1]}` \| (\d+)", TEXT)
            assert row is not None
            assert float(row[1]) == action.default
