"""Trainings small enough for every run of the tests."""

from tests.training.bpnet.datasets import make_dataset, write_dataset_spec
from tests.training.bpnet.figures import crowd
from training.bpnet.cli import main
from training.bpnet.saved_model import load_model


def make_records(root):
    """Two drawn images to train on and one to validate on, converted."""
    make_dataset(root, [crowd(1, 2, 64, 120)] * 2, size=(128, 128))
    make_dataset(root, [crowd(1, 1, 64, 120)], split="val", size=(128, 128))
    spec = str(write_dataset_spec(root))
    for mode in ("train", "test"):
        command = ["dataset_convert", "-m", mode, "-o", str(root / mode), "--generate_masks"]
        assert main([*command, "--dataset_spec", spec]) == 0


def spec_tree(root):
    return {
        "num_epoch": 4,
        "checkpoint_n_epoch": 1,
        "validation_every_n_epoch": 2,
        "summary_every_n_steps": 1,
        "dataloader": {
            "batch_size": 2,
            "image_config": {"image_dims": {"height": 64, "width": 64}},
            "pose_config": {"target_shape": [8, 8]},
            "dataset_config": {
                "root_data_path": str(root),
                "train_records_folder_path": str(root),
                "train_records_path": ["train-fold-000-of-001"],
                "val_records_folder_path": str(root),
                "val_records_path": ["test-fold-000-of-001"],
                "dataset_specs": {"coco": str(root / "coco_spec.json")},
            },
            "augmentation_config": {"spatial_aug_params": {"rotate_deg_max": 20.0}},
        },
        "model": {
            "backbone_attributes": {"architecture": "efficientnet_lite0"},
            "stages": 2,
            "stage_channels": 16,
            "stage1_kernel_sizes": [3],
            "stageT_kernel_sizes": [3],
            "kernel_initializer": "xavier",
        },
        "optimizer": {
            "__class_name__": "AdamWOptimizer",
            "learning_rate_schedule": {"base_learning_rate": 1e-3, "min_learning_rate": 1e-5},
        },
    }


def train(spec, results, *more):
    return main(["train", "-e", str(spec), "-r", str(results), "-ll", "WARNING", *more])


def weights(path):
    return load_model(path)[0].state_dict()
