"""The whole chain learns: figures are converted, trained on, found again and measured."""

import csv
import json

import numpy as np
import pytest
import torch
import yaml

from tests.training.bpnet.datasets import make_dataset, write_dataset_spec
from tests.training.bpnet.figures import crowd
from training.bpnet.cli import main

torch.set_num_threads(1)


@pytest.mark.slow
def test_two_images_are_learnt_by_heart(tmp_path):
    rng = np.random.default_rng(0)
    scenes = [crowd(1, 1, 110, 124, rng), crowd(1, 1, 90, 110, rng) + np.array([30, 10, 0])]
    for split in ("train", "val"):
        make_dataset(tmp_path, scenes, split=split, size=(128, 128))
    dataset, records = str(write_dataset_spec(tmp_path)), str(tmp_path / "train")
    command = ["dataset_convert", "-m", "train", "-o", records, "--generate_masks"]
    assert main([*command, "--dataset_spec", dataset]) == 0

    train_spec, infer_spec = tmp_path / "train.yaml", tmp_path / "infer.yaml"
    train_spec.write_text(yaml.safe_dump(spec_tree(tmp_path, dataset)))
    infer_spec.write_text("input_shape: [128, 128]")
    results = tmp_path / "results"
    assert main(["train", "-e", str(train_spec), "-r", str(results), "-k", "sesam"]) == 0

    model = ["-i", str(infer_spec), "-m", str(results / "bpnet_model.pth"), "-k", "sesam"]
    outcome = tmp_path / "evaluation"
    assert main(["evaluate", *model, "-d", dataset, "--results_dir", str(outcome)]) == 0
    rows = list(csv.DictReader((outcome / "results.csv").read_text().splitlines()))
    assert float(rows[0]["score"]) >= 0.6  # AP at 0.50:0.95
    kpi = [json.loads(line) for line in (outcome / "status.json").read_text().splitlines()][1][
        "kpi"
    ]
    assert kpi["AP_0.50:0.95_all"] == pytest.approx(float(rows[0]["score"]), abs=1e-6)


def spec_tree(root, dataset):
    return {
        "num_epoch": 90,
        "checkpoint_n_epoch": 90,
        "use_stagewise_lr_multipliers": False,
        "pretrained_weights": "imagenet",
        "dataloader": {
            "batch_size": 2,
            "image_config": {"image_dims": {"height": 128, "width": 128}},
            "pose_config": {"target_shape": [16, 16]},
            "dataset_config": {
                "root_data_path": str(root),
                "train_records_folder_path": str(root),
                "train_records_path": ["train-fold-000-of-001"],
                "dataset_specs": {"coco": dataset},
            },
            "augmentation_config": {"spatial_augmentation_mode": "standard"},
        },
        "model": {
            "backbone_attributes": {"architecture": "efficientnet_lite0"},
            "stages": 2,
            "stage_channels": 32,
            "stage1_kernel_sizes": [3],
            "stageT_kernel_sizes": [3, 3],
            "kernel_initializer": "xavier_zero_output",
        },
        "optimizer": {
            "__class_name__": "AdamWOptimizer",
            "learning_rate_schedule": {
                "annealing": 0.7,
                "base_learning_rate": 3e-3,
                "min_learning_rate": 1e-4,
            },
        },
    }
