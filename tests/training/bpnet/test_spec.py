"""The seed's spec files load unchanged; a mistake is one line that names the key."""

import shutil
from pathlib import Path

import pytest
import yaml

import training.bpnet
from converter import InputError
from training.bpnet.dataset_spec import DatasetSpec, load_dataset_spec
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.spec import AdamW, ExponentialDecay, TrainSpec, WeightedMomentum
from training.common.spec import load_spec, make_spec

SPECS = Path(training.bpnet.__file__).parent / "specs"
TRAIN = SPECS / "bpnet_train_m1_coco.yaml"

# The parts that the published walk-through prints, with its container paths.
SEED_TRAIN = """
checkpoint_dir: /workspace/tlt-experiments/bpnet/models/exp_m1_unpruned
checkpoint_n_epoch: 5
num_epoch: 100
pretrained_weights: /workspace/tlt-experiments/bpnet/pretrained_vgg19/vgg_19.hdf5
load_graph: False
use_stagewise_lr_multipliers: True
dataloader:
  batch_size: 10
  pose_config:
    target_shape: [32, 32]
    pose_config_path: /workspace/examples/bpnet/model_pose_config/bpnet_18joints.json
  image_config:
    image_dims:
      height: 256
      width: 256
      channels: 3
    image_encoding: jpg
  dataset_config:
    root_data_path: /workspace/tlt-experiments/bpnet/data/
    train_records_folder_path: /workspace/tlt-experiments/bpnet/data
    train_records_path: [train-fold-000-of-001]
    dataset_specs:
      coco: /workspace/examples/bpnet/data_pose_config/coco_spec.json
  augmentation_config:
    spatial_augmentation_mode: person_centric
    spatial_aug_params:
      flip_lr_prob: 0.5
      flip_tb_prob: 0.0
  label_processor_config:
    paf_gaussian_sigma: 0.03
    heatmap_gaussian_sigma: 7.0
    paf_ortho_dist_thresh: 1.0
model:
  backbone_attributes:
    architecture: vgg
  stages: 3
  heat_channels: 19
  paf_channels: 38
  use_self_attention: False
  data_format: channels_last
  use_bias: True
  regularization_type: l1
  kernel_regularization_factor: 5.0e-4
  bias_regularization_factor: 0.0
optimizer:
  __class_name__: WeightedMomentumOptimizer
  learning_rate_schedule:
    __class_name__: SoftstartAnnealingLearningRateSchedule
    soft_start: 0.05
    annealing: 0.5
    base_learning_rate: 2.e-5
    min_learning_rate: 8.e-08
  momentum: 0.9
  use_nesterov: False
"""

SEED_INFERENCE = """
model_path: /workspace/tlt-experiments/bpnet/models/exp_m1_unpruned/bpnet_model.tlt
train_spec: /workspace/examples/bpnet/specs/bpnet_train_m1_coco.yaml
input_shape: [368, 368]
# choose from: {pad_image_input, adjust_network_input, None}
keep_aspect_ratio_mode: adjust_network_input
output_stage_to_use: null
output_upsampling_factor: [8, 8]
heatmap_threshold: 0.1
paf_threshold: 0.05
multi_scale_inference: False
scales: [0.5, 1.0, 1.5, 2.0]
"""


def train_spec(*overrides):
    return load_spec(TRAIN, TrainSpec, overrides)


