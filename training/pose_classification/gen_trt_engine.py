"""The task `gen_trt_engine`: an exported ONNX file becomes a TensorRT engine."""

from __future__ import annotations

import logging
from pathlib import Path

from training.common.engine.build import make_engine
from training.common.engine.request import EngineRequest
from training.common.results import ResultsDir
from training.common.spec import require
from training.common.status import Status
from training.pose_classification.spec import ExperimentSpec

logger = logging.getLogger(__name__)


def run(spec: ExperimentSpec, results: ResultsDir) -> None:
    """Build the engine, check it, and note its facts beside it; see `docs/training.md`.

    Raises:
        InputError: no ONNX file, no GPU, no TensorRT, or TensorRT refuses the network.
        RuntimeError: the engine is not what was asked for; none is written.
    """
    section, sizes = spec.gen_trt_engine, spec.gen_trt_engine.tensorrt
    onnx = Path(require(spec, "gen_trt_engine.onnx_file"))
    request = EngineRequest(
        onnx=onnx,
        plan=Path(section.trt_engine or onnx.with_name("model.plan")),
        precision=sizes.data_type.lower(),
        sizes={
            "batch": (sizes.min_batch_size, sizes.opt_batch_size, sizes.max_batch_size),
            "frames": (1, sizes.opt_sequence_length, sizes.max_sequence_length),
        },
        calibration=Path(sizes.calibration_data) if sizes.calibration_data else None,
        workspace=sizes.workspace_size,
        gpu=section.gpu_id,
        verbose=section.verbose,
    )
    facts = make_engine(request, dry=section.dry_run)
    if facts is not None:
        logger.info("%s: written", request.plan)
        kpi = {"largest_difference": facts["largest_difference"]}
        results.status.write(Status.RUNNING, f"Engine written to {request.plan}.", kpi=kpi)
