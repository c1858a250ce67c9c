"""Build an engine: precision, TensorRT, checks, and a note of what it is beside it."""

from __future__ import annotations

import json
import logging
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from converter import InputError
from training.common.engine import precision
from training.common.engine.find import (
    NEWEST_MAJOR,
    Builder,
    compute_capability,
    find_builder,
)
from training.common.engine.request import EngineRequest
from training.common.engine.trtexec import PLAN, TrtExec
from training.common.engine.verify import check_outputs, check_precision
from training.common.results import write_atomic

logger = logging.getLogger(__name__)


def build_engine(request: EngineRequest, builder: Builder) -> dict[str, Any]:
    """Build, check and write an engine.

    `model.plan` gets `model.plan.json` beside it: TensorRT's version and the GPU's compute
    capability, without which the engine does not run, and the digest of the ONNX it came from.

    Returns:
        What is in `model.plan.json`.

    Raises:
        InputError: no GPU, no ModelOpt or no calibration data where they are needed, or TensorRT
            refuses the network.
        RuntimeError: TensorRT failed, or the engine is not what was asked for. No engine is
            written then.
    """
    facts: dict[str, Any] = {
        "tensorrt": ".".join(map(str, builder.version)),
        "sm": compute_capability(request.gpu),
        "onnx_sha256": request.onnx_sha256,
        "precision": request.precision,
        "shapes": dict(zip(("min", "opt", "max"), map(list, request.shapes), strict=True)),
        "builder": builder.name,
    }
    request.plan.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".engine-", dir=request.plan.parent) as folder:
        work = Path(folder).resolve()
        onnx = precision.typed_onnx(request, builder.version[0], work)
        if onnx is not None:
            logger.info("Putting %s into the network", request.precision)
            precision.write(request, onnx)
        else:
            onnx = Path(shutil.copy(request.onnx, work / "model.onnx"))
        logger.info("Building with %s", builder.name)
        builder.build(request, onnx, work)
        if request.verify:
            facts["layers"] = check_precision(request, work)
            facts["largest_difference"] = check_outputs(request, builder, work)
            logger.info("Outputs differ by %.1e of the largest", facts["largest_difference"])
        _install(work / PLAN, facts, request)
    return facts


def _install(plan: Path, facts: dict[str, Any], request: EngineRequest) -> None:
    """Put the engine, its note and the network's facts (`model.json`) in place."""
    note = request.plan.with_name(request.plan.name + ".json")
    note.unlink(missing_ok=True)  # a new engine must never lie beside an old note
    plan.replace(request.plan)
    write_atomic(note, (json.dumps(facts, indent=2) + "\n").encode())
    sidecar, copy = request.onnx.with_suffix(".json"), request.plan.with_suffix(".json")
    if sidecar.exists() and sidecar.resolve() != copy.resolve():
        write_atomic(copy, sidecar.read_bytes())


def make_engine(
    request: EngineRequest, kind: str = "auto", dry: bool = False, major: int = NEWEST_MAJOR
) -> dict[str, Any] | None:
    """Find a TensorRT and build an engine with it, or print the commands that would.

    Args:
        request: what is wanted.
        kind: where TensorRT is to come from, see :func:`find_builder`.
        dry: print only; returns None.
        major: version of TensorRT that is assumed for printing where none is found.
    """
    if not dry:
        compute_capability(request.gpu)  # before anything is looked for or downloaded
        return build_engine(request, find_builder(kind))
    try:
        builder: Builder | None = find_builder(kind, probe=False)
    except InputError:
        builder = None
    sys.stdout.write(dry_run(request, builder, major))
    return None


def dry_run(request: EngineRequest, builder: Builder | None, major: int) -> str:
    """The commands that would be run, as a shell script.

    Args:
        request: what is wanted.
        builder: what was found; None: nothing, `trtexec` is assumed.
        major: major version of TensorRT, where nothing was found.
    """
    work = request.plan.parent / ".engine"
    lines = []
    if builder is None:
        lines.append(f"# no TensorRT here; trtexec of TensorRT {major} is assumed")
        builder = TrtExec("trtexec", (major, 0, 0))
    elif not isinstance(builder, TrtExec):
        lines.append(f"# by {builder.name}, what trtexec would do so:")
        builder = TrtExec("trtexec", builder.version)
    lines.append(shlex.join(["mkdir", "-p", str(work)]))
    onnx = precision.typed_onnx(request, builder.version[0], work)
    if onnx is not None:
        request.samples(1)
        data, source = precision.calibration(request, onnx), request.calibration_name
        lines.append(f"# {data}: {precision.SAMPLES} inputs of {source or request.calibration}")
        lines.append(shlex.join(precision.command(request, onnx)))
    else:
        onnx = work / "model.onnx"
        lines.append(shlex.join(["cp", str(request.onnx), str(onnx)]))
    lines.append(shlex.join(builder.build_command(request, onnx, work)))
    lines.append(shlex.join(["mv", str(work / PLAN), str(request.plan)]))
    return "\n".join(lines) + "\n"
