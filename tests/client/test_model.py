"""Models: what the server says, and whether data fit."""

from __future__ import annotations

import re
from typing import Any

import pytest

from client import ConvertConfig, InputError, Settings
from client.model import ModelInfo
from tests.client.models import ENSEMBLE, NETWORK, ensemble_answers, network_answers

METADATA, CONFIG = network_answers()
DEPTH = ModelInfo.from_server(
    METADATA, CONFIG | {"parameters": {"pose_type": {"string_value": "25dbp"}}}
)


def test_a_bare_network() -> None:
    assert (
        ModelInfo(
            name="net",
            input="input",
            logits="fc_pred",
            score=None,
            unknown=None,
            options=frozenset(),
            shape=(3, 300, 34, 1),
            classes=6,
            raw=False,
            batched=True,
            max_batch=16,
        )
        == NETWORK
    )


def test_a_score_of_a_bare_network_is_not_taken_for_the_ensembles() -> None:
    outputs = [*METADATA["outputs"], {"name": "score", "datatype": "FP32", "shape": [-1, 6]}]
    metadata, config = network_answers(outputs=outputs)
    assert ModelInfo.from_server(metadata, config) == NETWORK


def test_the_ensemble() -> None:
    assert ENSEMBLE.raw
    assert (ENSEMBLE.input, ENSEMBLE.logits, ENSEMBLE.score) == ("keypoints", "logits", "score")
    assert ENSEMBLE.options == {"pose_type", "focal_length"}
    assert ENSEMBLE.shape == (None, 34, 4)


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("unknown_logit", ["unknown"], ["unknown_logit"]),
        (None, ["unknown"], []),
        (None, [], ["unknown_logit"]),
    ],
)
def test_an_ensemble_answers_unknown_if_it_can_be_asked_and_say_it(
    name: str | None, inputs: list[str], outputs: list[str]
) -> None:
    metadata, config = ensemble_answers()
    for key, names in (("inputs", inputs), ("outputs", outputs)):
        metadata[key] += [{"name": n, "datatype": "FP32", "shape": [-1, 1]} for n in names]
    metadata["outputs"] = [o for o in metadata["outputs"] if o["name"] != "score"]
    model = ModelInfo.from_server(metadata, config)
    assert (model.unknown, model.score) == (name, None)


def test_an_ensemble_of_keypoints_alone() -> None:
    metadata, config = ensemble_answers()
    metadata["inputs"] = metadata["inputs"][:1]
    model = ModelInfo.from_server(metadata, config)
    assert (model.raw, model.options) == (True, frozenset())


def test_the_numbers_of_grpc_are_text() -> None:
    metadata, _ = network_answers()
    for tensor in (*metadata["inputs"], *metadata["outputs"]):
        tensor["shape"] = [str(size) for size in tensor["shape"]]
    assert ModelInfo.from_server(metadata, {"max_batch_size": 16}) == NETWORK


