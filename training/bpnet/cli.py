"""The command `bpnet`, with the flags of TAO's BodyPoseNet."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from converter import InputError
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.spec import TrainSpec
from training.common.outcome import Parser, exit_code, recorded
from training.common.results import open_folder
from training.common.spec import load_spec, require
from training.common.status import Status

if TYPE_CHECKING:
    from training.bpnet.predictor import PosePredictor

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_TITLE = "BodyPoseNet"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one task; returns the exit code."""
    return exit_code("bpnet", lambda: _dispatch(list(sys.argv[1:] if argv is None else argv)))


def _dispatch(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)
    logging.basicConfig(format="%(asctime)s [%(levelname)s] %(message)s")
    logging.getLogger().setLevel(arguments.log_level)
    task: Callable[[argparse.Namespace], None] = arguments.task
    task(arguments)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="bpnet", description="BodyPoseNet: 2D poses of several people.")
    tasks = parser.add_subparsers(required=True, metavar="TASK", title="tasks")
    common = Parser(add_help=False)
    common.add_argument("-ll", "--log_level", choices=_LEVELS, default="INFO", help="default INFO")
    for name, add in (
        ("dataset_convert", _add_convert),
        ("train", _add_train),
        ("evaluate", _add_evaluate),
        ("inference", _add_inference),
        ("prune", _add_prune),
        ("export", _add_export),
        ("gen_trt_engine", _add_engine),
    ):
        doc = (add.__doc__ or "").strip()
        add(tasks.add_parser(name, help=doc, description=doc, parents=[common]))
    return parser


def _add_convert(parser: argparse.ArgumentParser) -> None:
    """Make training records and masks from COCO annotations."""
    parser.set_defaults(task=_convert)
    parser.add_argument("-d", "--dataset_spec", required=True, help="coco_spec.json")
    parser.add_argument("-o", "--output_filename", required=True, help="start of the files' names")
    parser.add_argument("-m", "--mode", choices=("train", "test"), default="train", help="split")
    parser.add_argument("-p", "--num_partitions", type=_at_least(1), default=1, help="folds")
    parser.add_argument("-s", "--num_shards", type=_at_least(0), default=0, help="files per fold")
    parser.add_argument("--generate_masks", action="store_true", help="write the loss masks too")
    parser.add_argument("--check_files", action="store_true", help="decode every file in full")
    parser.add_argument("--compat", action="store_true", help="repeat the reference's bugs")
    parser.add_argument("-r", "--results_dir", help="of status.json; default: beside the records")


def _convert(arguments: argparse.Namespace) -> None:
    from training.bpnet.dataset_convert import convert
    from training.bpnet.dataset_spec import load_dataset_spec

    output = Path(arguments.output_filename)
    results = open_folder(Path(arguments.results_dir or output.parent))
    with recorded(results.status, _TITLE, "dataset_convert"):
        summary = convert(
            load_dataset_spec(arguments.dataset_spec),
            arguments.mode,
            output,
            arguments.num_partitions,
            arguments.num_shards,
            arguments.generate_masks,
            arguments.check_files,
            arguments.compat,
        )
    for line in summary.skipped:
        logging.getLogger(__name__).warning("skipped %s", line)
    sys.stdout.write(
        f"{summary.records} records of {summary.images} images, {summary.masks} masks, "
        f"{len(summary.skipped)} damaged entries skipped\n"
    )
    sys.stdout.write("".join(f"{path}\n" for path in summary.files))


def _add_train(parser: argparse.ArgumentParser) -> None:
    """Train, or go on with an interrupted training."""
    parser.set_defaults(task=_train)
    parser.add_argument("-e", "--experiment_spec_file", required=True, help="train spec (YAML)")
    parser.add_argument("-r", "--results_dir", help="results; default: the spec's checkpoint_dir")
    parser.add_argument("-k", "--key", help="encrypts checkpoints and the model")
    parser.add_argument("--gpus", type=_at_least(1), default=1, help="processes")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.option=value", help="set options of the spec"
    )


