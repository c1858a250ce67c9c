"""The train spec of BodyPoseNet (`bpnet_train_m1_coco.yaml` and the like), with TAO's keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PositiveInt, Tag, model_validator

from training.bpnet.dataloader_spec import DataloaderSpec
from training.bpnet.tao_model import TaoModel
from training.common.spec import OptionalText


class BackboneSpec(TaoModel):
    """The feature extractor, stride 8."""

    architecture: Literal["vgg", "efficientnet_lite0"] = Field(
        default="vgg",
        description="vgg: VGG19 to block 4 without pooling; efficientnet_lite0: 20 times lighter.",
    )
    mtype: Literal["default"] = Field(default="default", description="The only one there is.")
    use_bias: bool = Field(default=False, description="Biases in the VGG convolutions.")
    add_final_c128_conv: bool = Field(
        default=False, description="One more 3x3 convolution, of 128 channels, behind VGG."
    )

    @model_validator(mode="after")
    def _belongs_to_vgg(self) -> BackboneSpec:
        for key in ("use_bias", "add_final_c128_conv"):
            if getattr(self, key) and self.architecture != "vgg":
                raise ValueError(f"{key} belongs to vgg, not to {self.architecture}")
        return self


class ModelSpec(TaoModel):
    """The network: backbone, then stages that predict heatmaps and PAFs."""

    tao_classes = ("BpNetLiteModel",)

    backbone_attributes: BackboneSpec = BackboneSpec()
    stages: int = Field(default=6, ge=2, description="Initial stage and refinements.")
    heat_channels: int | None = Field(
        default=None, description="Joints + 1; null: as the pose config says."
    )
    paf_channels: int | None = Field(
        default=None, description="2 per limb; null: as the pose config says."
    )
    stage_channels: int = Field(
        default=128, gt=0, description="Width of the stages (the reference: 128)."
    )
    stage1_kernel_sizes: list[PositiveInt] = Field(
        default=[3, 3, 3], min_length=1, description="Initial stage."
    )
    stageT_kernel_sizes: list[PositiveInt] = Field(  # noqa: N815 - the key is TAO's
        default=[7, 7, 7, 7, 7], min_length=1, description="Refinement stages."
    )
    residual_stages: bool = Field(
        default=False,
        description="Refinement stages correct the maps before them instead of predicting anew, "
        "so that they cannot be worse; not in TAO.",
    )
    use_self_attention: bool = Field(
        default=False, description="Gate the features of the refinement stages' two branches."
    )
    data_format: Literal["channels_last", "channels_first"] = Field(
        default="channels_last", description="Layout of the tensors in memory (speed only)."
    )
    use_bias: bool = Field(default=True, description="Biases in the stages.")
    regularization_type: Literal["l1", "l2", "l1_l2"] = Field(
        default="l1", description="Penalty on weights; l1 before pruning."
    )
    kernel_regularization_factor: float = Field(default=1e-9, ge=0, description="On kernels.")
    bias_regularization_factor: float = Field(default=1e-9, ge=0, description="On biases.")
    kernel_initializer: Literal["random_normal", "xavier", "xavier_zero_output"] = Field(
        default="random_normal",
        description="Of the stages: a standard deviation of 0.01, Glorot's, or Glorot's with "
        "outputs that begin near zero (for AdamW).",
    )


class SoftstartAnnealing(TaoModel):
    """Learning rate that rises, stays and falls, all in the logarithm."""

    tao_classes = ("SoftstartAnnealingLearningRateSchedule",)
    tao_others = ("BpNetExponentialDecayLRSchedule",)

    soft_start: float = Field(default=0.05, ge=0, lt=1, description="Share of steps to rise in.")
    annealing: float = Field(default=0.5, gt=0, le=1, description="Share after which to fall.")
    base_learning_rate: float = Field(default=2e-5, gt=0, description="The plateau, for one GPU.")
    min_learning_rate: float = Field(default=8e-8, gt=0, description="Start and end.")
    last_step: int | None = Field(
        default=None, gt=0, description="Steps of the schedule; null: all."
    )

    @model_validator(mode="after")
    def _rises(self) -> SoftstartAnnealing:
        if self.min_learning_rate > self.base_learning_rate:
            raise ValueError(
                f"min_learning_rate {self.min_learning_rate} is larger than base_learning_rate "
                f"{self.base_learning_rate}"
            )
        return self


class ExponentialDecay(TaoModel):
    """Learning rate that is multiplied by `decay_rate` every `decay_epochs`."""

    tao_classes = ("BpNetExponentialDecayLRSchedule",)

    learning_rate: float = Field(default=2e-5, gt=0, description="Start, for one GPU.")
    decay_epochs: float = Field(default=17, gt=0, description="Epochs per factor.")
    decay_rate: float = Field(default=0.333, gt=0, le=1, description="The factor.")
    min_learning_rate: float = Field(default=8.18938e-8, gt=0, description="Never below.")
    staircase: bool = Field(default=True, description="In steps; false: smoothly.")


def _schedule_tag(value: Any) -> str:
    if isinstance(value, ExponentialDecay):
        return "[exponential]"
    name = value.get("__class_name__", "") if isinstance(value, dict) else ""
    return "[exponential]" if "Exponential" in str(name) else "[softstart]"


Schedule = Annotated[
    Annotated[SoftstartAnnealing, Tag("[softstart]")]
    | Annotated[ExponentialDecay, Tag("[exponential]")],
    Discriminator(_schedule_tag),
]


class WeightedMomentum(TaoModel):
    """Gradient descent with momentum and a weight per layer."""

    tao_classes = ("WeightedMomentumOptimizer",)
    tao_others = ("AdamWOptimizer",)

    learning_rate_schedule: Schedule = SoftstartAnnealing()
    grad_weights_dict: dict[str, float] | None = Field(
        default=None, description="Part of a parameter's name to the factor of its gradient."
    )
    weight_default_value: float = Field(default=1.0, ge=0, description="Factor of the others.")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="-")
    use_nesterov: bool = Field(default=False, description="-")


class AdamW(TaoModel):
    """AdamW (Loshchilov and Hutter, 2019); the layer weights scale the learning rate."""

    tao_classes = ("AdamWOptimizer",)

    learning_rate_schedule: Schedule = SoftstartAnnealing()
    weight_decay: float = Field(default=0.0, ge=0, description="-")
    grad_clip: float = Field(default=0.0, ge=0, description="Largest gradient norm; 0: no limit.")


def _optimizer_tag(value: Any) -> str:
    if isinstance(value, AdamW):
        return "[adamw]"
    name = value.get("__class_name__", "") if isinstance(value, dict) else ""
    return "[adamw]" if "Adam" in str(name) else "[momentum]"


Optimizer = Annotated[
    Annotated[WeightedMomentum, Tag("[momentum]")] | Annotated[AdamW, Tag("[adamw]")],
    Discriminator(_optimizer_tag),
]


class FocalLossParams(TaoModel):
    """Weights errors by how wrong the prediction is."""

    use_focal_loss: bool = Field(default=False, description="Use them at all.")
    alpha: float = Field(default=0.1, description="Slack on joints and limbs.")
    beta: float = Field(default=0.02, description="Slack on background.")
    bkg_thresh: float = Field(default=0.01, description="Labels up to this are background.")
    gamma: float = Field(default=1.0, ge=0, description="Exponent of the weight.")


class LossSpec(TaoModel):
    """Masked squared error, or its focal form."""

    tao_classes = ("BpNetLoss",)

    focal_loss_params: FocalLossParams | None = FocalLossParams()


class FinetuningConfig(TaoModel):
    """Start from the weights of another training."""

    is_finetune_exp: bool = Field(default=False, description="Whether this is such a training.")
    checkpoint_path: OptionalText = Field(default=None, description="Its checkpoint.")
    ckpt_epoch_num: int = Field(
        default=0, ge=0, description="Epochs done before, where schedule and names go on."
    )


def _number_is_text(value: object) -> object:
    return str(value) if isinstance(value, int) else value


class TrainSpec(TaoModel):
    """Everything `bpnet train` reads."""

    tao_classes = ("BpNetTrainer",)

    checkpoint_dir: OptionalText = Field(default=None, description="Results; -r overrides it.")
    log_every_n_secs: float = Field(
        default=30, gt=0, description="Between progress lines; a terminal has a bar instead."
    )
    checkpoint_n_epoch: int = Field(default=5, gt=0, description="Epochs between checkpoints.")
    num_epoch: int = Field(default=100, gt=0, description="Passes over the records.")
    summary_every_n_steps: int = Field(default=20, gt=0, description="TensorBoard scalars.")
    infrequent_summary_every_n_steps: int = Field(
        default=0, ge=0, description="TensorBoard pictures of labels and predictions; 0: never."
    )
    validation_every_n_epoch: int = Field(default=5, gt=0, description="Epochs between.")
    max_ckpt_to_keep: int = Field(default=100, gt=0, description="Older checkpoints are deleted.")
    random_seed: int = Field(
        default=42, ge=0, lt=2**32, description="Of weights, order and augmentation."
    )
    pretrained_weights: OptionalText = Field(
        default=None,
        description="Weights to start from: .pth (a model of this project, torchvision's VGG19, "
        "EfficientNet-Lite0) or .hdf5; `imagenet` with efficientnet_lite0: those of its package.",
    )
    load_graph: bool = Field(
        default=False, description="Take the layer widths of pretrained_weights, a pruned model."
    )
    finetuning_config: FinetuningConfig = FinetuningConfig()
    use_stagewise_lr_multipliers: bool = Field(
        default=True,
        description="Learning rate x1 for backbone and stage 1, x4 behind; biases twice that.",
    )
    compat: bool = Field(
        default=False,
        description="Repeat the reference's label bugs (erased PAFs, necks of unlabelled "
        "shoulders).",
    )
    precision: Annotated[Literal["32", "bf16", "16"], BeforeValidator(_number_is_text)] = Field(
        default="32", description="Of the training."
    )
    dataloader: DataloaderSpec = DataloaderSpec()
    model: ModelSpec = ModelSpec()
    optimizer: Optimizer = WeightedMomentum()
    loss: LossSpec = LossSpec()
    inference_spec: OptionalText = Field(
        default=None,
        description="The inference spec that belongs to this one: must be a valid one where given; "
        "training itself does not use it.",
    )

    @model_validator(mode="after")
    def _whole_checkpoints(self) -> TrainSpec:
        if self.num_epoch % self.checkpoint_n_epoch:
            raise ValueError(
                f"checkpoint_n_epoch {self.checkpoint_n_epoch} must divide num_epoch "
                f"{self.num_epoch}, or the last epochs would be lost"
            )
        if self.finetuning_config.is_finetune_exp and not self.finetuning_config.checkpoint_path:
            raise ValueError("finetuning_config.is_finetune_exp needs a checkpoint_path")
        return self
