"""The ensemble `pose_classification`: raw keypoints in, ranked labels out."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from converter import ConvertConfig, network_input
from tests.server.conftest import ENSEMBLE, NETWORK, Client, executions
from tests.tiny_network import CLASSES, tiny_logits


def recording(n: int, frames: int = 100, seed: int = 0) -> NDArray[Any]:
    """(n, frames, 34, 4) positions of the size of pose3d and pose25d, some joints not seen."""
    rng = np.random.default_rng(seed)
    keypoints = rng.normal(500, 300, size=(n, frames, 34, 4))
    keypoints[..., 3] = rng.integers(0, 2, size=(n, frames, 34)) * 0.9
    return keypoints.astype(np.float32)


def by_the_client(keypoints: NDArray[Any], **settings: Any) -> NDArray[Any]:
    """What a client sends to the bare network: (n, C, 300, 34, 1)."""
    config = ConvertConfig(**settings)
    return np.stack([network_input(sequence, config) for sequence in keypoints])


def repeated(value: Any, n: int, kind: type = np.float32) -> NDArray[Any]:
    return np.array([np.atleast_1d(value)] * n, dtype=kind)


def text(value: str, n: int) -> NDArray[Any]:
    return repeated(value.encode(), n, np.object_)


def test_defaults_are_those_of_the_converter(client: Client) -> None:
    keypoints = recording(3)
    answer = client.infer(ENSEMBLE, keypoints=keypoints)
    expected = tiny_logits(by_the_client(keypoints))
    np.testing.assert_allclose(answer.as_numpy("logits"), expected, atol=1e-5)
    bare = client.logits(by_the_client(keypoints))
    np.testing.assert_array_equal(answer.as_numpy("logits"), bare)


def test_labels_and_scores_are_the_ranked_softmax(client: Client) -> None:
    answer = client.infer(ENSEMBLE, keypoints=recording(4))
    logits = answer.as_numpy("logits")
    order = np.argsort(-logits, axis=1)
    names = [[CLASSES[index].encode() for index in row] for row in order]
    assert answer.as_numpy("label").tolist() == names
    powers = np.exp(np.take_along_axis(logits, order, axis=1))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answer.as_numpy("score"), expected, rtol=1e-5)
    assert answer.as_numpy("score").dtype == np.float32


@pytest.mark.parametrize("output", ["label", "score", "logits"])
def test_a_part_of_the_outputs_can_be_asked_for(client: Client, output: str) -> None:
    answer = client.infer(ENSEMBLE, [output], keypoints=recording(1))
    assert answer.as_numpy(output).shape == (1, 6)
    others = {"label", "score", "logits", "unknown_logit"} - {output}
    assert all(answer.as_numpy(other) is None for other in others)


def test_classification_extension_knows_the_labels(client: Client) -> None:
    keypoints = recording(2)
    answer = client.infer(ENSEMBLE, ["logits"], classes=1, keypoints=keypoints).as_numpy("logits")
    best = tiny_logits(by_the_client(keypoints)).argmax(axis=1)
    assert [row[0].decode().split(":")[2] for row in answer] == [CLASSES[index] for index in best]


def test_focal_length_and_pose_type_are_used(client: Client) -> None:
    keypoints = recording(2)
    answer = client.infer(
        ENSEMBLE,
        keypoints=keypoints,
        pose_type=text("3dbp", 2),
        focal_length=repeated(700.0, 2),
        frame_size=repeated([640, 480], 2),  # of no use to 3dbp
    )
    expected = client.logits(by_the_client(keypoints, focal_length=700.0))
    np.testing.assert_array_equal(answer.as_numpy("logits"), expected)


@pytest.mark.parametrize("padding", ["mask", "tao"])
@pytest.mark.parametrize("pose_type", ["25dbp", "2dbp"])
def test_ensemble_and_bare_network_agree(
    serve: Callable[..., Any], pose_type: str, padding: str
) -> None:
    _, client = serve(pose_type=pose_type, padding=padding, temperature=2.0)
    keypoints = recording(3)
    sizes = {"frame_width": 640, "frame_height": 480}
    answer = client.infer(ENSEMBLE, keypoints=keypoints, frame_size=repeated([640, 480], 3))
    bare = client.logits(by_the_client(keypoints, pose_type=pose_type, **sizes))
    np.testing.assert_array_equal(answer.as_numpy("logits"), bare)
    best = 1 / np.exp((bare - bare.max(axis=1, keepdims=True)) / 2.0).sum(axis=1)
    np.testing.assert_allclose(answer.as_numpy("score")[:, 0], best, rtol=1e-5)
    with pytest.raises(InferenceServerException, match=f"the network knows only {pose_type}"):
        client.infer(ENSEMBLE, keypoints=keypoints, pose_type=text("3dbp", 3))


def test_a_network_without_a_sidecar_is_served_as_nvidias(serve: Callable[..., Any]) -> None:
    def forget(repository: Path) -> None:
        (repository / NETWORK / "1/model.json").unlink()

    _, client = serve(edit=forget, padding="tao", frames=300)
    keypoints = recording(2)
    for pose_type in ("3dbp", "25dbp"):
        answer = client.infer(ENSEMBLE, keypoints=keypoints, pose_type=text(pose_type, 2))
        bare = client.logits(by_the_client(keypoints, pose_type=pose_type))
        np.testing.assert_array_equal(answer.as_numpy("logits"), bare)


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        ({"padding": "left"}, "padding is 'left', must be one of mask, tao"),
        ({"stream": "bone"}, f"{NETWORK} takes the stream bone, only joint is served"),
    ],
)
def test_a_network_that_cannot_be_served_right_is_not_served(
    serve: Callable[..., Any], sidecar: dict[str, str], message: str
) -> None:
    def change(repository: Path) -> None:
        (repository / NETWORK / "1/model.json").write_text(json.dumps(sidecar))

    with pytest.raises(RuntimeError, match=message):
        serve(edit=change)


@pytest.mark.parametrize(
    ("names", "count"), [(CLASSES[:5], 5), (("", *CLASSES), 7), ((*CLASSES, ""), 7), ((), 0)]
)
def test_names_that_do_not_fit_the_classes_are_not_served(
    serve: Callable[..., Any], names: tuple[str, ...], count: int
) -> None:
    def rename(repository: Path) -> None:
        (repository / NETWORK / "labels.txt").write_text("".join(f"{name}\n" for name in names))

    with pytest.raises(
        RuntimeError, match=rf"labels\.txt has {count} lines, fc_pred in config.pbtxt 6"
    ):
        serve(edit=rename)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"keypoints": recording(1, 301)}, "keypoints have 301 frames, must have 1 to 300"),
        ({"keypoints": recording(1, 0)}, "keypoints have 0 frames, must have 1 to 300"),
        ({"keypoints": recording(17)}, "batch-size must be <= 16"),
        ({"keypoints": recording(1)[:, :, :33]}, "unexpected shape for input 'keypoints'"),
        ({"pose_type": text("4dbp", 2)}, "pose_type is '4dbp', must be one of 3dbp, 25dbp, 2dbp"),
        ({"pose_type": text("2dbp", 2)}, "pose_type is 2dbp, the network knows only 3dbp"),
        ({"pose_type": repeated(b"\xff\xfe", 2, np.object_)}, "pose_type is"),
        ({"pose_type": text("3dbp\n", 2)}, r"pose_type is '3dbp\n', must be one of"),
        ({"pose_type": text("\0a", 2)}, r"pose_type is '\x00a', must be one of"),
        ({"pose_type": text("3d" * 20_000, 2)}, f"pose_type is '{'3d' * 10}', must be one of"),
        ({"focal_length": repeated(0, 2)}, "focal_length is 0.0, must be above 0"),
        ({"focal_length": repeated(-1, 2)}, "focal_length is -1.0, must be above 0"),
        ({"focal_length": np.array([[1], [2]], np.float32)}, "focal_length differs between"),
        ({"focal_length": repeated(np.nan, 2)}, "focal_length is nan, must be a finite number"),
        ({"focal_length": repeated(1e-38, 2)}, "keypoints are too large for focal_length"),
        ({"frame_size": repeated([0, 480], 2)}, "frame_width is 0, must be above 0"),
        ({"frame_size": repeated([640, np.inf], 2)}, "frame_height is inf, must be"),
        (
            {"keypoints": recording(1), "frame_size": repeated([9, np.nan], 1)},
            "frame_height",
        ),
        ({"focal_length": repeated(500.0, 1)}, "batch size does not match"),
    ],
)
def test_bad_requests_are_refused_with_the_reason(
    client: Client, arrays: dict[str, Any], message: str
) -> None:
    with pytest.raises(InferenceServerException) as refused:
        client.infer(ENSEMBLE, **({"keypoints": np.ascontiguousarray(recording(2))} | arrays))
    assert message in str(refused.value)
    assert refused.value.status() in ("400", "StatusCode.INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("step", "optional", "missing"),
    [
        ("preprocess", {"focal_length": repeated(500.0, 1)}, "keypoints are missing: send them"),
        ("postprocess", {"unknown": np.array([[False]])}, "fc_pred is missing: send the logits"),
    ],
)
def test_a_step_names_the_input_that_is_missing(
    client: Client, step: str, optional: dict[str, Any], missing: str
) -> None:
    with pytest.raises(InferenceServerException, match=missing) as refused:
        client.infer(f"{ENSEMBLE}_{step}", **optional)
    assert refused.value.status() in ("400", "StatusCode.INVALID_ARGUMENT")


def test_logits_that_are_not_finite_are_no_answer(client: Client) -> None:
    keypoints = recording(1)
    keypoints[..., 3] = 1
    keypoints[0, :, 1:, :3] = 1e38  # the mean overflows inside the network
    with pytest.raises(InferenceServerException, match="the network returned nan or inf"):
        client.infer(ENSEMBLE, keypoints=keypoints, focal_length=repeated(1, 1))


def test_joints_that_are_not_numbers_count_as_unseen(grpc: Client) -> None:
    keypoints = recording(1)
    keypoints[0, 3:9, 5, :3] = np.nan
    unseen = keypoints.copy()
    unseen[0, 3:9, 5] = 0
    answers = [grpc.infer(ENSEMBLE, keypoints=k).as_numpy("logits") for k in (keypoints, unseen)]
    assert np.isfinite(answers[0]).all()
    np.testing.assert_array_equal(*answers)


def test_cameras_lengths_and_bad_requests_go_together_without_harm(grpc: Client) -> None:
    focal_lengths = (600.0, None, 0.0)  # given, left out, bad

    def ask(index: int) -> tuple[NDArray[Any], Any]:
        keypoints, focal_length = recording(2, 20 + index, seed=index), focal_lengths[index % 3]
        arrays: dict[str, Any] = (
            {} if focal_length is None else {"focal_length": repeated(focal_length, 2)}
        )
        try:
            return keypoints, grpc.infer(ENSEMBLE, keypoints=keypoints, **arrays)
        except InferenceServerException as error:
            return keypoints, error

    before = executions(grpc, f"{ENSEMBLE}_preprocess")
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(96)))
    for index, (keypoints, answer) in enumerate(answers):
        focal_length = focal_lengths[index % 3]
        if focal_length == 0:
            assert "focal_length is 0.0" in str(answer)
        else:
            expected = by_the_client(keypoints, focal_length=focal_length or 1200.0)
            np.testing.assert_allclose(answer.as_numpy("logits"), tiny_logits(expected), atol=1e-5)
    # Every request had a length of its own: fewer runs than requests show that they were mixed.
    assert executions(grpc, f"{ENSEMBLE}_preprocess") - before < len(answers)
