"""The embedded server: the ensemble against its own network called in a bare loop, and overload.

    python -m benchmarks.server [--quick] [--sweep] [--config embedded_int8]

Saturation: 16 sequences of 100 frames in a request, enough requests under way to keep the server
busy, against the same session in loops of this process, one a core. The two are measured in turns.
Overload: requests of one sequence at 1, 2 and 4 times of what the server manages, with the limit of
the queue lowered to 64 so that it is reached in seconds. `--sweep` measures other settings, too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from rich.table import Table

from benchmarks._report import console, write_report
from benchmarks._served import (
    ENSEMBLE,
    NETWORK,
    ROOT,
    Answers,
    Caller,
    Edit,
    as_it_is,
    replacing,
    served,
)
from converter import ConvertConfig, network_input
from converter.deepstream import AnnotationJob

FRAMES, BATCH, LIMIT = 100, 16, 64
STALL = 0.4  # seconds; Triton's scheduler sleeps for 0.5 where it forgets a request
ONE = "instance_group [ { kind: KIND_CPU count: 1 } ]"


SETTINGS: dict[str, Edit] = {
    "as shipped": as_it_is,
    "network: 2 threads a run": replacing(
        '"threads_a_run" value { string_value: "1"',
        '"threads_a_run" value { string_value: "2"',
        NETWORK,
    ),
    "other steps: 2 instances": replacing(ONE, ONE.replace("1", "2"), f"{ENSEMBLE}_p*"),
    "other steps: wait 1 ms for more": replacing(
        "dynamic_batching {",
        "dynamic_batching { max_queue_delay_microseconds: 1000",
        f"{ENSEMBLE}_p*",
    ),
}


@dataclass(frozen=True)
class Saturation:
    """Sequences a second, medians over the rounds.

    Attributes:
        setting: What was changed.
        bare: The session in loops.
        ensemble: Through the server.
        ratio: Median of the rounds' ratios.
        ratio_by_name: The same where requests lie in shared memory and are not sent.
        lone_ms: Median of one sequence when nothing else is under way.
        lone: How many of them were measured.
        stalls: Of them, those that took 0.4 s longer.
    """

    setting: str
    bare: float
    ensemble: float
    ratio: float
    ratio_by_name: float
    lone_ms: float
    lone: int
    stalls: int

    @classmethod
    def of_runs(
        cls,
        setting: str,
        bare: Sequence[float],
        ensemble: Sequence[float],
        by_name: Sequence[float],
        lone: Answers,
    ) -> Saturation:
        """From the rates of all rounds, and the answers to single requests."""
        half = lone.p(0.5)

        def ratio(rates: Sequence[float]) -> float:
            return statistics.median(b / a for a, b in zip(bare, rates, strict=True))

        return cls(
            setting=setting,
            bare=statistics.median(bare),
            ensemble=statistics.median(ensemble),
            ratio=ratio(ensemble),
            ratio_by_name=ratio(by_name),
            lone_ms=half,
            lone=len(lone.accepted),
            stalls=sum(taken > half / 1000 + STALL for taken in lone.accepted),
        )


@dataclass(frozen=True)
class Overload:
    """One rate of requests; times in milliseconds.

    Attributes:
        times_capacity: The rate against what the server manages.
        sent: Requests.
        refused: Of them, refused.
        accepted_p50: Half of the accepted took no longer.
        accepted_p99: Likewise.
        refused_p50: Time until a refusal; None: there was none.
    """

    times_capacity: float
    sent: int
    refused: int
    accepted_p50: float
    accepted_p99: float
    refused_p50: float | None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", choices=("embedded", "embedded_int8"), default="embedded")
    parser.add_argument("--sweep", action="store_true", help="other settings, too")
    parser.add_argument("--quick", action="store_true", help="seconds, no results file")
    given = parser.parse_args(argv)
    seconds, rounds = (1.0, 1) if given.quick else (5.0, 4)
    keypoints, clips = real_batch()
    names = list(SETTINGS) if given.sweep else ["as shipped"]
    saturated = []
    for name in names:
        with (
            served(SETTINGS[name], given.config) as triton,
            Caller(triton.grpc_url, ENSEMBLE, {"keypoints": keypoints}) as full,
            Caller(triton.grpc_url, ENSEMBLE, {"keypoints": keypoints}, shared=True) as by_name,
            Caller(triton.grpc_url, ENSEMBLE, {"keypoints": keypoints[:1]}) as lone,
        ):
            session = open_session(given.config)
            bare, ensemble, named = [], [], []
            for _ in range(rounds):
                bare.append(loops(session, clips, seconds))
                ensemble.append(BATCH * full.keep_busy(4, seconds).rate())
                named.append(BATCH * by_name.keep_busy(4, seconds).rate())
            answers = lone.keep_busy(1, 4 * seconds)
            saturated.append(Saturation.of_runs(name, bare, ensemble, named, answers))
    show_saturation(saturated)
    loaded = overload(given.config, keypoints[:1], seconds)
    show_overload(loaded)
    if not given.quick:
        figures: dict[str, Any] = {"config": given.config, "queue_limit": LIMIT}
        figures["saturation"] = [asdict(row) for row in saturated]
        figures["overload"] = [asdict(row) for row in loaded]
        write_report(given.config.replace("embedded", "server"), figures)
    return 0


def real_batch() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A full batch of real sequences: raw (16, T, 34, 4), and normalised (16, 3, T, 34, 1)."""
    config = ConvertConfig(sequence_length=FRAMES, sequence_overlap=0.1)
    with AnnotationJob(ROOT / "samples/walk_sit_getup.json", config) as job:
        raw = [s.keypoints for s in job.segments() if len(s.keypoints) == FRAMES][:BATCH]
    clips = [network_input(clip, config)[:, :FRAMES] for clip in raw]
    return np.stack(raw), np.stack(clips)


