"""What an engine is wanted of: the tiny network, and the sizes it may have."""

from __future__ import annotations

import json
from pathlib import Path

from training.common.engine.request import EngineRequest

SIZES = {"batch": (1, 4, 16), "frames": (1, None, 300)}


def request(network: Path, **options: object) -> EngineRequest:
    settings = {"plan": network.with_name("model.plan"), "precision": "fp32", "sizes": SIZES}
    return EngineRequest(onnx=network, **(settings | options))


def arguments(log: Path) -> list[list[str]]:
    """Command lines that built or ran an engine."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if line != ["--help"]]
