"""Every option of the `pose_classification` tasks, with default, range and meaning.

Names, defaults and ranges are those of TAO's PoseClassificationNet. Options that TAO does
not have are marked "Beyond TAO"; at their defaults everything is as in TAO.
"""

from __future__ import annotations

import difflib
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from converter import layout_names
from training.common.spec import OptionalText, SpecModel
from training.pose_classification.spec_dataset import DatasetSpec, SkeletonData
from training.pose_classification.spec_deploy import (
    DatasetConvertSpec,
    ExportSpec,
    GenTrtEngineSpec,
)


class ModelSpec(SpecModel):
    """The network."""

    model_type: Literal["ST-GCN", "ST-GCN++", "CTR-GCN"] = Field(
        default="ST-GCN",
        description="The network. Beyond TAO: ST-GCN++ (PYSKL, arXiv 2205.09443) and CTR-GCN "
        "(arXiv 2107.12213), whose adjacency depends on the sequence.",
    )
    pretrained_model_path: OptionalText = Field(
        default=None,
        description="A .pth to start training from; weights that do not fit are listed.",
    )
    input_channels: int = Field(default=3, gt=0, description="Channels of the poses: x, y, z.")
    dropout: float = Field(default=0.5, ge=0, le=1, description="Probability to drop hidden units.")
    graph_layout: str = Field(
        default="nvidia",
        description="The skeleton: nvidia, openpose, human3.6m, ntu-rgb+d, ntu_edge, coco. "
        "Beyond TAO: kinect-v1, hdm05, mediapipe, or the path of a YAML file with your own layout.",
    )
    graph_strategy: Literal["uniform", "distance", "spatial", "spatial_full"] = Field(
        default="spatial",
        description="How neighbours are partitioned (section 3.3 of arXiv 1801.07455). TAO's "
        "spatial tells nearer from farther only next to the centre. Beyond TAO: spatial_full "
        "does so everywhere.",
    )
    edge_importance_weighting: bool = Field(
        default=True,
        description="Learn a weight for every edge in every block. For ST-GCN++ and CTR-GCN: "
        "learn the adjacency itself.",
    )
    padding: Literal["tao", "mask"] = Field(
        default="tao",
        description="What happens to zero frames at the end of a sequence. tao: they are input "
        "like any other and change the result. Beyond TAO: mask ignores them exactly, so the "
        "logits do not depend on how long a sequence was padded.",
    )
    base_channels: int = Field(
        default=64,
        gt=0,
        description="Beyond TAO: channels of the first blocks; the last have 4 times as many.",
    )
    fit_picture: bool = Field(
        default=False,
        description="Beyond TAO: the network first centres x and y of each person's sequence and "
        "divides them by their spread, so that place and size in the picture do not matter. For "
        "the pose types 2dbp and 25dbp.",
    )

    @field_validator("graph_layout")
    @classmethod
    def _known_layout(cls, value: str) -> str:
        names = layout_names()
        if value in names or value.endswith((".yaml", ".yml")):
            return value
        close = difflib.get_close_matches(value, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"layouts: {', '.join(names)}"
        raise ValueError(f"{value!r} is neither a known layout nor a .yaml file; {hint}")

    @model_validator(mode="after")
    def _a_channel_for_each_branch(self) -> ModelSpec:
        if self.model_type != "ST-GCN" and self.base_channels < 6:
            raise ValueError(
                f"base_channels {self.base_channels} is not allowed: "
                f"{self.model_type} has six branches and needs at least 6"
            )
        return self


class OptimSpec(SpecModel):
    """The SGD optimiser and its learning rate."""

    ignored: ClassVar[frozenset[str]] = frozenset({"optimizer_type"})
    lr: float = Field(default=0.1, gt=0, description="Initial learning rate.")
    momentum: float = Field(default=0.9, gt=0, description="Momentum.")
    nesterov: bool = Field(default=True, description="Nesterov momentum.")
    weight_decay: float = Field(default=1e-4, gt=0, description="Weight decay (L2).")
    lr_scheduler: Literal["MultiStep", "AutoReduce", "Cosine"] = Field(
        default="MultiStep",
        description="MultiStep: multiplies lr by lr_decay at the epochs lr_steps. AutoReduce: "
        "multiplies it when lr_monitor has not improved. Beyond TAO: Cosine lowers it to 0.",
    )
    lr_monitor: Literal["val_loss", "train_loss"] = Field(
        default="val_loss", description="What AutoReduce watches."
    )
    patience: int = Field(
        default=1,
        gt=0,
        description="Epochs without improvement before AutoReduce lowers the rate; of val_loss, "
        "epochs with a validation.",
    )
    min_lr: float = Field(default=1e-4, gt=0, description="Lowest rate that AutoReduce goes to.")
    lr_steps: list[Annotated[int, Field(ge=0)]] = Field(
        default=[10, 60],
        description="Epochs at which MultiStep lowers the rate.",
    )
    lr_decay: float = Field(default=0.1, gt=0, description="Factor by which the rate is lowered.")
    warmup_epochs: int = Field(
        default=0, ge=0, description="Beyond TAO: epochs in which the rate rises linearly to lr."
    )


class GpuSpec(SpecModel):
    """Which GPUs a task uses; without a GPU it runs on as many CPU processes."""

    num_gpus: int = Field(default=1, gt=0, description="Number of GPUs.")
    gpu_ids: list[int] = Field(default=[0], min_length=1, description="Indices of the GPUs.")

    @model_validator(mode="after")
    def _larger_wins(self) -> GpuSpec:
        if min(self.gpu_ids) < 0 or len(set(self.gpu_ids)) < len(self.gpu_ids):
            raise ValueError(f"gpu_ids: {self.gpu_ids} is not allowed: should be distinct, from 0")
        if self.num_gpus > len(self.gpu_ids):
            self.gpu_ids = list(range(self.num_gpus))
        self.num_gpus = len(self.gpu_ids)
        return self


class CudnnSpec(SpecModel):
    """cuDNN's settings."""

    benchmark: bool = Field(default=False, description="Let cuDNN search for its fastest kernels.")
    deterministic: bool = Field(default=True, description="Use cuDNN's repeatable kernels only.")


class TrainSpec(GpuSpec):
    """The training task."""

    num_nodes: int = Field(default=1, gt=0, description="Number of machines.")
    seed: int = Field(
        default=1234,
        lt=2**32,
        description="Seed of random, NumPy and torch; a negative one draws another in each run.",
    )
    cudnn: CudnnSpec = Field(default=CudnnSpec(), description="cuDNN.")
    num_epochs: int = Field(default=10, gt=0, description="Epochs to train.")
    checkpoint_interval: int = Field(default=1, gt=0, description="Epochs between checkpoints.")
    checkpoint_interval_unit: Literal["epoch", "step"] = Field(
        default="epoch", description="Unit of checkpoint_interval."
    )
    validation_interval: int = Field(default=1, gt=0, description="Epochs between validations.")
    resume_training_checkpoint_path: OptionalText = Field(
        default=None, description="Checkpoint to resume, instead of the latest in results_dir."
    )
    results_dir: OptionalText = Field(default=None, description="Default: <results_dir>/train.")
    optim: OptimSpec = Field(default=OptimSpec(), description="The optimiser (SGD).")
    grad_clip: float = Field(
        default=0.0,
        ge=0,
        description="Clip gradients to this L2 norm; 0: never.",
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="Beyond TAO: label smoothing of the cross-entropy."
    )
    ema_decay: float = Field(
        default=0.0, ge=0, lt=1, description="Beyond TAO: decay of averaged weights (EMA); 0: none."
    )
    precision: Literal[32, "bf16", "fp16", "auto"] = Field(
        default=32,
        description="Beyond TAO: arithmetic; bf16 and fp16 are automatic mixed precision; auto: "
        "bf16 where the machine has instructions for it, else 32.",
    )

    @model_validator(mode="after")
    def _intervals_fit(self) -> TrainSpec:
        for name in ("checkpoint_interval", "validation_interval"):
            if name == "checkpoint_interval" and self.checkpoint_interval_unit == "step":
                continue
            value = getattr(self, name)
            if value > self.num_epochs:
                raise ValueError(
                    f"{name}: {value} is not allowed: should be at most num_epochs "
                    f"({self.num_epochs})"
                )
        return self


class EvaluateSpec(GpuSpec):
    """The evaluation task."""

    ignored: ClassVar[frozenset[str]] = frozenset({"gpu_id", "num_nodes"})
    num_gpus: int = Field(default=1, gt=0, description="One GPU is used, whatever this says.")
    gpu_ids: list[int] = Field(
        default=[0], min_length=1, description="Index of the GPU: the first of these."
    )
    checkpoint: OptionalText = Field(
        default=None, description="The model: .pth. Beyond TAO: .onnx, or a TensorRT .plan/.engine."
    )
    trt_engine: OptionalText = Field(
        default=None,
        description="TensorRT engine, instead of checkpoint.",
    )
    results_dir: OptionalText = Field(default=None, description="Default: <results_dir>/<task>.")
    batch_size: int = Field(default=-1, ge=-1, description="Batch size; -1: that of the data set.")
    test_dataset: SkeletonData = Field(default=SkeletonData(), description="Test data.")

    @field_validator("batch_size")
    @classmethod
    def _batch_not_empty(cls, value: int) -> int:
        if value == 0:
            raise ValueError("0 is not allowed: should be -1 or a batch size")
        return value


class InferenceSpec(EvaluateSpec):
    """The inference task."""

    output_file: OptionalText = Field(
        default=None, description="Text file for the results, one line per sequence."
    )
    scores: bool = Field(
        default=False,
        description="Beyond TAO: write all classes with their scores, the best first.",
    )


class ExperimentSpec(SpecModel):
    """A whole spec."""

    ignored: ClassVar[frozenset[str]] = frozenset({"model_name", "wandb"})
    results_dir: OptionalText = Field(default="/results", description="Folder of all results.")
    encryption_key: OptionalText = Field(
        default=None, description="Key to encrypt checkpoints with, and to read them."
    )
    model: ModelSpec = Field(default=ModelSpec(), description="The network.")
    dataset: DatasetSpec = Field(default=DatasetSpec(), description="Data.")
    train: TrainSpec = Field(default=TrainSpec(), description="The task train.")
    evaluate: EvaluateSpec = Field(default=EvaluateSpec(), description="The task evaluate.")
    inference: InferenceSpec = Field(default=InferenceSpec(), description="The task inference.")
    export: ExportSpec = Field(default=ExportSpec(), description="The task export.")
    dataset_convert: DatasetConvertSpec = Field(
        default=DatasetConvertSpec(), description="The task dataset_convert."
    )
    gen_trt_engine: GenTrtEngineSpec = Field(
        default=GenTrtEngineSpec(), description="The task gen_trt_engine."
    )

    @model_validator(mode="after")
    def _padding_may_be_left_out(self) -> ExperimentSpec:
        if self.dataset.batch_by_length and self.model.padding != "mask":
            raise ValueError("dataset.batch_by_length: needs model.padding=mask")
        return self

    @model_validator(mode="after")
    def _bodies_can_be_moved(self) -> ExperimentSpec:
        data, channels = self.dataset, self.model.input_channels
        if data.random_move and channels == 1:
            raise ValueError("dataset.random_move: needs model.input_channels of at least 2")
        if any(data.random_rotation) and channels not in (2, 3):
            raise ValueError(
                f"dataset.random_rotation: needs model.input_channels 2 or 3, not {channels}"
            )
        return self

    @model_validator(mode="after")
    def _poses_are_in_a_picture(self) -> ExperimentSpec:
        data = self.dataset
        if self.model.fit_picture and (data.pose_type == "3dbp" or data.stream != "joint"):
            raise ValueError(
                "model.fit_picture: needs poses in a picture, dataset.pose_type=2dbp or 25dbp and "
                f"dataset.stream=joint, not {data.pose_type} and {data.stream}"
            )
        return self
