import json
import struct
import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from converter import InputError
from tests.training.bpnet.figures import POSE, crowd, draw
from training.bpnet.cli import main
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.inference import find_images
from training.bpnet.saved_model import ModelInfo, save_model
from training.bpnet.spec import BackboneSpec, ModelSpec
from training.bpnet.video import VideoReader, VideoWriter

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small network with chance weights: it finds nobody, or anybody."""
    path = tmp_path_factory.mktemp("model") / "m.pth"
    lite = BackboneSpec(architecture="efficientnet_lite0")
    spec = ModelSpec(stages=2, stage_channels=8, backbone_attributes=lite)
    info = ModelInfo(spec, POSE, NormalizationParams())
    save_model(path, info.build(), info, key="sesam")
    return path


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "infer.yaml"
    path.write_text("input_shape: [64, 64]\nheatmap_threshold: 0.0\npaf_threshold: 0.0\n")
    return path


def image(path, joints=None):
    picture = draw(
        np.full((96, 128, 3), 90, np.uint8), crowd(1, 1, 60, 90) if joints is None else joints
    )
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), picture)
    return path


def infer(model, spec, source, results, kind, *more):
    command = ["inference", "-i", str(spec), "-m", str(model), "-k", "sesam", "--input_type", kind]
    return main([*command, "--input", str(source), "--results_dir", str(results), *more])


def test_a_folder(model, spec, tmp_path, capsys):
    folder, results = tmp_path / "photos", tmp_path / "results"
    image(folder / "b.png")
    image(folder / "a.jpg")
    (folder / "c.jpg").write_bytes(b"broken")
    (folder / "notes.txt").write_text("no image")
    assert infer(model, spec, folder, results, "dir", "--dump_visualizations") == 0
    said = capsys.readouterr().out
    assert "2 images, 1 unreadable" in said
    assert said.splitlines()[-1] == str(results / "images_annotated")
    found = json.loads((results / "detections.json").read_text())
    assert found["categories"][0]["keypoints"] == list(POSE.joints)
    assert found["inference_spec"]["input_shape"] == [64, 64]
    images = found["images"]
    assert [entry["full_image_path"] for entry in images] == [
        str(folder / name) for name in ("a.jpg", "b.png", "c.jpg")
    ]
    assert [entry["viz_id"] for entry in images] == [0, 1, 2]
    assert "keypoints" not in images[2]
    for entry in images[:2]:
        shape = np.array(entry["keypoints"]).reshape(-1, 18, 2).shape
        assert shape[0] == len(entry["scores"]) == len(entry["joint_scores"])
    drawn = cv2.imread(str(results / "images_annotated" / "1.png"))
    assert drawn.shape == (96, 128, 3)
    assert not (results / "images_annotated" / "2.png").exists()


def test_one_image_and_a_json_list(model, spec, tmp_path):
    path = image(tmp_path / "photos" / "a.png")
    assert infer(model, spec, path, tmp_path / "one", "image") == 0
    listing = tmp_path / "list.json"
    listing.write_text(json.dumps(["a.png"]))
    root = ("--image_root_path", str(path.parent))
    assert infer(model, spec, listing, tmp_path / "list", "json", *root) == 0
    one, many = (
        json.loads((tmp_path / name / "detections.json").read_text())["images"]
        for name in ("one", "list")
    )
    assert one == many


def test_a_video(model, spec, tmp_path):
    source, results = tmp_path / "in.mp4", tmp_path / "results"
    with VideoWriter(source, 10) as writer:
        for step in range(5):
            joints = crowd(1, 1, 60, 90) + np.array([step * 8, 0, 0])
            writer.write(draw(np.full((97, 129, 3), 90, np.uint8), joints))
    assert infer(model, spec, source, results, "video", "--dump_visualizations") == 0
    images = json.loads((results / "detections.json").read_text())["images"]
    assert [entry["frame"] for entry in images] == [0, 1, 2, 3, 4]
    assert [entry["time"] for entry in images] == [0, 0.1, 0.2, 0.3, 0.4]
    with av.open(str(results / "annotated.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.frames) == ("h264", 5)
        assert (stream.width, stream.height, stream.average_rate) == (128, 96, 10)


def test_drawings_do_not_replace_what_is_read(model, spec, tmp_path, capsys):
    video, photo = tmp_path / "annotated.mp4", tmp_path / "images_annotated" / "0.png"
    with VideoWriter(video, 10) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    image(photo)
    before = video.read_bytes(), photo.read_bytes()
    for source, kind in ((video, "video"), (photo, "image"), (photo.parent, "dir")):
        assert infer(model, spec, source, tmp_path, kind, "--dump_visualizations") == 2
        assert "give another --results_dir" in capsys.readouterr().err
        assert infer(model, spec, source, tmp_path, kind) == 0
    assert (video.read_bytes(), photo.read_bytes()) == before


def test_frames_come_back_as_they_were_written(tmp_path):
    frames = [np.full((64, 64, 3), shade, np.uint8) for shade in (20, 120, 220)]
    with VideoWriter(tmp_path / "a.mp4", 25) as writer:
        for frame in frames:
            writer.write(frame)
    for (_, found), frame in zip(VideoReader(tmp_path / "a.mp4"), frames, strict=True):
        assert np.abs(found.astype(int) - frame).max() < 8


def test_frames_keep_their_times(model, spec, tmp_path):
    source, results = tmp_path / "in.mkv", tmp_path / "results"
    times = [0.5, 0.6, 0.7, 1.5, 2.3, 2.4]
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", 10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert infer(model, spec, source, results, "video", "--dump_visualizations") == 0
    images = json.loads((results / "detections.json").read_text())["images"]
    assert [entry["time"] for entry in images] == times
    drawn = [time for time, _ in VideoReader(results / "annotated.mp4")]
    assert drawn == pytest.approx([time - 0.5 for time in times], abs=2e-3)


def test_a_turned_video_is_turned_upright(tmp_path):
    """The matrix in the header of an MP4's track says how its pictures are shown."""
    path, picture = tmp_path / "a.mp4", np.zeros((64, 96, 3), np.uint8)
    picture[:, :48] = 255
    with VideoWriter(path, 10) as writer:
        writer.write(picture)
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)  # clockwise
    head, track = path.read_bytes().split(b"tkhd")
    path.write_bytes(head + b"tkhd" + track.replace(plain, turned, 1))
    ((_, shown),) = VideoReader(path)
    expected = np.rot90(picture, -1)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 8


