"""The inference spec (`infer_spec.yaml`) that `bpnet evaluate` and `bpnet inference` read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt

from training.bpnet.tao_model import TaoModel
from training.common.spec import OptionalText


def _none_is_text(value: object) -> object:
    return "None" if value is None else value


AspectMode = Annotated[
    Literal["adjust_network_input", "pad_image_input", "None"], BeforeValidator(_none_is_text)
]


class InferenceSpec(TaoModel):
    """How images go through the network and maps become people."""

    model_path: OptionalText = Field(default=None, description="The model; -m overrides it.")
    train_spec: OptionalText = Field(
        default=None,
        description="The train spec: joints and normalisation, where the model "
        "file does not carry them.",
    )
    input_shape: list[PositiveInt] = Field(
        default=[368, 368], min_length=2, max_length=2, description="Network height, width."
    )
    keep_aspect_ratio_mode: AspectMode = Field(
        default="adjust_network_input",
        description="Fix one side and let the other grow, pad the photo, or stretch it (None).",
    )
    output_stage_to_use: int | None = Field(
        default=None, ge=1, description="Stage whose maps are used, from 1; null: the last."
    )
    output_upsampling_factor: list[PositiveInt] = Field(
        default=[8, 8], min_length=2, max_length=2, description="Enlargement of the maps."
    )
    heatmap_threshold: float = Field(default=0.1, ge=0, description="Least value of a peak.")
    paf_threshold: float = Field(default=0.05, ge=0, description="Least value along a limb.")
    multi_scale_inference: bool = Field(default=False, description="Average several scales.")
    scales: list[PositiveFloat] = Field(
        default=[0.5, 1.0, 1.5, 2.0], min_length=1, description="Factors of input_shape."
    )
