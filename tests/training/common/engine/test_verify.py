"""An engine is what was asked for: its precision, and its outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.common.engine import fakes
from tests.training.common.engine.small import request
from training.common.engine.request import FloatArray
from training.common.engine.verify import check_outputs, check_precision, layer_types


@pytest.mark.parametrize(
    ("precision", "error", "well"),
    [
        ("fp32", 5e-4, True),
        ("fp32", 2e-3, False),
        ("fp16", 1e-2, True),
        ("fp16", 3e-2, False),
        ("int8", 1e-1, True),
        ("int8", 3e-1, False),
        ("int8", float("nan"), False),
    ],
)
def test_how_far_outputs_may_differ(
    network: Path, tmp_path: Path, precision: str, error: float, well: bool
) -> None:
    wanted = request(network, precision=precision)

    class Differing:
        """Builds engines that differ on inputs of the smallest batch."""

        def run(self, _: object, __: Path, feed: FloatArray) -> dict[str, FloatArray]:
            (value,) = wanted.reference.run(None, {"input": feed})
            return {"fc_pred": value * (1 + error) if len(feed) == 1 else value}

    builder: Any = Differing()
    if well:
        assert check_outputs(wanted, builder, tmp_path) == pytest.approx(error, rel=1e-2)
    else:
        with pytest.raises(RuntimeError, match=f"for {precision}$"):
            check_outputs(wanted, builder, tmp_path)


BOTH = '{"Layers": [{"Outputs": [{"Datatype": "Int8"}]}, {"Outputs": [{"Datatype": "Half"}]}]}'


@pytest.mark.parametrize(
    ("layers", "counts"),
    [
        (fakes.INT8, {"all": 1, "int8": 1}),
        (BOTH, {"all": 2, "int8": 1, "fp16": 1}),  # what is not quantised
        (fakes.FP16, None),
    ],
)
def test_an_engine_of_int8_may_hold_fp16_beside(
    network: Path, tmp_path: Path, layers: str, counts: dict[str, int] | None
) -> None:
    (tmp_path / "layers.json").write_text(layers)
    wanted = request(network, precision="int8")
    if counts:
        assert check_precision(wanted, tmp_path) == counts
    else:
        with pytest.raises(RuntimeError, match="the engine is not int8"):
            check_precision(wanted, tmp_path)


def test_layer_types() -> None:
    assert layer_types(fakes.INT8) == {"all": 1, "int8": 1}
    layers = [
        {"Inputs": [{"Format/Datatype": "Row major linear FP16 format"}], "Name": "int8 in a name"},
        {"Outputs": [{"Format": "N/A due to dynamic shapes", "Datatype": "Half"}]},
        {"Weights": {"Type": "Int8", "Count": 3}},
        "a name only",
    ]
    assert layer_types(json.dumps({"Layers": layers})) == {"all": 4, "fp16": 2, "int8": 1}
