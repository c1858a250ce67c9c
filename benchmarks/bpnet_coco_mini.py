"""BodyPoseNet on 159 images of COCO: the whole chain by the command line, from photos to Triton.

    python -m benchmarks.bpnet_coco_mini --data DIR            # two hours on one core
    python -m benchmarks.bpnet_coco_mini --data DIR --quick    # one epoch, to see that it runs

DIR holds ``coco_mini.zip``: 80 images of COCO's train split and 79 of its val split with the
official annotations. The question is whether a network can learn the 80 by heart; 28 of them show
people. A run that was interrupted goes on where it was. The row `labels` is what the
post-processing makes of perfect maps, the most that a network can reach: people of whose labelled
joints fewer than four hang together are not found.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import zipfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from converter.bodypose.photo import fit_photo
from training.bpnet.cli import main as bpnet
from training.bpnet.coco import read_coco
from training.bpnet.dataset_spec import load_dataset_spec
from training.bpnet.evaluate import coco_detections, coco_scores
from training.bpnet.images import read_image
from training.bpnet.labels import LabelEncoder
from training.bpnet.pose_config import PoseConfig
from training.bpnet.postprocess import PeopleParser
from training.common.results import write_atomic
from training.common.status import training_minutes
from training.common.version import program_version

ROOT = Path(__file__).resolve().parents[1]
SPECS = ROOT / "training" / "bpnet" / "specs"
RESULTS = ROOT / "benchmarks" / "results" / "bpnet_coco_mini.json"
ARCHIVE, FOLDER = "coco_mini.zip", "coco-mini"
SPLITS = ("train", "val")
KEY = "coco-mini"
FIGURES = ("AP", "AP 0.5", "AP 0.75", "AP medium", "AP large", "AR")  # first rows of results.csv

# What differs from the shipped spec, which is for all of COCO: whole photos as `evaluate` shows
# them, without variation, in small batches.
AUGMENTATION = "dataloader.augmentation_config"
STILL = (
    *("flip_lr_prob", "rotate_deg_max", "rotate_deg_min", "zoom_prob"),
    *("translate_max_x", "translate_min_x", "translate_max_y", "translate_min_y"),
)
RECIPE = (
    f"{AUGMENTATION}.spatial_augmentation_mode=standard",
    *(f"{AUGMENTATION}.spatial_aug_params.{name}=0" for name in STILL),
    "dataloader.batch_size=4",
    "optimizer.learning_rate_schedule.annealing=0.4",
)


@dataclass(frozen=True)
class Chain:
    """The commands of one run.

    Attributes:
        work: folder of everything that is made.
        epochs: of the training.
        side: height and width of the network's input.
    """

    work: Path
    epochs: int
    side: int

    @property
    def data(self) -> Path:
        """The unpacked data set."""
        return self.work / FOLDER

    @property
    def model(self) -> Path:
        """The trained network."""
        return self.work / "train" / "bpnet_model.pth"

    def prepare(self, archive: Path) -> None:
        """Unpack, write the specs, and make records and masks."""
        if not self.data.is_dir():
            beside = self.work / ".unpacked"
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(beside)
            (beside / FOLDER).rename(self.data)
        for split in SPLITS:
            write_atomic(self.dataset(split), json.dumps(self._dataset_tree(split)).encode())
        spec = {"input_shape": [self.side] * 2, "keep_aspect_ratio_mode": "pad_image_input"}
        write_atomic(self.work / "infer_spec.yaml", json.dumps(spec).encode())
        for mode, split in (("train", "train"), ("test", "val")):
            if not self.records(split).exists():
                output = ["-o", str(self.work / "records" / split), "--generate_masks"]
                spec_file = ["--dataset_spec", str(self.dataset("val"))]
                run("dataset_convert", "-m", mode, *output, *spec_file)

    def dataset(self, split: str) -> Path:
        """The dataset spec for evaluating on a split."""
        return self.work / f"coco_spec_{split}.json"

    def records(self, split: str) -> Path:
        """The records of a split."""
        return self.work / "records" / f"{split}-fold-000-of-001"

    def train(self) -> None:
        """Train, or go on with it."""
        config, dims = "dataloader.dataset_config", "dataloader.image_config.image_dims"
        run(
            "train",
            "-e",
            str(SPECS / "bpnet_train_light_coco.yaml"),
            "-r",
            str(self.model.parent),
            "-k",
            KEY,
            "--gpus",
            "1",
            *RECIPE,
            f"num_epoch={self.epochs}",
            f"checkpoint_n_epoch={min(self.epochs, 20)}",
            f"validation_every_n_epoch={self.epochs}",
            "max_ckpt_to_keep=2",
            f"{config}.root_data_path={self.data}",
            f"{config}.train_records_folder_path={self.work / 'records'}",
            f"{config}.val_records_folder_path={self.work / 'records'}",
            f"{config}.dataset_specs.coco={self.dataset('val')}",
            f"{dims}.height={self.side}",
            f"{dims}.width={self.side}",
            f"dataloader.pose_config.target_shape=[{self.side // 8},{self.side // 8}]",
        )

    def evaluate(self, split: str) -> list[float]:
        """COCO's figures on a split, which must be those of pycocotools too."""
        folder = self.work / f"evaluate_{split}_{self.epochs}"
        if not (folder / "results.csv").exists():
            data = ["--dataset_spec", str(self.dataset(split)), "--results_dir", str(folder)]
            run("evaluate", *self._inference(), *data)
        rows = csv.DictReader((folder / "results.csv").read_text().splitlines())
        figures = [float(row["score"]) for row in rows]
        detections = json.loads((folder / "detections_coco_format.json").read_text())
        expected = pycocotools_scores(self.annotations(split), detections)
        if not np.allclose(figures, expected, atol=1e-6):
            sys.exit(f"{split}: pycocotools says {expected}, evaluate {figures}")
        return figures

    def finish(self) -> None:
        """Draw the people, prune, export, and print what would build the engine."""
        photos = ["--input_type", "dir", "--input", str(self.data / "val2017")]
        drawn = ["--results_dir", str(self.work / "inference"), "--dump_visualizations"]
        run("inference", *self._inference(), *photos, *drawn)
        pruned, onnx = self.work / "pruned.pth", self.work / "model.onnx"
        run("prune", "-m", str(self.model), "-o", str(pruned), "-k", KEY, "-pth", "0.2")
        size = f"{self.side},{self.side},3"
        run("export", "-m", str(self.model), "-k", KEY, "-o", str(onnx), "-d", size)
        run("gen_trt_engine", "-m", str(onnx), "--data_type", "fp32", "--dry_run")

    def annotations(self, split: str) -> Path:
        """The official annotations of a split."""
        return self.data / "annotations" / f"person_keypoints_{split}2017.json"

    def _inference(self) -> list[str]:
        spec = str(self.work / "infer_spec.yaml")
        return ["--inference_spec", spec, "--model_filename", str(self.model), "-k", KEY]

    def _dataset_tree(self, split: str) -> dict[str, Any]:
        """The shipped dataset spec with these folders; every labelled person is trained on."""
        tree: dict[str, Any] = json.loads((SPECS / "coco_spec.json").read_text())
        tree["root_directory_path"] = str(self.data)
        tree["duplicate_data_with_each_person_as_center"] = False
        least = {"min_acceptable_height": 1, "min_acceptable_width": 1, "min_acceptable_kpts": 1}
        tree["data_filtering_params"] |= least
        if split == "train":
            tree["test_data"] = tree["train_data"]
        return tree