def open_session(config: str) -> onnxruntime.InferenceSession:
    """The session that the served network opens."""
    name = "model.int8.onnx" if config.endswith("int8") else "model.onnx"
    path = ROOT / "model_repository" / NETWORK / "1" / name
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def loops(
    session: onnxruntime.InferenceSession, clips: NDArray[np.float32], seconds: float
) -> float:
    """Sequences a second of a session in bare loops, one a core, a sequence at a time."""
    end = time.perf_counter() + seconds

    def loop(_: int) -> int:
        runs = 0
        while time.perf_counter() < end:
            at = runs % len(clips)
            session.run(None, {"input": clips[at : at + 1]})
            runs += 1
        return runs

    cores = physical_cores()
    started = time.perf_counter()
    with ThreadPoolExecutor(cores) as pool:
        total = sum(pool.map(loop, range(cores)))
    return total / (time.perf_counter() - started)


def physical_cores() -> int:
    """As the served network counts them; its module cannot be imported outside Triton."""
    cpus = [Path(f"/sys/devices/system/cpu/cpu{n}") for n in os.sched_getaffinity(0)]
    siblings = [cpu / "topology/thread_siblings_list" for cpu in cpus]
    return len({path.read_text() if path.exists() else str(path) for path in siblings})


def overload(config: str, keypoints: NDArray[np.float32], seconds: float) -> list[Overload]:
    """Requests of one sequence at multiples of the capacity."""
    rows = []
    low = replacing('string_value: "1024"', f'string_value: "{LIMIT}"', NETWORK)
    with (
        served(low, config) as triton,
        Caller(triton.grpc_url, ENSEMBLE, {"keypoints": keypoints}) as caller,
    ):
        capacity = caller.keep_busy(16, seconds).rate()
        for times in (1.0, 2.0, 4.0):
            answers = caller.call_at(times * capacity, 2 * seconds)
            refused = answers.refused
            rows.append(
                Overload(
                    times_capacity=times,
                    sent=len(answers.accepted) + len(answers.refused),
                    refused=len(answers.refused),
                    accepted_p50=answers.p(0.5),
                    accepted_p99=answers.p(0.99),
                    refused_p50=1000 * statistics.median(refused) if refused else None,
                )
            )
    return rows


def show_saturation(rows: Sequence[Saturation]) -> None:
    """Print the first table."""
    ratios = "ratio", "ratio, shared memory"
    table = Table("setting", "bare loops", "ensemble, seq/s", *ratios, "alone, ms", "stalls")
    for row in rows:
        rates = f"{row.bare:.1f}", f"{row.ensemble:.1f}", f"{row.ratio:.2f}"
        more = f"{row.ratio_by_name:.2f}", f"{row.lone_ms:.1f}", f"{row.stalls} of {row.lone}"
        table.add_row(row.setting, *rates, *more)
    console().print(table)


def show_overload(rows: Sequence[Overload]) -> None:
    """Print the second table."""
    table = Table("x capacity", "sent", "refused", "accepted p50, ms", "p99, ms", "refusal, ms")
    for row in rows:
        times = (row.accepted_p50, row.accepted_p99, row.refused_p50)
        figures = f"{row.times_capacity:.0f}", str(row.sent), str(row.refused)
        table.add_row(*figures, *("-" if time is None else f"{time:.0f}" for time in times))
    console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
