"""Everything, in one command: ``python -m training.recipes.six_class --data DIR``.

Makes the arrays, trains, exports the network into the model repository, fits its temperature and
its level of "unknown" on the validation data, writes its INT8 form, measures it on the held-out
people and writes the figures into the model card and the JSON beside it. It goes on where it was
interrupted if ``--results`` is the same.

``--pose-type 2dbp`` and ``25dbp`` do the same on pictures of the motions by random cameras.
``--evaluate-only`` trains nothing: it fits and measures the network in the model repository.
``--leave-out nw_ucla`` trains without a data set and tests on it; the network stays in the
results, the figures go into the card.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converter import InputError
from converter.command_line import Parser
from training.common.outcome import exit_code
from training.common.results import write_atomic
from training.pose_classification.plots import save_confusion
from training.pose_classification.quantise import quantise_file
from training.pose_classification.serving import network_name
from training.recipes.six_class.card import read_figures, render, update_card
from training.recipes.six_class.folders import make_folders
from training.recipes.six_class.make_data import add_plan, make, plan_of
from training.recipes.six_class.pipeline import Run
from training.recipes.six_class.rules import CLASSES

ROOT = Path(__file__).parents[3]


def shipped(run: Run, repository: Path, card: Path, train: bool) -> dict[str, Any]:
    """Make or measure the network that ships; returns its figures."""
    pose_type = run.plan.pose_type
    folder = repository / network_name(pose_type)
    model = folder / "1" / "model.onnx"
    if not train and not model.is_file():
        raise InputError(f"{model}: no network to evaluate; leave out --evaluate-only")
    manifest: Any = make(run.data, run.arrays, run.plan)
    if train:
        run.train()
        if pose_type != "3dbp":
            make_folders(repository, pose_type)
    facts = run.calibrate(run.exported if train else model, model)
    quantise_file(model, run.arrays / "val.npy", model.with_suffix(".int8.onnx"))
    measured, everything = run.measure(model, facts)
    picture = card.parents[1] / "images" / f"{network_name(pose_type)}_confusion.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    save_confusion(everything.confusion, CLASSES, picture)
    digest = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))["onnx_sha256"]
    about = {
        "file": f"`{model.name}`, {model.stat().st_size / 1e6:.2f} MB, SHA-256 `{digest}`",
        "SHA-256 of the training arrays": f"`{facts.train_digest}`",
        "temperature": f"{facts.temperature}",
        "logit of unknown": f"{facts.unknown_logit}",
    }
    about |= run.training_facts() if train else {}
    return {"facts": about, "runs": manifest["runs"], **measured}


def without(run: Run, left_out: str) -> dict[str, Any]:
    """Train without a data set and measure on it; returns the figures."""
    manifest: Any = make(run.data, run.arrays, run.plan)
    run.train()
    model = run.results / "model.onnx"
    facts = run.calibrate(run.exported, model)
    measured, _ = run.measure(model, facts)
    learnt = [
        name
        for name in CLASSES
        if any(counts[name] for counts in manifest["runs"]["train"].values())
    ]
    return {
        "facts": run.training_facts(),
        "classes_trained": learnt,
        "accuracy": measured["accuracy"][f"{left_out}, as it is"],
        "auroc": measured["unknown"]["auroc"]["largest logit"][left_out],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return exit_code("six_class", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = Parser(
        prog="training.recipes.six_class",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the three data sets")
    add_plan(parser)
    parser.add_argument(
        "--evaluate-only",
        action="store_true",
        help="only calibrate and measure the shipped network",
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FOLDER",
        help="folder for arrays and checkpoints (default: results/six_class_...)",
    )
    parser.add_argument(
        "--repository",
        type=Path,
        default=ROOT / "model_repository",
        metavar="FOLDER",
        help="model repository to export into (default: model_repository)",
    )
    parser.add_argument(
        "--card",
        type=Path,
        metavar="MD",
        help="model card to update (default: the network's in docs/model_cards)",
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.option=value",
        help="set an option of the training spec, spec.yaml",
    )
    given = parser.parse_args(argv)
    plan, name = plan_of(given), network_name(given.pose_type)
    folder = f"six_class_{plan.pose_type}" + (f"_without_{plan.left_out}" if plan.left_out else "")
    results = given.results or ROOT / "results" / folder
    card = given.card or ROOT / "docs" / "model_cards" / f"{name}.md"
    if given.evaluate_only and plan.left_out:
        raise InputError("--evaluate-only and --leave-out exclude each other")
    if plan.windows < (0 if given.evaluate_only else 1):
        raise InputError(f"--windows {plan.windows} leaves nothing to train on")
    figures = read_figures(card)
    run = Run(given.data, results, plan, given.overrides)
    run.check()
    if plan.left_out:
        of_others = figures.setdefault("leave_one_out", {})
        of_others[plan.left_out] = without(run, plan.left_out)
    else:
        about = figures.get("facts", {}) if given.evaluate_only else {}
        figures |= shipped(run, given.repository, card, not given.evaluate_only)
        figures["facts"] = about | figures["facts"]
    content = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    write_atomic(card.with_suffix(".json"), content.encode())
    text = render(figures)
    update_card(card, text)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
