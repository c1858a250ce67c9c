"""Recordings that somebody has labelled."""

import json
from pathlib import Path

import pytest

from training.recipes.six_class.recording import MODEL, Stretch, action_of, main, read_truth

SAMPLES = Path(__file__).parents[4] / "samples"
POSES, TRUTH = SAMPLES / "walk_sit_getup.json", SAMPLES / "walk_sit_getup.truth.json"


def test_a_window_counts_where_one_stretch_holds_most_of_it() -> None:
    stretches = [Stretch(0, 49, "walking"), Stretch(50, 99, "sitting")]
    assert action_of(stretches, 0, 29) == "walking"
    assert action_of(stretches, 26, 55) == "walking"  # 24 of 30 frames
    assert action_of(stretches, 27, 56) is None
    assert action_of(stretches, 60, 89) == "sitting"
    assert action_of([], 0, 9) is None


def test_the_shipped_network_on_the_shipped_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = json.loads(TRUTH.read_text())
    truth["objects"]["1"] = [{"first_frame": 40, "last_frame": 220, "action": "unknown"}]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    assert main([str(POSES), str(tmp_path / "truth.json"), "--lengths", "60"]) == 0
    lines = capsys.readouterr().out.splitlines()
    walking = next(line for line in lines if line.startswith("60 frames, walking: "))
    assert "100.0 % right; answers: walking" in walking
    unknown = next(line for line in lines if line.startswith("60 frames, unknown: "))
    assert "right" not in unknown


def test_networks_of_pictures_need_the_shape_of_the_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = json.loads(POSES.read_text())
    for record in records:
        for frame in record["batches"]:
            for person in frame["objects"]:
                pose = person["pose25d"]
                pose[0::4], pose[1::4] = ([v / 3 for v in pose[k::4]] for k in (0, 1))
    (tmp_path / "poses.json").write_text(json.dumps(records))
    model = MODEL.with_name("pose_classification_2dbp_tao")
    shown = []
    for words in (
        [str(POSES)],
        [str(tmp_path / "poses.json"), "--frame-size", "640", "360"],
        [str(tmp_path / "poses.json"), "--frame-size", "360", "3600"],
    ):
        assert main([*words, str(TRUTH), "--model", str(model), "--lengths", "60"]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != shown[2]
    assert main([str(POSES), str(TRUTH), "--frame-size", "0", "9"]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a file of labelled stretches"),
        ('{"objects": {"1": [{"start": 3}]}}', "not a file of labelled stretches"),
        (
            '{"objects": {"1": [{"first_frame": 0, "last_frame": 9, "action": "flying"}]}}',
            "action 'flying' must be one of sitting_down",
        ),
    ],
)
def test_bad_labels_are_the_users_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path = tmp_path / "truth.json"
    path.write_text(text)
    assert main([str(POSES), str(path)]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_a_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(POSES), str(TRUTH), "--model", str(tmp_path / "none")]) == 2
    assert f"{tmp_path / 'none'}: holds no network" in capsys.readouterr().err


def test_the_shipped_labels_can_be_read() -> None:
    assert set(read_truth(TRUTH)) == {"0", "1", "2"}


def test_the_truth_of_the_clip_in_the_card() -> None:
    truth = read_truth(MODEL.parents[1] / "training/recipes/six_class/bodypose.truth.json")
    assert len(truth) == 3
    for stretches in truth.values():
        assert [stretch.action for stretch in stretches] == ["unknown", "standing"]