def test_a_model_that_does_not_batch_gets_one_sequence_at_a_time() -> None:
    bare = ModelInfo.from_server(*network_answers([3, -1, 34, 1], max_batch=0))
    assert (bare.batched, bare.max_batch, bare.shape) == (False, 1, (3, None, 34, 1))
    own_axis = ModelInfo.from_server(network_answers([1, 3, -1, 34, 1])[0], {})  # gRPC omits a 0
    assert (own_axis.batched, own_axis.max_batch) == (True, 1)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (network_answers([-1, 3, 224, 224]), "takes input of shape (None, 3, 224, 224), not (N,C,"),
        (network_answers([3, 300, 34, 1]), "choose a pose classification model with -m"),
        (network_answers([3, 300, 34, 1], max_batch=1), "takes input of shape (3, 300, 34, 1)"),
        (
            network_answers(inputs=[{"name": "input", "datatype": "FP16", "shape": [-1] * 5}]),
            "tensor 'input' is FP16; export the model with FP32",
        ),
        (
            network_answers(outputs=[{"name": "fc_pred", "datatype": "FP16", "shape": [-1, 6]}]),
            "tensor 'fc_pred' is FP16",
        ),
        (
            network_answers(outputs=[{"name": n, "datatype": "FP32"} for n in ("boxes", "masks")]),
            "has tensors boxes, masks",
        ),
        (
            network_answers(outputs=[{"name": "y", "datatype": "FP32", "shape": [-1, -1]}]),
            "does not say how many classes",
        ),
        (
            (ensemble_answers()[0] | {"outputs": []}, {}),
            "has no output 'logits'",
        ),
    ],
)
def test_other_models_are_refused(answers: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        ModelInfo.from_server(*answers)


def test_among_several_outputs_the_usual_one_is_taken() -> None:
    outputs = [{"name": n, "datatype": "FP32", "shape": [-1, 6]} for n in ("features", "fc_pred")]
    assert ModelInfo.from_server(*network_answers(outputs=outputs)) == NETWORK


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (NETWORK, (5, 2, 300, 34, 1), "has C=2 in its shape (N,C,T,V,M) = (5, 2, 300, 34, 1), but"),
        (NETWORK, (5, 2, 300, 34, 1), "takes C=3: convert with the pose_type"),
        (NETWORK, (5, 3, 400, 34, 1), "takes T=300: cut longer sequences"),
        (NETWORK, (5, 3, 200, 34, 1), "fill shorter ones with zero frames"),
        (NETWORK, (5, 3, 300, 17, 1), "takes V=34: map the joints"),
        (NETWORK, (5, 3, 300, 34, 2), "takes M=1: give each person a sequence"),
        (NETWORK, (3, 300, 34, 1), "has 4 dimensions"),
        (NETWORK, (5, 100, 34, 4), "takes normalised sequences (N,C,T,V,M)"),
        (NETWORK, (0, 3, 300, 34, 1), "holds no data"),
        (ENSEMBLE, (5, 3, 300, 34, 1), "takes raw keypoints (N,T,V,4)"),
        (ENSEMBLE, (5, 100, 34, 3), "takes 4=4: give x, y, z and confidence"),
        (ENSEMBLE, (5, 0, 34, 4), "holds no data"),
    ],
)
def test_arrays_that_do_not_fit(model: ModelInfo, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        model.check_sequences(shape, "a.npy")
    assert str(caught.value).startswith("a.npy: ")


def test_arrays_that_fit() -> None:
    NETWORK.check_sequences((5, 3, 300, 34, 1), "a.npy")
    ENSEMBLE.check_sequences((5, 77, 34, 4), "a.npy")


@pytest.mark.parametrize(
    ("model", "convert", "message"),
    [
        (DEPTH, {}, "pose_type is 3dbp, but model 'net' was trained on 25dbp"),
        (NETWORK, {"pose_type": "2dbp"}, "pose_type 2dbp makes sequences of C=2"),
        (NETWORK, {"sequence_length_max": 200}, "change sequence_length_max"),
        (NETWORK, {"num_joints": 17}, "num_joints makes sequences of V=17"),
        (ENSEMBLE, {"num_joints": 17}, "takes V=34: change num_joints"),
    ],
)
def test_conversions_that_do_not_fit(
    model: ModelInfo, convert: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        model.check_convert(ConvertConfig(**convert))
    NETWORK.check_convert(ConvertConfig())
    NETWORK.check_convert(ConvertConfig(pose_type="25dbp"))  # it does not say what it wants
    DEPTH.check_convert(DEPTH.suited(ConvertConfig()))
    ENSEMBLE.check_convert(ConvertConfig(sequence_length_max=200))


@pytest.mark.parametrize(
    ("settings", "size", "in_flight"),
    [
        (Settings(), 1, 32),
        (Settings(batch_size=16), 16, 2),
        (Settings(batch_size=7), 7, 5),
        (Settings(batch_size=100), 16, 2),
        (Settings(batch_size=100, in_flight=9), 16, 9),
    ],
)
def test_requests_fill_two_batches_of_the_server(
    settings: Settings, size: int, in_flight: int
) -> None:
    assert NETWORK.request_size(settings) == size
    assert NETWORK.in_flight(settings) == in_flight
