"""From batches of sequences to results in order, with a bounded number of requests under way."""

from __future__ import annotations

import itertools
import logging
import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from client.connection import Connection
from client.errors import ServerError
from client.model import ModelInfo
from client.transport import Request
from converter import ConvertConfig, InputError
from converter.sidecar import UNKNOWN

log = logging.getLogger(__name__)


class Ranked(NamedTuple):
    """One class of a result."""

    logit: float
    class_index: int
    label: str


@dataclass(frozen=True)
class Result:
    """What the model says of one sequence.

    Attributes:
        index: Number of the sequence, from 0.
        ranking: All classes, the likeliest first; with `Settings.unknown` also "unknown", the
            class behind the last.
        score: Probability of the likeliest: the ensemble's own (with the model's temperature), or
            the softmax of a bare network's logits.
    """

    index: int
    ranking: tuple[Ranked, ...]
    score: float

    @property
    def label(self) -> str:
        """Name of the likeliest class."""
        return self.ranking[0].label

    @property
    def class_index(self) -> int:
        """Index of the likeliest class."""
        return self.ranking[0].class_index


@dataclass(frozen=True)
class Batch:
    """Sequences for one request.

    Attributes:
        first: Number of the first sequence.
        data: (B, *sequence shape) float32.
    """

    first: int
    data: npt.NDArray[np.float32]


class Pipeline:
    """Classifies batches on one model.

    Args:
        connection: Where to send them.
        model: What the server said of the model.

    Attributes:
        model: The same.
        size: Most sequences in a request.
    """

    def __init__(self, connection: Connection, model: ModelInfo) -> None:
        self._connection = connection
        self.model = model
        self.size = model.request_size(connection.settings)
        self._class_list = connection.settings.class_list
        self._unknown = model.unknown if connection.settings.unknown else None
        self._numbers = itertools.count(1)

    def run(self, batches: Iterable[Batch], convert: ConvertConfig, name: str) -> Iterator[Result]:
        """Send every batch; yield the results in the order of the sequences.

        Args:
            batches: Read only as far ahead as requests may be in flight.
            convert: Camera and pose type of raw keypoints; unused by a bare network.
            name: Where the sequences come from, for messages.

        Yields:
            One result a sequence.

        Raises:
            InputError: The server refuses the data of a request.
            ServerError: As soon as one request has failed for good.
        """
        limit = self.model.in_flight(self._connection.settings)
        under_way: deque[tuple[Batch, Future[Any]]] = deque()
        try:
            for batch in batches:
                request = self._request(batch, convert)
                log.debug("request %s: %d sequences", request.id, len(batch.data))
                under_way.append((batch, self._connection.submit(request)))
                if len(under_way) == limit:
                    yield from self._results(*under_way[0], name)
                    under_way.popleft()
            while under_way:
                yield from self._results(*under_way[0], name)
                under_way.popleft()
        finally:
            for _, answer in under_way:
                answer.cancel()

    def _request(self, batch: Batch, convert: ConvertConfig) -> Request:
        count = len(batch.data)
        tensors = {
            "pose_type": np.full((count, 1), convert.pose_type, dtype=np.object_),
            "focal_length": np.full((count, 1), convert.focal_length, dtype=np.float32),
            "frame_size": np.full((count, 2), convert.frame_size, dtype=np.float32),
        }
        inputs = {name: tensors[name] for name in tensors.keys() & self.model.options}
        if self._unknown is not None:
            inputs["unknown"] = np.full((count, 1), True)
        inputs[self.model.input] = batch.data
        if not self.model.batched:
            inputs = {name: tensor[0] for name, tensor in inputs.items()}
        outputs = {self.model.logits: self.model.classes}
        if self.model.score is not None:
            outputs[self.model.score] = 0
        if self._unknown is not None:
            outputs[self._unknown] = 0
        return Request(id=str(next(self._numbers)), inputs=inputs, outputs=outputs)

    def _results(self, batch: Batch, answer: Future[Any], name: str) -> Iterator[Result]:
        count = len(batch.data)
        try:
            result = answer.result()
        except InputError as error:
            last = batch.first + count - 1
            raise InputError(f"{name}: sequences {batch.first} to {last}: {error}") from error
        rows = result.as_numpy(self.model.logits)
        if rows is None or rows.size != count * self.model.classes:
            size = "no" if rows is None else rows.size
            raise ServerError(
                f"model {self.model.name!r} gave {size} scores for {count} sequences "
                f"of {self.model.classes} classes"
            )
        rankings = [self._ranking(row) for row in rows.reshape(count, self.model.classes)]
        if self._unknown is not None:
            level = float(result.as_numpy(self._unknown).flat[0])
            unknown = Ranked(level, self.model.classes, UNKNOWN)
            rankings = [_with(unknown, ranking) for ranking in rankings]
        if self.model.score is not None:
            scores = result.as_numpy(self.model.score).reshape(count, -1)[:, 0]
        else:
            scores = [_top_softmax(ranking) for ranking in rankings]
        for index, ranking, score in zip(itertools.count(batch.first), rankings, scores):
            if not math.isfinite(score):
                raise ServerError(f"{name}: sequence {index}: the model's logits are not finite")
            yield Result(index, ranking, float(score))

    def _ranking(self, row: npt.NDArray[np.object_]) -> tuple[Ranked, ...]:
        """Read `b"logit:class index:label"`; the label is absent or may itself hold colons."""
        ranking = []
        for entry in row:
            logit, index, *label = entry.decode(errors="replace").split(":", 2)
            name = label[0] if label and label[0] else self._name(int(index))
            ranking.append(Ranked(float(logit), int(index), name))
        return tuple(ranking)

    def _name(self, index: int) -> str:
        return self._class_list[index] if index < len(self._class_list) else str(index)


def _with(entry: Ranked, ranking: tuple[Ranked, ...]) -> tuple[Ranked, ...]:
    """Put an entry where it belongs; of equals it is the last."""
    above = sum(other.logit >= entry.logit for other in ranking)
    return (*ranking[:above], entry, *ranking[above:])


def _top_softmax(ranking: tuple[Ranked, ...]) -> float:
    logits = np.array([entry.logit for entry in ranking])
    return float(1.0 / np.exp(logits - logits[0]).sum())
