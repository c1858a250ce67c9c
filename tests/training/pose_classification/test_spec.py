from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from converter import InputError
from training.common.schema import options
from training.common.spec import load_spec, make_spec
from training.pose_classification.cli import PROGRAM
from training.pose_classification.spec import ExperimentSpec

TAO_EXAMPLE = """
model:
  model_type: ST-GCN
  pretrained_model_path: "/path/to/pretrained_model.pth"
  input_channels: 3
  dropout: 0.5
  graph_layout: "nvidia"
  graph_strategy: "spatial"
  edge_importance_weighting: True
dataset:
  train_dataset:
    data_path: "/path/to/train_data.npy"
    label_path: "/path/to/train_label.pkl"
  val_dataset:
    data_path: "/path/to/val_data.npy"
    label_path: "/path/to/val_label.pkl"
  num_classes: 6
  label_map:
    sitting_down: 0
    getting_up: 1
    sitting: 2
    standing: 3
    walking: 4
    jumping: 5
  batch_size: 16
  num_workers: 1
train:
  optim:
    lr: 0.1
    momentum: 0.9
    nesterov: True
    weight_decay: 0.0001
    lr_scheduler: "MultiStep"
    lr_steps:
      - 10
      - 60
    lr_decay: 0.1
  num_epochs: 10
  checkpoint_interval: 5
  validation_interval: 5
  seed: 1234
"""

# Every row of the parameter tables of TAO's documentation: default, and values out of range.
TAO_TABLE = [
    ("encryption_key", None, []),
    ("results_dir", "/results", []),
    ("model.model_type", "ST-GCN", ["ST-GCM", "3"]),
    ("model.pretrained_model_path", None, []),
    ("model.input_channels", 3, ["0", "-1", "1.5"]),
    ("model.dropout", 0.5, ["-0.1", "1.1", "a"]),
    ("model.graph_layout", "nvidia", ["ntu", "3"]),
    ("model.graph_strategy", "spatial", ["random"]),
    ("model.edge_importance_weighting", True, ["1", "maybe"]),
    ("dataset.train_dataset.data_path", None, []),
    ("dataset.val_dataset.label_path", None, []),
    ("dataset.num_classes", 6, ["0"]),
    ("dataset.label_map", {}, ["{a: x}", "{a: 0}", "{a: 6}", "[a, b]"]),
    ("dataset.random_choose", False, ["0"]),
    ("dataset.random_move", False, ["0"]),
    ("dataset.window_size", -1, ["0", "-2"]),
    ("dataset.batch_size", 64, ["0"]),
    ("dataset.num_workers", 1, ["-1"]),
    ("train.num_gpus", 1, ["0"]),
    ("train.gpu_ids", [0], ["[]", "[0, 0]", "[-1]", "0"]),
    ("train.seed", 1234, ["a", "1.5"]),
    ("train.num_epochs", 10, ["0"]),
    ("train.checkpoint_interval", 1, ["0", "11"]),
    ("train.validation_interval", 1, ["0", "11"]),
    ("train.resume_training_checkpoint_path", None, []),
    ("train.results_dir", None, []),
    ("train.grad_clip", 0.0, ["-1"]),
    ("train.optim.lr", 0.1, ["0", "-1", ".inf"]),
    ("train.optim.momentum", 0.9, ["0"]),
    ("train.optim.nesterov", True, ["x"]),
    ("train.optim.weight_decay", 1e-4, ["0"]),
    ("train.optim.lr_scheduler", "MultiStep", ["Step"]),
    ("train.optim.lr_monitor", "val_loss", ["loss"]),
    ("train.optim.patience", 1, ["0"]),
    ("train.optim.min_lr", 1e-4, ["0"]),
    ("train.optim.lr_steps", [10, 60], ["10", "[a]", "[-3]"]),
    ("train.optim.lr_decay", 0.1, ["0"]),
    ("evaluate.checkpoint", None, []),
    ("evaluate.num_gpus", 1, ["0"]),
    ("evaluate.gpu_ids", [0], ["[]"]),
    ("evaluate.results_dir", None, []),
    ("evaluate.test_dataset.data_path", None, []),
    ("evaluate.test_dataset.label_path", None, []),
    ("inference.checkpoint", None, []),
    ("inference.output_file", None, []),
    ("inference.test_dataset.data_path", None, []),
    ("inference.num_gpus", 1, ["0"]),
    ("inference.gpu_ids", [0], ["[]"]),
    ("inference.results_dir", None, []),
    ("export.checkpoint", None, []),
    ("export.onnx_file", None, []),
    ("export.gpu_id", 0, ["-1"]),
    ("dataset_convert.data", None, []),
    ("dataset_convert.results_dir", None, []),
    ("dataset_convert.pose_type", "3dbp", ["3d"]),
    ("dataset_convert.num_joints", 34, ["0"]),
    ("dataset_convert.input_width", 1920, ["0"]),
    ("dataset_convert.input_height", 1080, ["0"]),
    ("dataset_convert.focal_length", 1200.0, ["0"]),
    ("dataset_convert.sequence_length_max", 300, ["0"]),
    ("dataset_convert.sequence_length_min", 10, ["0"]),
    ("dataset_convert.sequence_length", 100, ["0"]),
    ("dataset_convert.sequence_overlap", 0.5, ["0", "1", "1.5"]),
]


def make(*overrides: str) -> ExperimentSpec:
    return make_spec(ExperimentSpec, {}, overrides)


def holds(tree: object, part: object) -> bool:
    if not isinstance(part, dict) or not isinstance(tree, dict):
        return tree == part
    return all(holds(tree[key], value) for key, value in part.items())