def test_seed_train_spec(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(
        SEED_TRAIN.replace("    momentum", "  momentum").replace("    use_n", "  use_n")
    )
    spec = load_spec(path, TrainSpec)
    assert spec.optimizer.learning_rate_schedule.base_learning_rate == 2e-5
    assert spec.model.kernel_regularization_factor == 5e-4
    assert spec.dataloader.stride == 8


def test_seed_inference_spec(tmp_path):
    path = tmp_path / "infer.yaml"
    path.write_text(SEED_INFERENCE)
    spec = load_spec(path, InferenceSpec)
    assert spec.input_shape == [368, 368]
    assert spec.model_path.endswith("bpnet_model.tlt")


@pytest.mark.parametrize("value", ["None", "null"])
def test_no_aspect_mode_in_both_spellings(tmp_path, value):
    path = tmp_path / "infer.yaml"
    path.write_text(f"keep_aspect_ratio_mode: {value}")
    assert load_spec(path, InferenceSpec).keep_aspect_ratio_mode == "None"


def test_shipped_specs_load_and_say_the_seeds_values():
    for path in SPECS.glob("bpnet_*.yaml"):
        load_spec(path, TrainSpec)
    for path in SPECS.glob("infer*.yaml"):
        load_spec(path, InferenceSpec)
    spec = train_spec()
    assert (spec.num_epoch, spec.model.stages, spec.dataloader.batch_size) == (100, 3, 10)
    assert load_spec(SPECS / "infer_spec_strict.yaml", InferenceSpec).input_shape == [288, 384]
    retrain = load_spec(SPECS / "bpnet_retrain_m1_coco.yaml", TrainSpec)
    assert retrain.load_graph
    assert retrain.num_epoch == 50


def test_copies_of_the_shipped_specs_find_each_other(tmp_path, monkeypatch):
    shutil.copytree(SPECS, tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    named = []
    for path in Path("specs").glob("bpnet_*.yaml"):
        named += load_spec(path, TrainSpec).dataloader.dataset_config.dataset_specs.values()
    for path in Path("specs").glob("infer_*.yaml"):
        named.append(load_spec(path, InferenceSpec).train_spec)
    assert len(named) == 6 and all(Path(name).is_file() for name in named)


def test_the_file_names_every_key_of_the_schema():
    """A shipped spec shows what there is; ours beyond TAO's are the exception."""
    ours = {"compat", "precision", "inference_spec"}
    missing = set(TrainSpec.model_fields) - set(yaml.safe_load(TRAIN.read_text()))
    assert missing == ours


def test_class_names_choose_optimizer_and_schedule():
    momentum = {"__class_name__": "WeightedMomentumOptimizer"}
    decay = {"__class_name__": "BpNetExponentialDecayLRSchedule", "decay_epochs": 3}
    spec = make_spec(TrainSpec, {"optimizer": {**momentum, "learning_rate_schedule": decay}})
    assert isinstance(spec.optimizer, WeightedMomentum)
    assert isinstance(spec.optimizer.learning_rate_schedule, ExponentialDecay)
    spec = make_spec(TrainSpec, {"optimizer": {"__class_name__": "AdamWOptimizer"}})
    assert isinstance(spec.optimizer, AdamW)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("model.stges=3", "did you mean 'model.stages'"),
        ("model.stages=1", "greater than or equal to 2"),
        ("optimizer.momentum=fast", "optimizer.*momentum: 'fast'"),
        ("dataloader.pose_config.target_shape=[30,32]", "stride of 8"),
        ("model.stageT_kernel_sizes=[0]", "stageT_kernel_sizes.0: 0"),
        ("model.stage1_kernel_sizes=[]", "at least 1 item"),
        ("random_seed=-1", "greater than or equal to 0"),
        ("random_seed=4294967296", "less than 4294967296"),
        ("dataloader.normalization_params.image_scale=[0.0,1.0,1.0]", "greater than 0"),
        ("dataloader.normalization_params.mask_scale=[0.0]", "greater than 0"),
        ("num_epoch=7", "checkpoint_n_epoch 5 must divide num_epoch 7"),
        ("precision=64", "precision: '64' is not allowed: should be '32', 'bf16' or '16'"),
        ("optimizer.learning_rate_schedule.last_step=-5", "greater than 0"),
        (
            "optimizer.learning_rate_schedule.min_learning_rate=1.0",
            "learning_rate_schedule.min_learning_rate 1.0 is larger than base_learning_rate 2e-05",
        ),
        ("optimizer.__class_name__=Foo", "WeightedMomentumOptimizer or AdamWOptimizer"),
        (
            "optimizer.learning_rate_schedule.__class_name__=Foo",
            "SoftstartAnnealingLearningRateSchedule or BpNetExponentialDecayLRSchedule",
        ),
        ("__class_name__=OtherTrainer", "OtherTrainer is not supported; allowed: BpNetTrainer"),
        ("model.backbone_attributes.architecture=helnet", "vgg"),
        ("finetuning_config.is_finetune_exp=True", "needs a checkpoint_path"),
        ("dataloader.augmentation_config.spatial_aug_params.rotate_deg_min=50", "larger than"),
    ],
)
def test_mistakes(override, says):
    with pytest.raises(InputError, match=says) as error:
        train_spec(override)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("precision", [16, 32, "bf16"])
