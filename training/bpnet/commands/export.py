"""`bpnet export`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from converter import InputError
from converter.atomic import check_place
from training.bpnet.commands.common import (
    KEY_HELP,
    TITLE,
    add_calibration,
    at_least,
    calibration_source,
)
from training.bpnet.spec import TrainSpec
from training.common.outcome import recorded
from training.common.results import open_folder
from training.common.spec import load_spec

if TYPE_CHECKING:
    from training.bpnet.export import ExportOptions
    from training.bpnet.model import BodyPoseNet
    from training.bpnet.saved_model import ModelInfo


def add(parser: argparse.ArgumentParser) -> None:
    """Write the network as ONNX."""
    parser.set_defaults(task=run)
    parser.add_argument("-m", "--model", required=True, help="trained model")
    parser.add_argument("-k", "--key", help=KEY_HELP)
    parser.add_argument(
        "-e", "--experiment_spec_file", help="train spec to check the model against (YAML)"
    )
    parser.add_argument(
        "-o", "--output_file", help="ONNX file to write; default: beside the model, as .onnx"
    )
    parser.add_argument(
        "-d",
        "--input_dims",
        default="256,256,3",
        metavar="HEIGHT,WIDTH,3",
        help="size of the input in pixels, 0 leaves it open (default %(default)s)",
    )
    parser.add_argument(
        "--data_type",
        choices=("fp32", "fp16", "int8"),
        default="fp32",
        help="precision of the network (default %(default)s)",
    )
    parser.add_argument(
        "-t",
        "--export_type",
        choices=("onnx", "tfonnx"),
        default="onnx",
        help="accepted as in TAO; both give the same file",
    )
    layouts = ("channels_last", "channels_first")
    parser.add_argument(
        "-i",
        "--data_format",
        choices=layouts,
        default="channels_last",
        help="order of the input's axes (default %(default)s)",
    )
    parser.add_argument(
        "--static_batch_size",
        type=_batch,
        default=-1,
        help="batch size; -1 leaves it open (default %(default)s)",
    )
    parser.add_argument(
        "--sdk_compatible_model",
        action="store_true",
        help="enlarge the limb fields (PAFs) in the graph, as TAO's SDK expects",
    )
    parser.add_argument(
        "-u",
        "--upsample_ratio",
        type=at_least(1),
        default=4,
        help="factor for --sdk_compatible_model (default %(default)s)",
    )
    parser.add_argument(
        "--people",
        type=at_least(0),
        default=0,
        metavar="K",
        help="search for peaks and score limbs in the graph, for up to K people; 0: give the maps",
    )
    parser.add_argument(
        "--triton",
        metavar="REPOSITORY",
        help="install the network in this copy of model_repository_bodypose, in the size set there",
    )
    add_calibration(parser, batches=10)
    parser.add_argument("--engine_file", help="also build a TensorRT engine and write it here")
    parser.add_argument(
        "--max_batch_size",
        type=at_least(1),
        default=1,
        help="largest batch of the engine (default %(default)s)",
    )
    parser.add_argument(
        "-r", "--results_dir", help="folder for status.json; default: that of the output"
    )


def run(arguments: argparse.Namespace) -> None:
    """Export into a file, or into a model repository of Triton."""
    source = Path(arguments.model)
    if arguments.triton:
        _install(arguments, source)
    else:
        _export(arguments, source, Path(arguments.output_file or source.with_suffix(".onnx")))


def _export(arguments: argparse.Namespace, source: Path, output: Path) -> None:
    from training.bpnet.export import ExportOptions, export

    height, width = _input_size(arguments.input_dims)
    options = ExportOptions(
        height,
        width,
        arguments.data_format,
        arguments.data_type,
        arguments.static_batch_size,
        arguments.upsample_ratio if arguments.sdk_compatible_model else 0,
        arguments.people,
        calibration_source(arguments),
    )
    _check_output(arguments, source, output)
    results = open_folder(Path(arguments.results_dir or output.parent))
    with recorded(results.status, TITLE, "export"):
        model, info = _model(arguments, source)
        difference = export(model, info, options, output)
        if arguments.engine_file:
            _build(arguments, model, info, options, output)
    sys.stdout.write(f"maps differ from torch's by {difference:.1e} of the largest\n{output}\n")


def _check_output(arguments: argparse.Namespace, source: Path, output: Path) -> None:
    """Raise `InputError` where a file that is written would replace another."""
    if not output.name or output.suffix == ".json":
        raise InputError(
            f"-o {output}: give a file's name that ends in .onnx; .json goes beside it"
        )
    check_place(output, "; change -o")
    engine = Path(arguments.engine_file or output)
    read = [source, Path(arguments.experiment_spec_file or source)]
    for written in (output, output.with_suffix(".json"), engine):
        if written.resolve() in [path.resolve() for path in read]:
            raise InputError(f"{written}: would be replaced, but it is read; give another name")


def _model(arguments: argparse.Namespace, source: Path) -> tuple[BodyPoseNet, ModelInfo]:
    """The model; it must be what the train spec describes, where one is given."""
    from training.bpnet.saved_model import load_model

    model, info = load_model(source, arguments.key)
    if arguments.experiment_spec_file:
        wanted = load_spec(arguments.experiment_spec_file, TrainSpec)
        described = wanted.model, wanted.dataloader.normalization_params
        if described != (info.spec, info.normalization):
            raise InputError(
                f"{arguments.experiment_spec_file}: describes another network than {source} "
                "(model or normalization_params differ); leave out -e to take it as it is"
            )
    return model, info


def _build(
    arguments: argparse.Namespace,
    model: BodyPoseNet,
    info: ModelInfo,
    options: ExportOptions,
    output: Path,
) -> None:
    """The engine, of an FP32 export: TensorRT's tools put the precision in themselves."""
    from training.bpnet.export import export
    from training.bpnet.gen_trt_engine import EngineOptions, build

    largest = arguments.max_batch_size
    wanted = EngineOptions(options.data_type, (1, min(8, largest), largest), options.calibration)
    with tempfile.TemporaryDirectory() as folder:
        plain = output
        if options.data_type != "fp32":
            plain = Path(folder) / output.name
            export(model, info, replace(options, data_type="fp32"), plain)
        build(plain, Path(arguments.engine_file), wanted)


def _install(arguments: argparse.Namespace, source: Path) -> None:
    from training.bpnet.serving import install

    results = open_folder(Path(arguments.results_dir or source.parent))
    with recorded(results.status, TITLE, "export"):
        model, info = _model(arguments, source)
        path, difference = install(model, info, Path(arguments.triton))
    sys.stdout.write(f"maps differ from torch's by {difference:.1e} of the largest\n{path}\n")


def _batch(text: str) -> int:
    if text != "-1" and not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"'{text}' must be at least 1, or -1 for any size")
    return int(text)


def _input_size(text: str) -> tuple[int, int]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts) or int(parts[2]) != 3:
        raise InputError(f"-d {text}: give HEIGHT,WIDTH,3")
    return int(parts[0]), int(parts[1])