def test_sound_without_pictures_is_no_video(tmp_path):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    with pytest.raises(InputError, match="has no video stream"):
        VideoReader(path)


def test_a_failed_video_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "a.mp4", 25) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("image", b"broken", "not an image"),
        ("image", None, "cannot read the image"),
        ("video", b"broken", "cannot read the video"),
        ("json", b"{", "cannot read the list"),
        ("json", b"[1]", "must be a JSON list"),
        ("dir", b"", "not a folder"),
    ],
)
def test_mistakes(model, spec, tmp_path, capsys, kind, content, says):
    source = tmp_path / "input"
    if content is not None:
        source.write_bytes(content)
    assert infer(model, spec, source, tmp_path / "results", kind) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "results" / "detections.json").exists()


def test_model_mistakes(model, spec, tmp_path, capsys):
    path = image(tmp_path / "photos" / "a.png")
    assert infer(tmp_path / "none.pth", spec, path, tmp_path / "r", "image") == 2
    assert "name the model with -m" in capsys.readouterr().err
    command = ["inference", "-i", str(spec), "--input", str(path)]
    assert main([*command, "--results_dir", str(tmp_path / "r")]) == 2
    assert "no model: name it with -m, or as model_path" in capsys.readouterr().err
    spec.write_text("output_stage_to_use: 3")
    assert infer(model, spec, path, tmp_path / "r", "image") == 2
    assert "has 2 stages" in capsys.readouterr().err
    (tmp_path / "e.engine").write_bytes(b"")
    spec.write_text("input_shape: [64, 64]")
    assert infer(tmp_path / "e.engine", spec, path, tmp_path / "r", "image") == 2


def test_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match="no images"):
        find_images("dir", tmp_path)


def test_a_folder_taken_for_an_image(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match="for the images in it use --input_type dir"):
        find_images("image", Path("photos"), str(tmp_path))
