"""What a load test found: a table, three lines on where the time went, and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

NETWORK = "pose_classification_tao"
# Columns of perf_analyzer's CSV that add up to the mean time of a request.
PARTS = (
    "Client Send",
    "Network+Server Send/Recv",
    "Server Queue",
    "Server Compute Input",
    "Server Compute Infer",
    "Server Compute Output",
    "Client Recv",
)


@dataclass(frozen=True)
class Point:
    """One combination that was measured; times in milliseconds for a request.

    Attributes:
        model: Name of the model.
        protocol: `http` or `grpc`.
        batch: Sequences in a request.
        concurrency: Requests under way at a time.
        sequences_per_second: Throughput.
        p50: Half of the requests took no longer.
        p90: Likewise.
        p99: Likewise.
        queue: Mean time of waiting for a model, by the server's statistics, all steps together.
        network: Mean time of the network itself, likewise.
        other_steps: Mean time of the ensemble's other steps, likewise.
        transport: What is left of the client's mean: sending, receiving, the server's front end.
        mean_batch: Sequences in a run of the network.
    """

    model: str
    protocol: str
    batch: int
    concurrency: int
    sequences_per_second: float
    p50: float
    p90: float
    p99: float
    queue: float
    network: float
    other_steps: float
    transport: float
    mean_batch: float

    @classmethod
    def of_report(
        cls,
        model: str,
        protocol: str,
        batch: int,
        row: Mapping[str, str],
        spent: Mapping[str, Mapping[str, int]],
    ) -> Point:
        """From a row of perf_analyzer's CSV (times in µs) and what the server counted meanwhile."""
        steps = {n: s for n, s in spent.items() if s["executions"] and s["requests"]}
        if model != NETWORK:  # the ensemble's own row would count its steps a second time
            steps.pop(model, None)
        queue = sum(step["queue"] / step["requests"] / 1e6 for step in steps.values())
        compute = {name: step["compute"] / step["requests"] / 1e6 for name, step in steps.items()}
        network = compute.pop(NETWORK)
        other_steps = sum(compute.values())
        latency = sum(float(row[name] or 0) for name in PARTS) / 1000
        runs = steps[NETWORK]
        return cls(
            model=model,
            protocol=protocol,
            batch=batch,
            concurrency=int(row["Concurrency"]),
            sequences_per_second=float(row["Inferences/Second"]),
            p50=float(row["p50 latency"]) / 1000,
            p90=float(row["p90 latency"]) / 1000,
            p99=float(row["p99 latency"]) / 1000,
            queue=queue,
            network=network,
            other_steps=other_steps,
            transport=max(latency - queue - network - other_steps, 0.0),
            mean_batch=runs["requests"] * batch / runs["executions"],
        )


def table(points: Sequence[Point]) -> Table:
    """All points."""
    shown = Table("model", "", title="milliseconds for a request", padding=(0, 0))
    for name in ("batch", "at once", "seq/s", "p50", "p90", "p99"):
        shown.add_column(name, justify="right")
    for name in ("queue", "net", "steps", "send", "run of"):
        shown.add_column(name, justify="right")
    for p in points:
        times = (p.p50, p.p90, p.p99, p.queue, p.network, p.other_steps, p.transport)
        shown.add_row(
            p.model.removeprefix("pose_"),
            p.protocol,
            str(p.batch),
            str(p.concurrency),
            f"{p.sequences_per_second:.1f}",
            *(f"{time:.1f}" for time in times),
            f"{p.mean_batch:.1f}",
        )
    return shown


def explain(points: Sequence[Point]) -> list[str]:
    """Three lines: where a lone request spends its time, where at saturation, what limits it."""
    model = points[0].model
    own = [p for p in points if p.model == model]
    lone = min(own, key=lambda p: (p.concurrency, p.batch, p.p50))
    best = max(own, key=lambda p: p.sequences_per_second)
    parts = _parts(best)
    largest = max(parts, key=lambda name: parts[name])
    advice = {
        "queue": "requests wait for the ones before them: the network is the limit, and more "
        "requests at a time only add waiting",
        "network": "the network is the limit: a faster form of it or more cores help, more "
        "requests at a time do not",
        "other steps": "normalising and ranking are the limit: give them more instances",
        "transport": "moving bytes is the limit: larger batches or shared memory help",
    }
    return [
        f"A lone request ({model}, {_name(lone)}): {_shares(lone)}.",
        f"At the highest throughput, {best.sequences_per_second:.0f} sequences/s "
        f"({_name(best)}): {_shares(best)}.",
        f"There the largest part is {largest}: {advice[largest]}; the network ran on "
        f"{best.mean_batch:.1f} sequences a run.",
    ]


def _parts(point: Point) -> dict[str, float]:
    return {
        "queue": point.queue,
        "network": point.network,
        "other steps": point.other_steps,
        "transport": point.transport,
    }


def _shares(point: Point) -> str:
    parts = _parts(point)
    whole = sum(parts.values())
    return ", ".join(f"{n} {t:.1f} ms ({100 * t / whole:.0f} %)" for n, t in parts.items())


def _name(point: Point) -> str:
    return f"{point.protocol}, batch {point.batch}, {point.concurrency} at a time"


def draw(points: Sequence[Point], path: Path) -> None:
    """Throughput against latency, a panel for each model, a line for each protocol and batch."""
    from matplotlib.figure import Figure

    models = list(dict.fromkeys(p.model for p in points))
    figure = Figure(figsize=(6.4 * len(models), 4.6), layout="constrained")
    axes = figure.subplots(1, len(models), squeeze=False, sharey=True)[0]
    for axis, model in zip(axes, models, strict=True):
        own = [p for p in points if p.model == model]
        for index, key in enumerate(dict.fromkeys((p.protocol, p.batch) for p in own)):
            line = sorted(
                (p for p in own if (p.protocol, p.batch) == key), key=lambda p: p.concurrency
            )
            x, y = [p.sequences_per_second for p in line], [p.p50 for p in line]
            style = {"color": f"C{index}", "linestyle": "-" if key[0] == "http" else "--"}
            axis.fill_between(x, y, [p.p99 for p in line], color=f"C{index}", alpha=0.12, lw=0)
            axis.plot(x, y, marker="o", ms=5, label=f"{key[0]}, batch {key[1]}", **style)
            for p in line:
                axis.annotate(
                    str(p.concurrency),
                    (p.sequences_per_second, p.p50),
                    textcoords="offset points",
                    xytext=(5, -11),
                    fontsize=8,
                    color=f"C{index}",
                )
        axis.set(title=model, xlabel="sequences per second", yscale="log")
        axis.set_xlim(left=0)
        axis.grid(alpha=0.25, which="both")
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
    axes[0].set_ylabel("latency of a request, ms (line p50, shade up to p99)")
    figure.suptitle("Numbers at the points: requests under way at a time", fontsize=10)
    figure.savefig(path, dpi=140)
