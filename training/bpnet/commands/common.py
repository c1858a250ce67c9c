"""What the commands of `bpnet` share."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from converter import InputError
from training.bpnet.inference_spec import InferenceSpec
from training.common.spec import load_spec

if TYPE_CHECKING:
    from training.bpnet.calibration import CalibrationSource
    from training.bpnet.predictor import PosePredictor

logger = logging.getLogger(__name__)

TITLE = "BodyPoseNet"
KEY_HELP = "encryption key, if the model is encrypted"


def at_least(least: int) -> Callable[[str], int]:
    """The type of an integer flag whose value must not be below `least`."""

    def integer(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} up")
        return value

    return integer


def add_model(parser: argparse.ArgumentParser) -> None:
    """Flags that choose a model and where its results go."""
    parser.add_argument(
        "-i", "--inference_spec", required=True, help="inference spec (YAML), as infer_spec.yaml"
    )
    parser.add_argument(
        "-m", "--model_filename", help="trained model; default: the spec's model_path"
    )
    parser.add_argument("-k", "--key", help=KEY_HELP)
    parser.add_argument("--results_dir", required=True, help="folder for the results")


def open_model(arguments: argparse.Namespace) -> tuple[PosePredictor, InferenceSpec]:
    """The model that these flags choose, ready to find people, and its inference spec."""
    from training.bpnet.networks import load_network
    from training.bpnet.predictor import PosePredictor

    spec = load_spec(arguments.inference_spec, InferenceSpec)
    model = arguments.model_filename or spec.model_path
    if not model:
        raise InputError("no model: name it with -m, or as model_path in the inference spec")
    return PosePredictor(load_network(Path(model), spec, arguments.key), spec), spec


def add_calibration(parser: argparse.ArgumentParser, batches: int) -> None:
    """Flags about the images that INT8 (and FP16 engines) are calibrated on."""
    parser.add_argument("--cal_image_dir", help="folder of images to calibrate on")
    parser.add_argument(
        "--cal_data_file",
        help="network inputs made from these images (.npy): read if it exists, else written",
    )
    parser.add_argument(
        "--cal_cache_file", help="accepted but not used: the value ranges are in the ONNX"
    )
    parser.add_argument(
        "--batches",
        type=at_least(1),
        default=batches,
        help="calibration batches (default %(default)s)",
    )
    parser.add_argument(
        "--batch_size",
        type=at_least(1),
        default=1,
        help="images in a calibration batch (default %(default)s)",
    )


def calibration_source(arguments: argparse.Namespace) -> CalibrationSource:
    """What the flags of `add_calibration` say."""
    from training.bpnet.calibration import CalibrationSource

    if arguments.cal_cache_file:
        logger.warning(
            "--cal_cache_file %s is not written: TensorRT takes the ranges from the ONNX",
            arguments.cal_cache_file,
        )
    return CalibrationSource(
        Path(arguments.cal_image_dir) if arguments.cal_image_dir else None,
        Path(arguments.cal_data_file) if arguments.cal_data_file else None,
        arguments.batches * arguments.batch_size,
    )