def test_a_precision_is_a_number_or_its_name(precision):
    assert make_spec(TrainSpec, {"precision": precision}).precision == str(precision)


@pytest.mark.parametrize("key", ["use_bias", "add_final_c128_conv"])
def test_options_of_vgg_are_refused_for_another_backbone(key):
    with pytest.raises(InputError, match=f"{key} belongs to vgg, not to efficientnet_lite0"):
        train_spec(
            "model.backbone_attributes.architecture=efficientnet_lite0",
            f"model.backbone_attributes.{key}=True",
        )


@pytest.mark.parametrize(
    "override",
    [
        "input_shape=[0,64]",
        "input_shape=[-64,64]",
        "scales=[0.0]",
        "scales=[-1.0,1.0]",
        "output_upsampling_factor=[0,0]",
    ],
)
def test_inference_sizes_are_positive(override):
    with pytest.raises(InputError, match="greater than 0") as error:
        make_spec(InferenceSpec, {}, [override])
    assert "\n" not in str(error.value)


def test_missing_minimum_is_minus_the_maximum():
    spec = make_spec(
        TrainSpec,
        {"dataloader": {"augmentation_config": {"spatial_aug_params": {"rotate_deg_max": 9}}}},
    )
    params = spec.dataloader.augmentation_config.spatial_aug_params
    assert params.limits("rotate_deg_min", "rotate_deg_max") == (-9, 9)


def test_dataset_spec(tmp_path):
    spec = load_dataset_spec(SPECS / "coco_spec.json")
    assert len(spec.person.keypoints) == 17
    assert spec.split("train").images_root_dir_path == "train2017"
    assert spec.split("test").mask_root_dir_path == "val_mask2017"
    with pytest.raises(InputError, match="cannot read the dataset spec"):
        load_dataset_spec(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"num_joints": 16}, "num_joints is 16 but 17"),
        ({"sigmas": [0.1]}, "1 sigmas for 17"),
        ({"name": "dog"}, "no category named 'person'"),
    ],
)
def test_dataset_spec_mistakes(change, says):
    tree = load_dataset_spec(SPECS / "coco_spec.json").model_dump()
    tree["categories"][0].update(change)
    with pytest.raises(InputError, match=says):
        make_spec(DatasetSpec, tree)


@pytest.mark.parametrize("path", sorted(SPECS.glob("bpnet_*train_*.yaml")), ids=lambda p: p.stem)
def test_an_effective_spec_can_be_read_again(path, tmp_path):
    spec = load_spec(path, TrainSpec)
    written = tmp_path / "experiment.yaml"
    written.write_text(yaml.safe_dump(spec.model_dump(mode="json")))
    assert load_spec(written, TrainSpec) == spec
    spec.optimizer.learning_rate_schedule = ExponentialDecay(decay_epochs=3)
    written.write_text(yaml.safe_dump(spec.model_dump(mode="json")))
    assert load_spec(written, TrainSpec).optimizer.learning_rate_schedule.decay_epochs == 3
