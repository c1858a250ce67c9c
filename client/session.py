"""The client as a library: `Client` for many calls, `classify` and `annotate` for one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from client.connection import Connection
from client.documents import segment_batches
from client.model import ModelInfo
from client.pipeline import Pipeline, Result
from client.sequences import batches, check_sequences, load_sequences
from client.settings import Settings
from converter import ConvertConfig
from converter.deepstream import AnnotationJob, Style, Summary
from converter.segment import LabelPolicy

log = logging.getLogger(__name__)

# Gets results to pass on, and what share of the work (0..1) is done at one of them.
Watch = Callable[[Iterable[Result], Callable[[Result], float]], Iterable[Result]]


def _pass_on(results: Iterable[Result], _: Callable[[Result], float]) -> Iterable[Result]:
    return results


class Client:
    """A connection to one model, made on entering the context.

    Args:
        settings: The server and the model.
        watch: Passes results on and may show how far the work is.

    Raises:
        InputError: From every method, for data that do not fit the model.
        ServerError: From every method, when the server fails or does not answer in time.

    Example:
        >>> with Client(Settings(model="pose_classification")) as client:  # doctest: +SKIP
        ...     for result in client.classify("keypoints.npy"):
        ...         print(result.index, result.label, result.score)
    """

    def __init__(self, settings: Settings, watch: Watch = _pass_on) -> None:
        self.settings = settings
        self._watch = watch
        self._connection = Connection(settings)
        self.model: ModelInfo

    def __enter__(self) -> Client:
        self._connection.__enter__()
        try:
            self.model = ModelInfo.from_server(*self._connection.describe_model())
            if self.settings.unknown:
                self.model.check_unknown()
        except BaseException:
            self._connection.__exit__()
            raise
        log.debug("%s: %s", self.settings.url, self.model)
        self._pipeline = Pipeline(self._connection, self.model)
        if self._pipeline.size < self.settings.batch_size:
            log.info("batches of %d: the model takes no more at once", self._pipeline.size)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.__exit__()

    def classify(
        self,
        sequences: npt.ArrayLike | str | Path,
        convert: ConvertConfig | None = None,
    ) -> Iterator[Result]:
        """Classify an array of sequences, or a `.npy` file that is read as it is sent.

        Args:
            sequences: (N, C, T, V, M) normalised for a bare network, or (N, T, V, 4) raw keypoints
                (x, y, z, confidence) for the ensemble.
            convert: Pose type and camera of raw keypoints; the model's pose type by default.

        Yields:
            One result a sequence, in order.
        """
        if isinstance(sequences, str | Path):
            name, array = str(sequences), load_sequences(Path(sequences))
        else:
            name, array = "array", np.asarray(sequences)
        check_sequences(array, self.model, name)
        convert = convert or self.model.suited(ConvertConfig())
        results = self._pipeline.run(batches(array, self._pipeline.size), convert, name)
        yield from self._watch(results, lambda result: (result.index + 1) / len(array))

    def annotate(
        self,
        document: str | Path,
        output: str | Path,
        convert: ConvertConfig | None = None,
        policy: LabelPolicy = "dense",
        scores: bool = False,
        style: Style = "verbatim",
    ) -> Summary:
        """Add an `action` to every object of a DeepStream document.

        Args:
            document: What DeepStream's bodypose-3d app saved.
            output: The file to write or replace.
            convert: How to cut tracks into segments, and the camera; by default the converter's,
                with the model's pose type.
            policy: Which frames a segment labels: "dense" all, "tao" as NVIDIA's client.
            scores: Add `action_score`, the probability of the action.
            style: How to write; see `converter.deepstream.AnnotationJob.write`.

        Returns:
            What was read, labelled and left out.
        """
        convert = convert or self.model.suited(ConvertConfig())
        self.model.check_convert(convert)
        names = [str(index) for index in range(self.model.classes + self.settings.unknown)]
        with AnnotationJob(Path(document), convert, policy=policy) as job:
            segments = segment_batches(job, self.model, convert, self._pipeline.size)
            results = self._pipeline.run(segments, convert, str(document))
            for result in self._watch(results, lambda _: job.fraction):
                job.assign(result.index, result.class_index, result.score)
                names[result.class_index] = result.label
            return job.write(Path(output), labels=names, scores=scores, style=style)


def classify(
    sequences: npt.ArrayLike | str | Path, convert: ConvertConfig | None = None, **settings: Any
) -> list[Result]:
    """Classify sequences in one call; see `Client.classify`.

    Args:
        sequences: An array or a `.npy` file.
        convert: Pose type and camera of raw keypoints.
        settings: Fields of `Settings`, as in `url="localhost:8000"`.
    """
    with Client(Settings(**settings)) as client:
        return list(client.classify(sequences, convert))


def annotate(
    document: str | Path,
    output: str | Path,
    convert: ConvertConfig | None = None,
    policy: LabelPolicy = "dense",
    scores: bool = False,
    style: Style = "verbatim",
    **settings: Any,
) -> Summary:
    """Label a DeepStream document in one call; see `Client.annotate` and `Settings`."""
    with Client(Settings(**settings)) as client:
        return client.annotate(document, output, convert, policy, scores, style)
