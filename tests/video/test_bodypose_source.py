"""The pose source `bodypose` on a live Triton, its network put there by `bpnet export --triton`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from converter import ConvertConfig, get_layout
from converter.deepstream import AnnotationJob
from scripts.embedded_triton import EmbeddedTriton
from tests.training.bpnet.taught import SIDE, photo, taught_repository
from video.poses import main
from video.sources.bodypose import BodyPose

pytestmark = pytest.mark.slow
NVIDIA, OPENPOSE = get_layout("nvidia"), get_layout("openpose")


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTriton]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("bodypose")
    repository, _ = taught_repository(folder)
    with EmbeddedTriton(repository, log=folder / "triton.log") as server:
        yield server


def test_people_are_where_they_were_drawn(triton: EmbeddedTriton) -> None:
    image, drawn = photo()
    people = BodyPose(6, triton.grpc_url).people(image[:, :, ::-1], 0.0)
    assert len(people) == 2
    shared = [j for j in OPENPOSE.joints if j in NVIDIA.joints]
    here, there = ([lay.joints.index(j) for j in shared] for lay in (NVIDIA, OPENPOSE))
    for person in people:
        assert person.pose3d is None
        pose = person.pose25d[here]
        seen = pose[:, 3] > 0
        assert seen.sum() >= 12
        errors = [np.abs(pose[seen, :2] - joints[there][seen, :2]).max() for joints in drawn]
        assert min(errors) < 8  # a cell
        assert not person.pose25d[:, 2].any()
        left, top, width, height = person.bbox
        assert (pose[seen, 0] >= left).all() and (pose[seen, 0] <= left + width).all()
        assert (pose[seen, 1] >= top).all() and (pose[seen, 1] <= top + height).all()


def test_no_more_people_than_asked_for(
    triton: EmbeddedTriton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # which is not asked
    assert len(BodyPose(1, triton.grpc_url).people(photo()[0][:, :, ::-1], 0.0)) == 1


def test_a_video_becomes_a_document_for_two_dimensions(
    triton: EmbeddedTriton, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"FFV1"), 30, (SIDE, SIDE))
    for _ in range(14):
        writer.write(photo()[0][:, :, ::-1])
    writer.release()
    output = tmp_path / "poses.json"
    assert (
        main([str(clip), "-o", str(output), "--pose-source", "bodypose", "--url", triton.grpc_url])
        == 0
    )
    document = json.loads(output.read_text())
    assert document[-1]["producer"] == "BodyPoseNet on Triton, not DeepStream"
    assert [o["object_id"] for o in document[-1]["batches"][0]["objects"]] == [1, 2]
    config = ConvertConfig(pose_type="2dbp", frame_width=SIDE, frame_height=SIDE)
    with AnnotationJob(output, config) as job:
        assert len(list(job.segments())) == 2


def test_a_server_without_the_model_is_a_mistake(
    tmp_path: Path,
    triton: EmbeddedTriton,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("video.sources.bodypose.MODEL", "bodypose_of_somebody_else")
    clip = Path(__file__).parents[2] / "samples" / "three_people.mp4"
    arguments = [str(clip), "-o", str(tmp_path / "o"), "--pose-source", "bodypose"]
    assert main([*arguments, "--url", triton.grpc_url]) == 2
    assert "has no model 'bodypose_of_somebody_else'" in caplog.text