def _train(arguments: argparse.Namespace) -> None:
    from training.bpnet.train import run

    overrides = list(arguments.overrides)
    if arguments.results_dir:
        overrides.append(f"checkpoint_dir={arguments.results_dir}")
    spec = load_spec(arguments.experiment_spec_file, TrainSpec, overrides)
    folder = Path(require(spec, "checkpoint_dir"))
    results = open_folder(folder, spec.model_dump(mode="json"))
    with recorded(results.status, _TITLE, "train"):
        run(spec, results, arguments.key, arguments.gpus)


def _add_predictor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--inference_spec", required=True, help="infer_spec.yaml")
    parser.add_argument("-m", "--model_filename", help="model; default: the spec's model_path")
    parser.add_argument("-k", "--key", help="of an encrypted model")
    parser.add_argument("--results_dir", required=True, help="folder for the results")


def _predictor(arguments: argparse.Namespace) -> tuple[PosePredictor, InferenceSpec]:
    from training.bpnet.networks import load_network
    from training.bpnet.predictor import PosePredictor

    spec = load_spec(arguments.inference_spec, InferenceSpec)
    model = arguments.model_filename or require(spec, "model_path")
    return PosePredictor(load_network(Path(model), spec, arguments.key), spec), spec


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    """Measure COCO's average precision and recall on the test split."""
    parser.set_defaults(task=_evaluate)
    _add_predictor(parser)
    parser.add_argument("-d", "--dataset_spec", required=True, help="coco_spec.json")
    parser.add_argument("--dataset", choices=("coco",), default="coco", help="form of annotations")


def _evaluate(arguments: argparse.Namespace) -> None:
    from training.bpnet.dataset_spec import load_dataset_spec
    from training.bpnet.evaluate import evaluate

    results = open_folder(Path(arguments.results_dir))
    with recorded(results.status, _TITLE, "evaluate"):
        dataset = load_dataset_spec(arguments.dataset_spec)
        predictor, spec = _predictor(arguments)
        outcome = evaluate(predictor, spec, dataset, results.path)
        message = "Evaluation metrics generated."
        results.status.write(Status.RUNNING, message, kpi=outcome.scores)
    lines = [f"{name:22} {score:8.4f}" for name, score in outcome.scores.items()]
    lines.append(f"{outcome.images} images, {outcome.unreadable} unreadable")
    sys.stdout.write("\n".join(lines) + "\n")


def _add_inference(parser: argparse.ArgumentParser) -> None:
    """Find the people in an image, a folder, a list of images or a video."""
    parser.set_defaults(task=_inference)
    _add_predictor(parser)
    parser.add_argument("--input", required=True, help="image, folder, JSON list or video")
    kinds = ("image", "dir", "json", "video")
    parser.add_argument("--input_type", choices=kinds, default="image", help="what --input is")
    parser.add_argument("--image_root_path", default="", help="folder that paths are relative to")
    parser.add_argument("--dump_visualizations", action="store_true", help="draw the people")


def _inference(arguments: argparse.Namespace) -> None:
    from training.bpnet.inference import find_images, infer_images, infer_video

    results = open_folder(Path(arguments.results_dir))
    source, draw = Path(arguments.input), arguments.dump_visualizations
    with recorded(results.status, _TITLE, "inference"):
        predictor, spec = _predictor(arguments)
        if arguments.input_type == "video":
            summary = infer_video(predictor, spec, source, results.path, draw)
        else:
            paths = find_images(arguments.input_type, source, arguments.image_root_path)
            summary = infer_images(predictor, spec, paths, results.path, draw)
    sys.stdout.write(
        f"{summary.people} people in {summary.images} images, {summary.unreadable} unreadable\n"
        f"{results.path / 'detections.json'}\n"
    )