def test_tao_example_loads_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(TAO_EXAMPLE)
    spec = load_spec(path, ExperimentSpec)
    given = yaml.safe_load(TAO_EXAMPLE)
    assert holds(spec.model_dump(), given)


@pytest.mark.parametrize(("key", "default", "wrong"), TAO_TABLE, ids=lambda value: str(value))
def test_tao_table(key: str, default: object, wrong: list[str]) -> None:
    defaults = {option.key: option.default for option in options(ExperimentSpec)}
    assert defaults[key] == default
    for value in wrong:
        with pytest.raises(InputError, match=key.replace(".", r"\.")):
            make(f"{key}={value}")


def test_every_option_is_described_and_its_default_allowed() -> None:
    for option in options(ExperimentSpec):
        assert option.description.endswith("."), option.key
    make_spec(ExperimentSpec, ExperimentSpec().model_dump())


def test_beyond_tao_is_said() -> None:
    tao = {key for key, _, _ in TAO_TABLE}
    extra = [o for o in options(ExperimentSpec) if "Beyond TAO" in o.description]
    assert len(extra) > 20
    assert all(option.key not in tao or "Beyond TAO:" in option.description for option in extra)


@pytest.mark.parametrize(
    ("overrides", "num_gpus", "gpu_ids"),
    [
        (["train.num_gpus=2"], 2, [0, 1]),
        (["train.gpu_ids=[0, 1]"], 2, [0, 1]),
        (["train.num_gpus=1", "train.gpu_ids=[1, 3]"], 2, [1, 3]),
        (["train.num_gpus=3", "train.gpu_ids=[1]"], 3, [0, 1, 2]),
        (["train.gpu_ids=[2]"], 1, [2]),
    ],
)
def test_the_larger_number_of_gpus_wins(
    overrides: list[str], num_gpus: int, gpu_ids: list[int]
) -> None:
    train = make(*overrides).train
    assert (train.num_gpus, train.gpu_ids) == (num_gpus, gpu_ids)


def test_class_names_follow_ids() -> None:
    spec = make("dataset.num_classes=3", "dataset.label_map={c: 2, a: 0, b: 1}")
    assert spec.dataset.class_names == ["a", "b", "c"]
    for overrides in ([], ["dataset.label_map=null"], ["dataset.label_map="]):
        spec = make("dataset.num_classes=2", *overrides)
        assert spec.dataset.class_names == ["class_0", "class_1"]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["model.model_type=ST-GCN++", "model.base_channels=5"], "base_channels 5 is not allowed"),
        (["dataset.label_map={a: 0, b: 0}"], "label_map: a and b are both class 0"),
        (["dataset.label_map={a: 0, b: 2}"], "label_map: class 1 of 6 has no name"),
        (["dataset.label_map.a=7"], "label_map.a: 7 is not allowed: num_classes is 6"),
        (["train.num_epochs=3", "train.checkpoint_interval=4"], "at most num_epochs (3)"),
        (["model.graph_layout=nvidai"], "did you mean 'nvidia'?"),
        (["gen_trt_engine.tensorrt.max_batch_size=2"], "tensorrt.opt_batch_size: "),
        (["gen_trt_engine.tensorrt.opt_sequence_length=301"], "at most max_sequence_length"),
        (["evaluate.batch_size=0"], "evaluate.batch_size: 0 is not allowed"),
        (["dataset.random_crop=0.5"], "random_crop: 0.5 needs sampling=uniform or sampling=random"),
        (["dataset.num_test_clips=5"], "num_test_clips: 5 needs sampling=uniform or sampling=r"),
        (["train.seed=4294967296"], "train.seed: 4294967296 is not allowed"),
        (["model.input_channels=1", "dataset.random_move=true"], "random_move: needs model.input"),
        (["model.input_channels=4", "dataset.random_rotation=1"], "random_rotation: needs model.i"),
        (["model.fit_picture=true"], "model.fit_picture: needs poses in a picture, dataset.pose_"),
        (
            ["model.fit_picture=true", "dataset.pose_type=2dbp", "dataset.stream=bone"],
            "dataset.stream=joint, not 2dbp and bone",
        ),
    ],
)
def test_options_that_do_not_fit_together(overrides: list[str], expected: str) -> None:
    with pytest.raises(InputError) as caught:
        make(*overrides)
    assert expected in str(caught.value)


def test_what_tao_writes_into_its_own_specs_is_taken() -> None:
    spec = make(
        "wandb={enable: true, project: TAO Toolkit, tags: [training]}",
        "model_name=null",
        "train.optim.optimizer_type=torch.optim.SGD",
        "evaluate.num_nodes=1",
        "inference.gpu_id=0",
    )
    assert spec == ExperimentSpec()


def test_steps_may_exceed_epochs() -> None:
    make("train.checkpoint_interval=500", "train.checkpoint_interval_unit=step")


def test_defaults_are_not_shared() -> None:
    make("dataset.num_classes=1", "dataset.label_map.a=0").dataset.label_map["b"] = 1
    ExperimentSpec().train.optim.lr_steps.append(3)
    assert ExperimentSpec().train.optim.lr_steps == [10, 60]


@pytest.mark.parametrize("task", [task.name for task in PROGRAM.tasks])
def test_help_of_each_task(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        PROGRAM.main([task, "--help"])
    text = capsys.readouterr().out
    own = [option.key for option in options(ExperimentSpec) if option.key.startswith(task + ".")]
    assert own
    assert all(f"  {key}=" in text for key in own)
