"""What is made of the server's answers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from client import ConvertConfig, InputError, ServerError, Settings
from client.model import ModelInfo
from client.pipeline import Batch, Pipeline, Ranked, Result, _with
from client.transport import Request
from tests.client.models import ENSEMBLE, NETWORK

RANKING = (Ranked(2.0, 1, "b"), Ranked(1.0, 0, "a"), Ranked(1.0, 2, "c"))
PAIR = replace(NETWORK, classes=2)
BATCH = Batch(3, np.zeros((2, 3, 300, 34, 1), np.float32))
WELL = [b"2:1:b", b"1:0:a"]


class Answers:
    """A connection whose server gives the same tensors, or raises the same error, each time."""

    def __init__(self, settings: Settings | None = None, **tensors: Any) -> None:
        self.settings = settings or Settings()
        self.tensors = {name: np.array(tensor) for name, tensor in tensors.items()}
        self.error: Exception | None = None
        self.requests: list[Request] = []

    def submit(self, request: Request) -> Future[Any]:
        self.requests.append(request)
        answer: Future[Any] = Future()
        if self.error is not None:
            answer.set_exception(self.error)
        else:
            answer.set_result(SimpleNamespace(as_numpy=self.tensors.get))
        return answer


def results(
    answers: Answers, model: ModelInfo = PAIR, convert: ConvertConfig | None = None
) -> Sequence[Result]:
    pipeline = Pipeline(answers, model)  # type: ignore[arg-type]
    return list(pipeline.run([BATCH], convert or ConvertConfig(), "a.npy"))


@pytest.mark.parametrize(("level", "place"), [(2.5, 0), (2.0, 1), (1.5, 1), (1.0, 3), (0.0, 3)])
def test_unknown_stands_behind_every_class_that_reaches_its_logit(level: float, place: int) -> None:
    unknown = Ranked(level, 3, "unknown")
    assert _with(unknown, RANKING) == (*RANKING[:place], unknown, *RANKING[place:])


def test_labels_may_be_absent_hold_colons_or_be_no_text() -> None:
    rows = [[b"2:1:a:b", b"1:0:"], [b"0.5:0", b"-1:1:\xff"]]
    names = Settings(class_list=("x",))
    first, second = results(Answers(names, fc_pred=rows))
    assert first.ranking == (Ranked(2.0, 1, "a:b"), Ranked(1.0, 0, "x"))
    assert second.ranking == (Ranked(0.5, 0, "x"), Ranked(-1.0, 1, "\ufffd"))
    assert (first.index, second.index) == (3, 4)
    assert second.score == pytest.approx(1 / (1 + np.exp(-1.5)))


def test_a_class_beyond_the_list_is_called_by_its_number() -> None:
    (result, _) = results(Answers(Settings(class_list=("x",)), fc_pred=[[b"2:1", b"1:0"]] * 2))
    assert [entry.label for entry in result.ranking] == ["1", "x"]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "model 'net' gave no scores for 2 sequences of 2 classes"),
        ({"fc_pred": [WELL]}, "gave 2 scores for 2 sequences of 2 classes"),
        ({"fc_pred": [WELL] * 3}, "gave 6 scores"),
        ({"fc_pred": [WELL, [b"nan:0", b"nan:1"]]}, "a.npy: sequence 4: the model's logits are"),
        ({"fc_pred": [WELL, [b"inf:0", b"1:1"]]}, "sequence 4: the model's logits are not finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_an_answer_that_cannot_be(tensors: dict[str, Any], message: str) -> None:
    with pytest.raises(ServerError, match=message):
        results(Answers(**tensors))


def test_a_refused_request_is_named_by_its_sequences() -> None:
    answers = Answers()
    answers.error = InputError("not these")
    with pytest.raises(InputError, match=r"^a\.npy: sequences 3 to 4: not these$"):
        results(answers)


def test_an_interrupt_leaves_no_request_under_way() -> None:
    class Interrupted(Future[Any]):
        def result(self, timeout: float | None = None) -> Any:
            raise KeyboardInterrupt

    class Silence(Answers):
        def submit(self, request: Request) -> Future[Any]:
            futures.append(Interrupted())
            return futures[-1]

    futures: list[Future[Any]] = []
    pipeline = Pipeline(Silence(Settings(in_flight=2)), PAIR)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        list(pipeline.run([BATCH] * 3, ConvertConfig(), "a.npy"))
    assert [future.cancelled() for future in futures] == [True, True]


def test_the_ensemble_is_told_of_the_camera_and_asked_for_its_own_score() -> None:
    model = replace(ENSEMBLE, classes=2, options=ENSEMBLE.options | {"frame_size", "later"})
    answers = Answers(logits=[WELL, WELL], score=[[0.7, 0.3], [0.6, 0.4]])
    convert = ConvertConfig(
        pose_type="25dbp", focal_length=900.0, frame_width=640, frame_height=360
    )
    found = results(answers, model, convert)
    assert [result.score for result in found] == [0.7, 0.6]
    (request,) = answers.requests
    inputs = dict(request.inputs)
    assert inputs.pop("keypoints") is BATCH.data
    assert {name: tensor.tolist() for name, tensor in inputs.items()} == {
        "pose_type": [["25dbp"]] * 2,
        "focal_length": [[900.0]] * 2,
        "frame_size": [[640.0, 360.0]] * 2,
    }
    assert request.outputs == {"logits": 2, "score": 0}


@pytest.mark.parametrize("asked", [False, True])
def test_unknown_is_an_answer_for_those_who_ask(asked: bool) -> None:
    model = replace(ENSEMBLE, classes=2, options=frozenset(), unknown="unknown_logit")
    tensors = {"logits": [WELL, WELL], "score": [[0.7]] * 2, "unknown_logit": [[1.5]] * 2}
    answers = Answers(Settings(unknown=asked), **tensors)
    (first, _) = results(answers, model)
    labels = [(entry.label, entry.class_index) for entry in first.ranking]
    assert labels == [("b", 1), *([("unknown", 2)] if asked else []), ("a", 0)]
    (request,) = answers.requests
    assert ("unknown" in request.inputs, "unknown_logit" in request.outputs) == (asked, asked)