def _add_prune(parser: argparse.ArgumentParser) -> None:
    """Leave out the filters with the smallest kernels."""
    parser.set_defaults(task=_prune)
    parser.add_argument("-m", "--model", required=True, help="trained model")
    parser.add_argument("-o", "--output_file", required=True, help="pruned model (.pth)")
    parser.add_argument("-k", "--key", help="of both files")
    parser.add_argument("-n", "--normalizer", choices=("max", "L2"), default="max", help="of norms")
    parser.add_argument(
        "-eq",
        "--equalization_criterion",
        choices=("arithmetic_mean", "geometric_mean", "union", "intersection"),
        default="union",
        help="of layers that share channels",
    )
    parser.add_argument("-pg", "--pruning_granularity", type=_at_least(1), default=8, help="step")
    parser.add_argument("-pth", "--pruning_threshold", type=float, default=0.1, help="of norms")
    parser.add_argument("-nf", "--min_num_filters", type=_at_least(1), default=16, help="per layer")
    parser.add_argument("-el", "--excluded_layers", nargs="*", default=[], help="left alone")
    parser.add_argument("-r", "--results_dir", help="of status.json; default: beside the output")
    parser.add_argument("-v", "--verbose", action="store_true", help="list the layers' widths")


def _prune(arguments: argparse.Namespace) -> None:
    from training.bpnet.model import count_parameters
    from training.bpnet.prune import PruneOptions, giga_macs, prune
    from training.bpnet.saved_model import load_model, save_model

    output = Path(arguments.output_file)
    output = output if output.suffix == ".pth" else output.with_name(f"{output.name}.pth")
    results = open_folder(Path(arguments.results_dir or output.parent))
    options = PruneOptions(
        arguments.pruning_threshold,
        arguments.normalizer,
        arguments.equalization_criterion,
        arguments.pruning_granularity,
        arguments.min_num_filters,
        arguments.excluded_layers,
    )
    with recorded(results.status, _TITLE, "prune"):
        model, info = load_model(Path(arguments.model), arguments.key)
        pruned, narrow = prune(model, info, options)
        save_model(output, pruned, narrow, arguments.key)
    if arguments.verbose:
        sys.stdout.writelines(f"{name}: {width}\n" for name, width in narrow.widths.items())
    before, after = count_parameters(model), count_parameters(pruned)
    sys.stdout.write(
        f"parameters {before:,} -> {after:,} (ratio {after / before:.4f}), "
        f"GMAC at 256x256 {giga_macs(info):.2f} -> {giga_macs(narrow):.2f}\n{output}\n"
    )


def _add_export(parser: argparse.ArgumentParser) -> None:
    """Write the network as ONNX."""
    parser.set_defaults(task=_export)
    parser.add_argument("-m", "--model", required=True, help="trained model")
    parser.add_argument("-k", "--key", help="of an encrypted model")
    parser.add_argument("-o", "--output_file", help="default: beside the model, .onnx")
    parser.add_argument(
        "-d", "--input_dims", default="256,256,3", help="height,width,3 (default 256,256,3; 0: any)"
    )
    parser.add_argument("--data_type", choices=("fp32", "fp16", "int8"), default="fp32")
    parser.add_argument("-t", "--export_type", choices=("onnx", "tfonnx"), default="onnx")
    layouts = ("channels_last", "channels_first")
    parser.add_argument(
        "-i", "--data_format", choices=layouts, default="channels_last", help="of the input"
    )
    parser.add_argument("--static_batch_size", type=int, default=-1, help="-1: any batch size")
    parser.add_argument(
        "--sdk_compatible_model", action="store_true", help="enlarge the PAFs in the graph"
    )
    parser.add_argument("-u", "--upsample_ratio", type=_at_least(1), default=4, help="by this")
    parser.add_argument(
        "--people",
        type=_at_least(0),
        default=0,
        metavar="K",
        help="find peaks and score limbs in the graph, K per joint, instead of giving maps",
    )
    parser.add_argument(
        "--triton",
        metavar="REPOSITORY",
        help="write it where this copy of model_repository_bodypose serves it, in the sizes there",
    )
    parser.add_argument("--cal_image_dir", help="images to calibrate int8 on")
    parser.add_argument("--batches", type=_at_least(1), default=10, help="of calibration")
    parser.add_argument("--batch_size", type=_at_least(1), default=1, help="of calibration")
    parser.add_argument("-r", "--results_dir", help="of status.json; default: beside the output")


