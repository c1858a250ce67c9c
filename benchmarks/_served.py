"""Serving a changed copy of the model repository, and calling it as fast or as often as wanted."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc
from numpy.typing import NDArray

from benchmarks._shared import SharedArray
from scripts.embedded_triton import EmbeddedTriton

ROOT = Path(__file__).resolve().parents[1]
ENSEMBLE, NETWORK = "pose_classification", "pose_classification_tao"
Edit = Callable[[Path], None]


def as_it_is(_: Path) -> None:
    """Change nothing."""


def replacing(old: str, new: str, models: str = "pose_classification*") -> Edit:
    """An edit of the configurations of some models; what is not there stays away."""

    def edit(repository: Path) -> None:
        for folder in repository.glob(models):
            for path in (folder / "config.pbtxt", *folder.glob("configs/*.pbtxt")):
                path.write_text(path.read_text().replace(old, new))

    return edit


@contextlib.contextmanager
def served(edit: Edit = as_it_is, config: str = "embedded") -> Iterator[EmbeddedTriton]:
    """An embedded Triton on a copy of the model repository, changed by `edit`."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "model_repository"
        junk = shutil.ignore_patterns("__pycache__", "*.plan*")
        shutil.copytree(ROOT / "model_repository", repository, ignore=junk)
        edit(repository)
        with EmbeddedTriton(repository, config) as triton:
            yield triton


@dataclass
class Answers:
    """What came back.

    Attributes:
        seconds: From the first request to the last answer.
        accepted: Seconds from request to answer, of those that were answered.
        refused: The same of those that were refused.
        errors: Refusals by their words.
    """

    seconds: float = 0.0
    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    errors: set[str] = field(default_factory=set)

    def rate(self) -> float:
        """Accepted requests in a second."""
        return len(self.accepted) / self.seconds

    def p(self, share: float) -> float:
        """A quantile of the times of accepted requests, in milliseconds."""
        return 1000 * float(np.quantile(self.accepted, share)) if self.accepted else float("nan")


class Caller:
    """Sends one request again and again over gRPC.

    Args:
        url: The server.
        model: Name of the model.
        arrays: Its inputs, float32.
        shared: Leave the inputs in shared memory, so that sending them costs nothing.
    """

    def __init__(
        self,
        url: str,
        model: str,
        arrays: Mapping[str, NDArray[np.float32]],
        shared: bool = False,
    ) -> None:
        self._client = tritonclient.grpc.InferenceServerClient(url)
        self._model = model
        self._inputs = []
        self._open = contextlib.ExitStack()
        self._open.callback(self._client.close)
        for name, array in arrays.items():
            if shared:
                region = SharedArray(tritonclient.grpc, self._client, array)
                tensor = self._open.enter_context(region).tensor(name)
            else:
                tensor = tritonclient.grpc.InferInput(name, array.shape, "FP32")
                tensor.set_data_from_numpy(array)
            self._inputs.append(tensor)

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def keep_busy(self, at_once: int, seconds: float) -> Answers:
        """Have `at_once` requests under way all the time; the first second is not counted."""
        answers, slots = Answers(), threading.Semaphore(at_once)
        warm = time.perf_counter() + min(1.0, seconds)
        end = warm + seconds
        while time.perf_counter() < end:
            slots.acquire()
            self._send(answers, slots.release)
        for _ in range(at_once):
            slots.acquire()
        answers.seconds = time.perf_counter() - warm
        share = answers.seconds / (answers.seconds + min(1.0, seconds))
        answers.accepted = answers.accepted[int((1 - share) * len(answers.accepted)) :]
        return answers

    def call_at(self, rate: float, seconds: float) -> Answers:
        """Send `rate` requests a second, whatever comes back."""
        answers, done = Answers(), threading.Semaphore(0)
        started = time.perf_counter()
        count = max(1, int(rate * seconds))
        for number in range(count):
            time.sleep(max(0.0, started + number / rate - time.perf_counter()))
            self._send(answers, done.release)
        for _ in range(count):
            done.acquire()
        answers.seconds = time.perf_counter() - started
        return answers

    def _send(self, answers: Answers, done: Callable[[], None]) -> None:
        started = time.perf_counter()

        def completed(result: Any, error: Any) -> None:
            taken = time.perf_counter() - started
            if error is None:
                answers.accepted.append(taken)
            else:
                answers.refused.append(taken)
                answers.errors.add(str(error.message()))
            done()

        self._client.async_infer(self._model, self._inputs, callback=completed)