def label_scores(chain: Chain, split: str) -> list[float]:
    """COCO's figures of the people that are found in the labels themselves."""
    dataset = load_dataset_spec(chain.dataset(split))
    pose, names = PoseConfig.load(), dataset.person.keypoints
    coco = read_coco(chain.annotations(split), names)
    parser, to_joints = PeopleParser(pose), dataset.keypoint_map(pose)
    detections: list[dict[str, Any]] = []
    for image_id, everybody in coco.people.items():
        labelled = [person.keypoints for person in everybody if person.num_keypoints]
        if not labelled:
            continue
        photo = read_image(chain.data / f"{split}2017" / coco.images[image_id].file_name)
        image, place = fit_photo(photo, (chain.side, chain.side), "pad_image_input")
        joints = np.array(to_joints(np.stack(labelled)), np.float64)
        joints[..., :2] = (joints[..., :2] + 0.5 + place.pad) * place.scale - 0.5
        encoder = LabelEncoder(pose, (image.shape[0] // 8, image.shape[1] // 8), 8)
        maps = encoder(joints).transpose(1, 2, 0)
        pafs, heatmaps = np.split(maps, [pose.paf_channels], axis=2)
        found = parser(np.ascontiguousarray(heatmaps), np.ascontiguousarray(pafs))
        people = place.people_in_photo(found)
        detections += coco_detections(image_id, people, pose, names)
    return coco_scores(chain.annotations(split), detections)


def pycocotools_scores(annotations: Path, detections: list[dict[str, Any]]) -> list[float]:
    """The same figures by COCO's own program."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with redirect_stdout(io.StringIO()):
        truth = COCO(str(annotations))
        found = truth.loadRes(detections) if detections else COCO()
        evaluation = COCOeval(truth, found, "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def run(*command: str) -> None:
    """A task of `bpnet`; stops where it fails, as it has said why."""
    code = bpnet(list(command))
    if code:
        sys.exit(code)


def show(results: dict[str, Any]) -> None:
    """Print the figures."""
    table = Table(title=f"AP on coco_mini, {results['epochs']} epochs")
    for name in ("what", "images", *FIGURES):
        table.add_column(name, justify="right")
    for what, splits in results["figures"].items():
        for split, figures in splits.items():
            table.add_row(what, split, *(f"{value:.3f}" for value in figures[: len(FIGURES)]))
    Console().print(table)
    Console().print(f"trained in {results['minutes']} minutes")


def main(argv: Sequence[str] | None = None) -> None:
    """Do what is missing, write the figures and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {ARCHIVE}")
    parser.add_argument("--epochs", type=int, default=500, help="of the training")
    parser.add_argument("--side", type=int, default=368, help="of the input, a multiple of 8")
    parser.add_argument("--quick", action="store_true", help="one epoch at 128x128")
    parser.add_argument("--work", type=Path, default=ROOT / "outputs" / "bpnet_coco_mini")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args(argv)
    archive = given.data / ARCHIVE
    if not archive.is_file():
        parser.error(f"{archive}: no such file")
    chain = Chain(given.work / str(given.side), given.epochs, given.side)
    if given.quick:
        chain = Chain(given.work / "quick", 1, 128)
    chain.prepare(archive)
    figures = {"labels": {split: label_scores(chain, split) for split in SPLITS}}
    chain.train()
    figures["network"] = {split: chain.evaluate(split) for split in SPLITS}
    chain.finish()
    results = {
        "epochs": chain.epochs,
        "side": chain.side,
        "recipe": RECIPE,
        "figures": figures,
        "minutes": round(training_minutes(chain.model.with_name("status.json")), 1),
        "version": program_version(),
    }
    given.results.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(given.results, (json.dumps(results, indent=1) + "\n").encode())
    show(results)


if __name__ == "__main__":
    main()