def _export(arguments: argparse.Namespace) -> None:
    from training.bpnet.export import ExportOptions, export
    from training.bpnet.saved_model import load_model

    source = Path(arguments.model)
    if arguments.triton:
        _install(arguments, source)
        return
    output = Path(arguments.output_file or source.with_suffix(".onnx"))
    height, width = _input_size(arguments.input_dims)
    options = ExportOptions(
        height,
        width,
        arguments.data_format,
        arguments.data_type,
        arguments.static_batch_size,
        arguments.upsample_ratio if arguments.sdk_compatible_model else 0,
        arguments.people,
        Path(arguments.cal_image_dir) if arguments.cal_image_dir else None,
        arguments.batches * arguments.batch_size,
    )
    results = open_folder(Path(arguments.results_dir or output.parent))
    with recorded(results.status, _TITLE, "export"):
        difference = export(*load_model(source, arguments.key), options, output)
    sys.stdout.write(f"maps differ from torch's by {difference:.1e} of the largest\n{output}\n")


def _install(arguments: argparse.Namespace, source: Path) -> None:
    from training.bpnet.saved_model import load_model
    from training.bpnet.serving import install

    results = open_folder(Path(arguments.results_dir or source.parent))
    with recorded(results.status, _TITLE, "export"):
        path, difference = install(
            *load_model(source, arguments.key), repository=Path(arguments.triton)
        )
    sys.stdout.write(f"maps differ from torch's by {difference:.1e} of the largest\n{path}\n")


def _input_size(text: str) -> tuple[int, int]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts) or int(parts[2]) != 3:
        raise InputError(f"-d {text}: give HEIGHT,WIDTH,3")
    return int(parts[0]), int(parts[1])


def _add_engine(parser: argparse.ArgumentParser) -> None:
    """Build a TensorRT engine of an exported ONNX file."""
    parser.set_defaults(task=_engine)
    parser.add_argument("-m", "--model", required=True, help="FP32 export of fixed input size")
    parser.add_argument("-o", "--engine_file", help="default: beside the model, .engine")
    parser.add_argument("--data_type", choices=("fp32", "fp16", "int8"), default="fp16")
    parser.add_argument("--max_batch_size", type=_at_least(1), default=16)
    parser.add_argument("--opt_batch_size", type=_at_least(1), default=8)
    parser.add_argument("--cal_image_dir", help="images to calibrate on")
    parser.add_argument("--batches", type=_at_least(1), default=100, help="of calibration")
    parser.add_argument("--batch_size", type=_at_least(1), default=1, help="of calibration")
    parser.add_argument("--max_workspace_size", type=_at_least(1), default=1024, help="MiB")
    parser.add_argument("--gpu_index", type=_at_least(0), default=0)
    parser.add_argument("--dry_run", action="store_true", help="print the commands, do nothing")
    parser.add_argument("-r", "--results_dir", help="of status.json; default: beside the engine")


def _engine(arguments: argparse.Namespace) -> None:
    from training.bpnet.gen_trt_engine import EngineOptions, build

    source = Path(arguments.model)
    plan = Path(arguments.engine_file or source.with_suffix(".engine"))
    largest = arguments.max_batch_size
    options = EngineOptions(
        arguments.data_type,
        (1, min(arguments.opt_batch_size, largest), largest),
        Path(arguments.cal_image_dir) if arguments.cal_image_dir else None,
        arguments.batches * arguments.batch_size,
        arguments.max_workspace_size,
        arguments.gpu_index,
        arguments.dry_run,
    )
    results = open_folder(Path(arguments.results_dir or plan.parent))
    with recorded(results.status, _TITLE, "gen_trt_engine"):
        facts = build(source, plan, options)
    if facts is not None:
        sys.stdout.write(f"{plan}\n")


def _at_least(least: int) -> Callable[[str], int]:
    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise ValueError(text)
        return value

    return integer
