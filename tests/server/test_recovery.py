"""What a Python model that dies takes with it, and what requests leave behind or end."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

import numpy as np
import pytest
from tritonclient.utils import InferenceServerException

from scripts.embedded_triton import EmbeddedTriton
from tests.server.conftest import ENSEMBLE, NETWORK
from tests.tiny_network import tiny_logits


def stub_of(model: Path) -> tuple[int, Path]:
    """Process id and shared memory of the Python backend's stub that runs `model`."""
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:  # it has just ended
                continue
            if command[0].endswith("triton_python_backend_stub") and command[1] == str(model):
                return int(process.name), Path("/dev/shm", command[2])  # noqa: S108 Triton's
    raise LookupError(model)


def test_a_dead_model_harms_no_other_and_a_restart_brings_it_back(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    """Triton since 24.06 does not start a dead Python model again by itself."""
    server, client = serve()
    keypoints = np.ones((1, 10, 34, 4), np.float32)
    process, _ = stub_of(tmp_path / f"model_repository/{ENSEMBLE}_preprocess/1/model.py")
    os.kill(process, SIGKILL)
    with pytest.raises(InferenceServerException, match=f"{ENSEMBLE}_preprocess.*is not healthy"):
        client.infer(ENSEMBLE, keypoints=keypoints)
    x = np.ones((1, 3, 10, 34, 1), np.float32)
    np.testing.assert_allclose(client.logits(x), tiny_logits(x), atol=1e-5)
    server.kill()  # in good order it would wait for the dead model
    server.restart()
    answer = client.infer(ENSEMBLE, keypoints=keypoints)
    expected = tiny_logits(np.zeros((1, 3, 10, 34, 1)))  # all joints are where the pelvis is
    np.testing.assert_allclose(answer.as_numpy("logits"), expected, atol=1e-6)


@pytest.mark.parametrize("size", [5_000_000, 32_000_000])
def test_a_large_body_that_is_called_a_form_does_not_end_it(
    triton: EmbeddedTriton, size: int
) -> None:
    """`curl --data` calls everything one; libevhtp then copies it to the stack, twice."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"http://{triton.http_url}/v2/models/{ENSEMBLE}/infer"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, bytes(size), form))
    refused.value.close()
    with urllib.request.urlopen(f"http://{triton.http_url}/v2/health/ready") as health:
        assert health.status == 200


def test_requests_give_their_shared_memory_back(serve: Callable[..., Any], tmp_path: Path) -> None:
    _, client = serve()
    x = np.ones((16, 3, 300, 34, 1), np.float32)
    for _ in range(30):
        client.logits(x)
    _, region = stub_of(tmp_path / f"model_repository/{NETWORK}/1/model.py")
    assert region.stat().st_size < 5 * x.nbytes
