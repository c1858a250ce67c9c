"""Settings: defaults, the keys of both of NVIDIA's files, and what is refused."""

import numpy as np
import pytest

from converter import ConvertConfig, InputError


def test_defaults_are_nvidias():
    config = ConvertConfig()
    assert config.pose_type == "3dbp"
    assert (config.num_joints, config.frame_size, config.focal_length) == (34, (1920, 1080), 1200.0)
    assert (config.sequence_length_max, config.sequence_length_min) == (300, 10)
    assert (config.sequence_length, config.stride) == (100, 50)


def test_derived_values():
    assert [ConvertConfig(pose_type=t).channels for t in ("3dbp", "25dbp", "2dbp")] == [3, 3, 2]
    assert ConvertConfig(sequence_overlap=0.2).stride == 20
    assert ConvertConfig(pose_type="2dbp").pose_key == "pose25d"


def test_from_mapping():
    mapping = {"pose_type": "25dbp", "focal_length": 800, "sequence_length": 50.0, "max_gap": None}
    config = ConvertConfig.from_mapping(mapping)
    assert config == ConvertConfig(
        pose_type="25dbp", focal_length=800.0, sequence_length=50, max_gap=None
    )
    assert isinstance(config.focal_length, float)
    assert isinstance(config.sequence_length, int)


@pytest.mark.parametrize("prefix", ["frame", "input"])
def test_names_of_the_frame_size(prefix: str):
    config = ConvertConfig.from_mapping({f"{prefix}_width": 640, f"{prefix}_height": 480})
    assert config.frame_size == (640, 480)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"sequence_lenght": 9}, "unknown key 'sequence_lenght'; the nearest is 'sequence_length'"),
        ({3: 9}, "unknown key '3'"),
        (
            {"input_width": 640, "frame_width": 641},
            "'frame_width' is given under both of its names",
        ),
        ({"pose_type": "4dbp"}, "pose_type is '4dbp', must be one of 3dbp, 25dbp, 2dbp"),
        ({"pose_type": 3}, "pose_type is 3, must be text"),
        ({"focal_length": "1200"}, "focal_length is '1200', must be a number"),
        ({"focal_length": "1e999"}, "focal_length is inf, must be a finite number"),
        ({"sequence_length": "15e-1"}, "sequence_length is 1.5, must be a whole number"),
        ({"focal_length": float("nan")}, "focal_length is nan, must be a finite number"),
        ({"focal_length": 0}, "focal_length is 0.0, must be above 0"),
        ({"num_joints": 0}, "num_joints is 0, must be above 0"),
        ({"num_joints": True}, "num_joints is True, must be a whole number"),
        ({"sequence_length": 9.5}, "sequence_length is 9.5, must be a whole number"),
        ({"sequence_length": None}, "sequence_length is None, must be a whole number"),
        ({"sequence_length": 301}, "got 10, 301, 300"),
        ({"sequence_length": 5}, "got 10, 5, 300"),
        ({"frame_rate": 0}, "frame_rate is 0.0, must be above 0"),
        ({"frame_rate": "fast"}, "frame_rate is 'fast', must be a number"),
        ({"sequence_length_min": 0}, "sequence_length_min is 0, must be at least 1"),
        ({"max_gap": -1}, "max_gap is -1, must be at least 0"),
        ({"reorder_frames": -1}, "reorder_frames is -1, must be at least 0"),
        ({"sequence_overlap": 0}, "sequence_overlap is 0.0, must be above 0, below 1"),
        ({"sequence_overlap": 1}, "sequence_overlap is 1.0, must be above 0, below 1"),
        ({"sequence_overlap": -0.5}, "sequence_overlap is -0.5"),
        ({"sequence_overlap": 0.009}, "give a stride of at least 1 frame"),
    ],
)
def test_mistakes_are_explained_in_one_line(mapping: dict, message: str):
    with pytest.raises(InputError, match=message) as caught:
        ConvertConfig.from_mapping(mapping, source="my.yaml")
    assert str(caught.value).startswith("my.yaml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sequence_length": 99.5}, "sequence_length is 99.5, must be a whole number"),
        ({"sequence_length": "100"}, "sequence_length is '100', must be a whole number"),
        ({"max_gap": 2.5}, "max_gap is 2.5, must be a whole number"),
        ({"focal_length": None}, "focal_length is None, must be a number"),
        ({"focal_length": float("inf")}, "focal_length is inf, must be a finite number"),
        ({"pose_type": ["3dbp"]}, "pose_type is .'3dbp'., must be text"),
    ],
)
def test_types_are_checked_without_a_mapping_too(values: dict, message: str):
    with pytest.raises(InputError, match=f"^{message}"):
        ConvertConfig(**values)


def test_numbers_of_numpy_are_numbers():
    given = {"num_joints": np.int64(17), "focal_length": np.float32(800.0), "sequence_length": 60.0}
    for config in (ConvertConfig(**given), ConvertConfig.from_mapping(given)):
        assert (config.num_joints, config.focal_length, config.sequence_length) == (17, 800.0, 60)
        kinds = [type(getattr(config, name)) for name in given]
        assert kinds == [int, float, int]


@pytest.mark.parametrize("content", [None, ["pose_type"], "3dbp"])
def test_settings_are_a_mapping(content):
    with pytest.raises(InputError, match=r"my\.yaml: must hold settings"):
        ConvertConfig.from_mapping(content, source="my.yaml")
