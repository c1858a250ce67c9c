"""The conversion's settings, from a file and flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from client import ConvertConfig, InputError
from client.convert_config import load_convert_config

# As NVIDIA's documentation names it.
SHIPPED = "dataset_convert_specs/dataset_convert_config_pose_classification.yaml"


def written(folder: Path, text: str) -> Path:
    path = folder / "convert.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_file_says_what_the_defaults_say() -> None:
    assert load_convert_config(Path(__file__).parents[2] / SHIPPED) == ConvertConfig()
    assert load_convert_config(None) == ConvertConfig()


def test_a_file_and_a_flag(tmp_path: Path) -> None:
    path = written(tmp_path, "pose_type: 25dbp\ninput_width: 640\nmax_gap: 5\n")
    config = ConvertConfig(pose_type="25dbp", frame_width=640, max_gap=5)
    assert load_convert_config(path) == config
    assert load_convert_config(path, max_gap=7).max_gap == 7
    assert load_convert_config(path, frame_rate=15.0).frame_rate == 15


@pytest.mark.parametrize("text", ["", "# max_gap: 5\n", "---\n"])
def test_an_empty_file_says_what_the_defaults_say(tmp_path: Path, text: str) -> None:
    assert load_convert_config(written(tmp_path, text)) == ConvertConfig()


@pytest.mark.parametrize("number", ["1e3", "1E+3", "1.0e3", "1.e3", "1.0e+3", "1000"])
def test_numbers_that_yaml_takes_for_text(tmp_path: Path, number: str) -> None:
    path = written(tmp_path, f"focal_length: {number}\nframe_width: {number}\n")
    assert load_convert_config(path) == ConvertConfig(focal_length=1000.0, frame_width=1000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pose_tipe: 3dbp", "unknown key 'pose_tipe'; the nearest is 'pose_type'"),
        ("sequence_overlap: 0", "sequence_overlap is 0"),
        ("sequence_length: many", "must be a whole number"),
        ("- a\n- b", "must hold settings, as `focal_length: 1200`"),
        ("a: [", "cannot be read"),
        ("!!python/object/apply:os.system ['true']", "cannot be read"),
        ("\x00", "cannot be read"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        load_convert_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml: cannot be read"):
        load_convert_config(tmp_path / "absent.yaml")


def test_a_wrong_flag_is_told() -> None:
    with pytest.raises(InputError, match="max_gap is -1"):
        load_convert_config(None, max_gap=-1)
    with pytest.raises(InputError, match="frame_rate is nan"):
        load_convert_config(None, frame_rate=float("nan"))
    with pytest.raises(InputError, match="frame_rate is inf, must be a finite number"):
        load_convert_config(None, frame_rate=float("inf"))
