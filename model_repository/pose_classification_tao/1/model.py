"""Triton model: the network in ONNX Runtime, for the embedded server, which has no such backend.

Requests wait here and not in Triton: `execute` only takes them in, threads run them. Triton 2.51
with a limit on its own queue forgets to wake its batcher when a request comes while the model is
about to be free, and the request then waits for half a second.

Each core runs pieces of its own, small enough for its cache: that is faster than all cores at one
large batch. Besides the thread of `execute` only one talks to Triton, which does not bear more.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb

from converter import ConvertConfig, InputError

FRAMES_MAX = ConvertConfig.sequence_length_max
FRAMES_A_RUN = 100  # of several sequences; one alone may have more
FRAMES = 2  # axis of T in (N, C, T, V, M)
WORKERS_NICE = 5  # below whatever the server has
COUNT_EVERY = 0.25  # seconds at most while there is work; telling Triton takes time
COUNTED = {  # custom metrics, as Triton's own do not see this model's queue
    "queue_us": "Microseconds that requests have waited for the network",
    "compute_us": "Microseconds from then until they were answered",
    "requests": "Requests that the network has answered",
    "runs": "Runs of the network",
}


@dataclass
class Job:
    """A request: how to answer it, and its logits (N, classes) as far as they are known."""

    sender: Any  # None when it has been answered
    logits: np.ndarray
    left: int  # sequences without logits
    arrived: float
    patience: float
    begun: float | None = None
    refusal: tuple[str, int] | None = None  # what is wrong, and Triton's code for that

    def response(self) -> Any:
        """Return the logits, or the error."""
        if self.refusal is not None:
            return pb.InferenceResponse(error=pb.TritonError(*self.refusal))
        return pb.InferenceResponse([pb.Tensor("fc_pred", self.logits)])


@dataclass(frozen=True)
class Piece:
    """Sequences of one request, all of one length, that are run together."""

    job: Job
    rows: np.ndarray
    clip: np.ndarray

    @property
    def frames(self) -> int:
        """Of all its sequences."""
        return len(self.clip) * int(self.clip.shape[FRAMES])

    def fits(self, others: list[Piece]) -> bool:
        """Whether it can be run together with `others`."""
        return (
            self.clip.shape[FRAMES] == others[0].clip.shape[FRAMES]
            and self.frames + sum(other.frames for other in others) <= FRAMES_A_RUN
        )


class TritonPythonModel:
    """One session for all threads; short sequences of the same length are run together."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the file that the configuration names and start the threads."""
        config = json.loads(args["model_config"])
        parameter = {key: value["string_value"] for key, value in config["parameters"].items()}
        self.limit = int(parameter["queue_limit"])
        self.patience = float(parameter["queue_seconds"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameter["threads_a_run"])
        name = parameter["onnx_file"]
        path = Path(args["model_repository"]) / args["model_version"] / name
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self.input, self.output = self.session.get_inputs()[0], self.session.get_outputs()[0]
        promised, found = config["output"][0]["dims"][-1], self.output.shape[1]
        if found != promised:
            raise InputError(
                f"{name} has {found} classes, its configuration {promised}: put the number into "
                f"every fc_pred and logits in the repository, and the names into labels.txt; "
                f"the export does both with export.triton"
            )
        frames = self.input.shape[FRAMES]
        self.exact_frames = frames if isinstance(frames, int) else None
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.ignores_padding = metadata.get("padding") == "mask"
        at_once = max(1, _physical_cores() // options.intra_op_num_threads)
        pb.Logger.log_info(f"{name}: {metadata.get('data_type', 'fp32')}, {at_once} runs at once")
        self._prepare_metrics()
        self._start_threads(at_once)

    def _prepare_metrics(self) -> None:
        self.families = {  # kept, for a metric ends with its family
            key: pb.MetricFamily(f"pose_network_{key}", text, pb.MetricFamily.COUNTER)
            for key, text in COUNTED.items()
        }
        self.metrics = {key: family.Metric(labels={}) for key, family in self.families.items()}
        self.counted = dict.fromkeys(COUNTED, 0.0)  # and not told yet
        self.told = time.monotonic()

    def _start_threads(self, at_once: int) -> None:
        self.pieces: deque[Piece] = deque()
        self.waiting = 0  # requests of which nothing has been run
        self.changed = threading.Condition()
        self.ended = False
        self.answers: SimpleQueue[Job | None] = SimpleQueue()
        self.talker = threading.Thread(target=self._talk, daemon=True)
        self.workers = [threading.Thread(target=self._work, daemon=True) for _ in range(at_once)]
        for thread in (self.talker, *self.workers):
            thread.start()

    def execute(self, requests: list[Any]) -> None:
        """Take requests for N sequences in, or say at once what is wrong with one."""
        for request in requests:
            clip = pb.get_input_tensor_by_name(request, "input").as_numpy()
            job = Job(
                sender=request.get_response_sender(),
                logits=np.empty((len(clip), self.output.shape[1]), np.float32),
                left=len(clip),
                arrived=time.monotonic(),
                patience=request.timeout() / 1e6 or self.patience,
            )
            try:
                pieces = list(_cut(job, clip, self._lengths(clip)))
            except InputError as error:
                self._refuse(job, str(error), pb.TritonError.INVALID_ARG)
                continue
            with self.changed:
                full = self.waiting >= self.limit
                if not full:
                    self.waiting += 1
                    self.pieces.extend(pieces)
                    self.changed.notify(len(pieces))
            if full:
                self._refuse(job, "Exceeds maximum queue size", pb.TritonError.UNAVAILABLE)

    def finalize(self) -> None:
        """Answer what waits, then end."""
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        for thread in self.workers:
            thread.join()
        self.answers.put(None)
        self.talker.join()

    def _work(self) -> None:
        # What feeds the network, and refuses when there is too much, must not wait for it.
        os.nice(WORKERS_NICE)  # this thread alone; lowering is allowed to everybody
        while pieces := self._next():
            try:
                batch = pieces[0].clip
                if len(pieces) > 1:
                    batch = np.concatenate([piece.clip for piece in pieces])
                (logits,) = self.session.run([self.output.name], {self.input.name: batch})
            except Exception as error:  # ONNX Runtime's exceptions have no common base
                for piece in pieces:
                    message = f"the network failed: {error}"
                    self._refuse(piece.job, message, pb.TritonError.INTERNAL)
                continue
            self._note(pieces, logits)

    def _next(self) -> list[Piece]:
        """Wait for pieces; returns the oldest that can be run together, none at the end."""
        taken: list[Piece] = []
        with self.changed:
            while not taken:
                self.changed.wait_for(lambda: self.pieces or self.ended)
                if not self.pieces:
                    break
                while self.pieces and (not taken or self.pieces[0].fits(taken)):
                    piece = self.pieces.popleft()
                    if piece.job.begun is None:
                        self._begin(piece.job)
                    if piece.job.refusal is None:
                        taken.append(piece)
        return taken

    def _begin(self, job: Job) -> None:
        self.waiting -= 1
        job.begun = time.monotonic()
        if job.begun - job.arrived > job.patience:
            self._refuse(job, "Request timeout expired", pb.TritonError.UNAVAILABLE)

    def _note(self, pieces: list[Piece], logits: np.ndarray) -> None:
        """Add the logits of a run to those of its jobs; what this completes can be answered."""
        end = 0
        with self.changed:
            self.counted["runs"] += 1
            for piece in pieces:
                job, begin, end = piece.job, end, end + len(piece.rows)
                job.logits[piece.rows] = logits[begin:end]
                job.left -= len(piece.rows)
                if job.left == 0:
                    self.counted["requests"] += 1
                    self.counted["queue_us"] += 1e6 * (job.begun - job.arrived)
                    self.counted["compute_us"] += 1e6 * (time.monotonic() - job.begun)
                    self.answers.put(job)

    def _refuse(self, job: Job, message: str, code: int) -> None:
        job.refusal = message, code
        self.answers.put(job)

    def _talk(self) -> None:
        while job := self.answers.get():
            try:
                self._tell()
                if job.sender is not None:
                    job.sender.send(job.response(), flags=pb.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
            except Exception as error:  # others wait for their answers
                pb.Logger.log_error(f"an answer could not be sent: {error}")
            job.sender = None  # to be freed in this thread

    def _tell(self) -> None:
        """Tell Triton what has been counted; once in a while when there is more to do."""
        with self.changed:
            now = time.monotonic()
            if self.pieces and now - self.told < COUNT_EVERY:
                return
            self.told = now
            counted, self.counted = self.counted, dict.fromkeys(COUNTED, 0.0)
        for key, value in counted.items():
            self.metrics[key].increment(value)

    def _lengths(self, clip: np.ndarray) -> np.ndarray:
        """Frames of each sequence that the network has to see, (N,)."""
        frames = clip.shape[FRAMES]
        if self.exact_frames not in (None, frames):
            raise InputError(f"input has {frames} frames, this network takes {self.exact_frames}")
        if not 1 <= frames <= FRAMES_MAX:
            raise InputError(f"input has {frames} frames, must have 1 to {FRAMES_MAX}")
        if not np.isfinite(clip).all():
            raise InputError("input holds nan or inf")
        if not self.ignores_padding:
            return np.full(len(clip), frames)
        seen = clip.any(axis=(1, 3, 4))
        # Nobody there at all: the whole length, for Triton's warm-up is like that.
        return frames - seen[:, ::-1].argmax(axis=1)


def _cut(job: Job, clip: np.ndarray, lengths: np.ndarray) -> Iterator[Piece]:
    """Cut a request (N, C, T, V, M) into pieces of copies without padding."""
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        count = max(1, FRAMES_A_RUN // length)
        for part in np.split(rows, range(count, len(rows), count)):
            yield Piece(job, part, clip[part, :, :length])


def _physical_cores() -> int:
    """Cores this process may use, hardware threads of one core counted once."""
    cpus = [Path(f"/sys/devices/system/cpu/cpu{n}") for n in os.sched_getaffinity(0)]
    siblings = [cpu / "topology/thread_siblings_list" for cpu in cpus]
    return len({path.read_text() if path.exists() else str(path) for path in siblings})
