"""Triton model: the network in ONNX Runtime, for the embedded server, which has no such backend.

Requests wait here and not in Triton: `execute` only takes them in, a thread runs them. Triton 2.51
with a limit on its own queue forgets to wake its batcher when a request comes while the model is
about to be free, and the request then waits for half a second.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb

from converter import ConvertConfig, InputError

FRAMES_MAX = ConvertConfig().sequence_length_max
FRAMES = 2  # axis of T in (N, C, T, V, M)
COUNTED = {  # custom metrics, as Triton's own do not see this model's queue
    "queue_us": "Microseconds that requests have waited for the network",
    "compute_us": "Microseconds that the network has run",
    "requests": "Requests that the network has answered",
    "runs": "Runs of the network",
}


@dataclass(frozen=True)
class Job:
    """A request that waits: its sequences, their lengths (N,), and how to answer it."""

    clip: np.ndarray
    lengths: np.ndarray
    sender: Any
    arrived: float
    patience: float

    def answer(self, logits: np.ndarray) -> None:
        """Sends the logits (N, classes)."""
        _send(self.sender, pb.InferenceResponse([pb.Tensor("fc_pred", logits)]))

    def refuse(self, message: str, code: int) -> None:
        """Sends an error."""
        _send(self.sender, pb.InferenceResponse(error=pb.TritonError(message, code)))


class TritonPythonModel:
    """One session for all requests; sequences of the same length are run together."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the file that the configuration names, one thread a physical core."""
        config = json.loads(args["model_config"])
        parameter = {key: value["string_value"] for key, value in config["parameters"].items()}
        self.batch = int(config["max_batch_size"])
        self.limit = int(parameter["queue_limit"])
        self.patience = float(parameter["queue_seconds"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _physical_cores()
        name = parameter["onnx_file"]
        path = Path(args["model_repository"]) / args["model_version"] / name
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        metadata = self.session.get_modelmeta().custom_metadata_map
        data_type = metadata.get("data_type", "fp32")
        pb.Logger.log_info(f"{name}: {data_type}, {options.intra_op_num_threads} threads")
        self.ignores_padding = metadata.get("padding") == "mask"
        self.input, self.output = self.session.get_inputs()[0], self.session.get_outputs()[0]
        frames = self.input.shape[FRAMES]
        self.exact_frames = frames if isinstance(frames, int) else None
        self.families = {  # kept, for a metric ends with its family
            key: pb.MetricFamily(f"pose_network_{key}", text, pb.MetricFamily.COUNTER)
            for key, text in COUNTED.items()
        }
        self.counted = {key: family.Metric(labels={}) for key, family in self.families.items()}
        self.waiting: deque[Job] = deque()
        self.changed = threading.Condition()
        self.ended = False
        self.worker = threading.Thread(target=self._work, daemon=True)
        self.worker.start()

    def execute(self, requests: list[Any]) -> None:
        """Takes requests for N sequences in, or says at once what is wrong with one."""
        for request in requests:
            sender = request.get_response_sender()
            clip = pb.get_input_tensor_by_name(request, "input").as_numpy().copy()
            patience = request.timeout() / 1e6 or self.patience
            try:
                job = Job(clip, self._lengths(clip), sender, time.monotonic(), patience)
            except InputError as error:
                job = Job(clip, np.empty(0), sender, 0, 0)
                job.refuse(str(error), pb.TritonError.INVALID_ARG)
                continue
            with self.changed:
                full = len(self.waiting) >= self.limit
                if not full:
                    self.waiting.append(job)
                    self.changed.notify()
            if full:
                job.refuse("Exceeds maximum queue size", pb.TritonError.UNAVAILABLE)

    def finalize(self) -> None:
        """Answers what waits, then ends."""
        with self.changed:
            self.ended = True
            self.changed.notify()
        self.worker.join()

    def _work(self) -> None:
        while jobs := self._next():
            now = time.monotonic()
            late = [job for job in jobs if now - job.arrived > job.patience]
            jobs = [job for job in jobs if now - job.arrived <= job.patience]
            for job in late:
                job.refuse("Request timeout expired", pb.TritonError.UNAVAILABLE)
            try:
                answers = self._run(jobs)
            except Exception as error:  # ONNX Runtime's exceptions have no common base
                for job in jobs:
                    job.refuse(f"the network failed: {error}", pb.TritonError.INTERNAL)
                continue
            self._count(jobs, now)
            for job, logits in zip(jobs, answers, strict=True):
                job.answer(logits)

    def _next(self) -> list[Job]:
        """Waits for requests; returns the oldest that fit a batch, none at the end."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or self.ended)
            jobs: list[Job] = []
            room = self.batch
            while self.waiting and (not jobs or len(self.waiting[0].clip) <= room):
                jobs.append(self.waiting.popleft())
                room -= len(jobs[-1].clip)
            return jobs

    def _run(self, jobs: list[Job]) -> list[np.ndarray]:
        """Logits of each job; sequences of one length share a run, whosever they are."""
        logits = [np.empty((len(job.clip), self.output.shape[1]), np.float32) for job in jobs]
        groups: dict[int, list[tuple[int, np.ndarray]]] = defaultdict(list)
        for index, job in enumerate(jobs):
            for length in np.unique(job.lengths):
                groups[length].append((index, np.flatnonzero(job.lengths == length)))
        for length, members in groups.items():
            batch = np.concatenate([jobs[index].clip[rows, :, :length] for index, rows in members])
            (answer,) = self.session.run([self.output.name], {self.input.name: batch})
            self.counted["runs"].increment(1)
            ends = np.cumsum([len(rows) for _, rows in members])[:-1]
            for (index, rows), part in zip(members, np.split(answer, ends), strict=True):
                logits[index][rows] = part
        return logits

    def _count(self, jobs: list[Job], started: float) -> None:
        """Both times are counted for each request, as Triton does."""
        spent = time.monotonic() - started
        self.counted["requests"].increment(len(jobs))
        self.counted["queue_us"].increment(1e6 * sum(started - job.arrived for job in jobs))
        self.counted["compute_us"].increment(1e6 * spent * len(jobs))

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
        return np.where(seen.any(axis=1), frames - seen[:, ::-1].argmax(axis=1), 1)


def _send(sender: Any, response: Any) -> None:
    sender.send(response, flags=pb.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


def _physical_cores() -> int:
    """Cores this process may use, hardware threads of one core counted once."""
    cpus = [Path(f"/sys/devices/system/cpu/cpu{n}") for n in os.sched_getaffinity(0)]
    siblings = [cpu / "topology/thread_siblings_list" for cpu in cpus]
    return len({path.read_text() if path.exists() else str(path) for path in siblings})
