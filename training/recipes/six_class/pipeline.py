"""The steps from arrays to a measured model: train, export, calibrate, measure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from converter import ConvertConfig, InputError
from converter.command_line import INTERRUPTED, MISTAKE
from converter.sidecar import UNKNOWN
from training.common.checkpoint import load_checkpoint, save_checkpoint
from training.common.spec import load_spec
from training.common.status import training_minutes
from training.pose_classification.callbacks import LATEST
from training.pose_classification.cli import main as pose_classification
from training.pose_classification.labels import read_labels
from training.pose_classification.metadata import ModelMetadata
from training.pose_classification.metrics import Metrics
from training.pose_classification.onnx_model import write_model
from training.pose_classification.predictor import Predictor, load_predictor
from training.pose_classification.spec import ExperimentSpec
from training.recipes.six_class.arrays import NAMES
from training.recipes.six_class.background import without_background
from training.recipes.six_class.make_data import Plan
from training.recipes.six_class.measure import (
    evaluate_array,
    fit_temperature,
    logits_of,
    sensor_cue,
)
from training.recipes.six_class.rules import CLASSES
from training.recipes.six_class.sources import DATA_SETS, read_clips
from training.recipes.six_class.unknown import fit_unknown_logit, judge, strangers

SPEC = Path(__file__).parent / "spec.yaml"
# Turning a picture that is stretched to a square would bend people.
PICTURE = ("model.fit_picture=true", "dataset.random_rotation=0")
TESTS = {
    "all sources, as they are": "test",
    **{f"{source}, as it is": f"test_{source}" for source in DATA_SETS},
    "all sources, all 34 joints": "test_all_joints",
    "windows of 30 frames": "test_30_frames",
    "windows of 60 frames": "test_60_frames",
    "windows of 100 frames": "test_100_frames",
    "windows of up to 300 frames": "test_300_frames",
}


@dataclass(frozen=True)
class Run:
    """One training or measurement.

    Attributes:
        data: folder of the three data sets.
        results: folder for arrays, checkpoints and the exported network.
        plan: what the arrays hold.
        changes: options that differ from the spec, ``section.option=value``.
    """

    data: Path
    results: Path
    plan: Plan
    changes: Sequence[str] = ()

    @property
    def arrays(self) -> Path:
        """Folder of the arrays."""
        return self.results / "arrays"

    @property
    def exported(self) -> Path:
        """The network as it was exported, before it is calibrated."""
        return self.results / "export" / "model.onnx"

    @property
    def options(self) -> list[str]:
        """Options of the spec for this run."""
        pose_type = self.plan.pose_type
        return [
            f"results_dir={self.results}",
            f"dataset.pose_type={pose_type}",
            f"model.input_channels={ConvertConfig(pose_type=pose_type).channels}",
            *(PICTURE if pose_type != "3dbp" else []),
            *(
                f"dataset.{part}_dataset.{kind}_path={self.arrays / f'{part}.{suffix}'}"
                for part in ("train", "val")
                for kind, suffix in (("data", "npy"), ("label", "json"))
            ),
            *self.changes,
        ]

    @property
    def spec(self) -> ExperimentSpec:
        """The spec with those options."""
        return load_spec(SPEC, ExperimentSpec, self.options)

    def check(self) -> None:
        """See that the options are ones that the spec has.

        Raises:
            InputError: one is not.
        """
        load_spec(SPEC, ExperimentSpec, self.options)

    def train(self) -> None:
        """Train, or go on with a training that was interrupted, and export.

        Raises:
            InputError: a step failed by the user's mistake; it has said why.
            RuntimeError: it failed otherwise.
            KeyboardInterrupt: it was interrupted.
        """
        self._task(
            "train",
            f"dataset.num_classes={len(NAMES)}",
            f"dataset.label_map.{UNKNOWN}={NAMES.index(UNKNOWN)}",
        )
        trained = load_checkpoint(self.results / "train" / LATEST)
        checkpoint = self.results / "six_classes.pth"
        save_checkpoint(checkpoint, without_background(trained))
        self._task(
            "export",
            f"export.checkpoint={checkpoint}",
            f"export.onnx_file={self.exported}",
            "export.overwrite=true",
        )

    def calibrate(self, model: Path, output: Path) -> ModelMetadata:
        """Fit temperature and level of unknown on the validation data and write them down.

        Args:
            model: the network.
            output: the same network with its new facts; may be the same file.

        Returns:
            The facts.
        """
        val = np.load(self.arrays / "val.npy", mmap_mode="r", allow_pickle=False)
        logits = logits_of(self.predictor(model), val)
        content = onnx.load(model)
        facts = ModelMetadata.of_mapping({prop.key: prop.value for prop in content.metadata_props})
        facts = replace(
            facts,
            temperature=fit_temperature(logits, read_labels(self.arrays / "val.json").ids),
            unknown_logit=fit_unknown_logit(logits),
        )
        write_model(content, facts, output)
        return facts

    def predictor(self, model: Path) -> Predictor:
        """Open a network of this run's pose type."""
        return load_predictor(model, self.spec, torch.device("cpu"))

    def measure(self, model: Path, facts: ModelMetadata) -> tuple[dict[str, Any], Metrics]:
        """Measure a calibrated network on the held-out people.

        Returns:
            All figures as plain values, and those of all sources as they are.
        """
        predictor = self.predictor(model)
        accuracy = {
            name: evaluate_array(predictor, self.arrays / f"{file}.npy")
            for name, file in TESTS.items()
        }
        clips, pose_type = list(read_clips(self.data)), self.plan.pose_type
        known = np.load(self.arrays / "test_known.npy", mmap_mode="r", allow_pickle=False)
        unknown = judge(
            logits_of(predictor, known),
            read_labels(self.arrays / "test_known.json").ids,
            strangers(predictor, clips, pose_type),
            facts.temperature,
            facts.unknown_logit or 0.0,
        )
        cue = sensor_cue(predictor, clips, pose_type)
        figures = {
            "accuracy": {name: metrics.as_dict(CLASSES) for name, metrics in accuracy.items()},
            "called_jumping": [vars(check) for check in cue],
            "unknown": unknown,
        }
        return figures, accuracy["all sources, as they are"]

    def training_facts(self) -> dict[str, str]:
        """Say how the network was trained, for the card."""
        spec = self.spec
        minutes = training_minutes(self.results / "train" / "status.json")
        return {
            "training data": f"{self.plan.windows} windows",
            "seeds": f"data {self.plan.seed}, training {spec.train.seed}",
            "training": f"{spec.train.num_epochs} epochs, {minutes:.0f} minutes",
        }

    def _task(self, name: str, *options: str) -> None:
        code = pose_classification([name, "-e", str(SPEC), *self.options, *options])
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code:
            error = InputError if code == MISTAKE else RuntimeError
            raise error(f"{name} ended with exit code {code}; see above")
