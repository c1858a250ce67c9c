"""The `dataloader` section of a BodyPoseNet train spec, with TAO's keys."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from training.bpnet.tao_model import TaoModel
from training.common.spec import OptionalText


class PoseConfigSpec(TaoModel):
    """Which joints, and the size of the label maps."""

    tao_classes = ("BpNetPoseConfig",)

    target_shape: list[int] = Field(
        default=[32, 32], min_length=2, max_length=2, description="Label map height, width."
    )
    pose_config_path: OptionalText = Field(
        default=None,
        description="Joints and limbs in the form of bpnet_18joints.json; null: those 18 joints.",
    )


class ImageDims(TaoModel):
    """Size of the network's input in training."""

    height: int = Field(default=256, gt=0, description="Pixels.")
    width: int = Field(default=256, gt=0, description="Pixels.")
    channels: Literal[3] = Field(default=3, description="RGB.")


class ImageConfig(TaoModel):
    """The images of the data set."""

    image_dims: ImageDims = ImageDims()
    image_encoding: Literal["jpg", "jpeg", "png"] = Field(
        default="jpg",
        description="Of the files; they are decoded by their content, but a warning says where "
        "it is another.",
    )


class DatasetConfig(TaoModel):
    """Where records and images are."""

    root_data_path: str = Field(
        default="", description="Folder that image and mask paths in the records start from."
    )
    train_records_folder_path: str = Field(default="", description="Folder of the records.")
    train_records_path: list[str] = Field(
        default=[],
        description="Record files to train on, or patterns: `train-fold-*` takes every shard.",
    )
    val_records_folder_path: str = Field(default="", description="Folder of the records.")
    val_records_path: list[str] = Field(
        default=[], description="Record files for the validation loss; none: no validation."
    )
    dataset_specs: dict[str, str] = Field(
        default={}, description="Data-set name in the records to its dataset spec (coco_spec.json)."
    )


class NormalizationParams(TaoModel):
    """x / scale - offset for images (RGB, 0..255) and masks (0..255)."""

    image_scale: list[PositiveFloat] = Field(
        default=[256.0, 256.0, 256.0], min_length=3, max_length=3, description="Per channel."
    )
    image_offset: list[float] = Field(
        default=[0.5, 0.5, 0.5], min_length=3, max_length=3, description="Per channel."
    )
    mask_scale: list[PositiveFloat] = Field(
        default=[255.0], min_length=1, max_length=1, description="-"
    )
    mask_offset: list[float] = Field(default=[0.0], min_length=1, max_length=1, description="-")


class SpatialAugParams(TaoModel):
    """Ranges of the random affine transform; the defaults change nothing."""

    flip_lr_prob: float = Field(default=0.0, ge=0, le=1, description="Mirror left to right.")
    flip_tb_prob: float = Field(default=0.0, ge=0, le=1, description="Mirror top to bottom.")
    rotate_deg_max: float = Field(default=0.0, description="Degrees.")
    rotate_deg_min: float | None = Field(default=None, description="null: minus the maximum.")
    zoom_prob: float = Field(default=0.0, ge=0, le=1, description="How often to zoom at all.")
    zoom_ratio_min: float = Field(default=1.0, gt=0, description="Smallest zoom ratio.")
    zoom_ratio_max: float = Field(default=1.0, gt=0, description="Largest zoom ratio.")
    translate_max_x: float = Field(default=0.0, description="Pixels of the photo.")
    translate_min_x: float | None = Field(default=None, description="null: minus the maximum.")
    translate_max_y: float = Field(default=0.0, description="Pixels of the photo.")
    translate_min_y: float | None = Field(default=None, description="null: minus the maximum.")
    use_translate_ratio: bool = Field(
        default=False, description="Shift by a share of the photo instead of by pixels."
    )
    translate_ratio_max: float = Field(default=0.0, description="Share of width and height.")
    translate_ratio_min: float | None = Field(default=0.0, description="null: minus the maximum.")
    target_person_scale: float = Field(
        default=0.6, gt=0, description="person_centric: height of the person / input width."
    )

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> SpatialAugParams:
        for low, high in (
            ("rotate_deg_min", "rotate_deg_max"),
            ("translate_min_x", "translate_max_x"),
            ("translate_min_y", "translate_max_y"),
            ("translate_ratio_min", "translate_ratio_max"),
            ("zoom_ratio_min", "zoom_ratio_max"),
        ):
            lowest, highest = self.limits(low, high)
            if lowest > highest:
                raise ValueError(f"{low} is larger than {high}")
        return self

    def limits(self, low: str, high: str) -> tuple[float, float]:
        """The range of two keys; a missing minimum is minus the maximum."""
        lowest, highest = getattr(self, low), float(getattr(self, high))
        return -highest if lowest is None else float(lowest), highest


class AugmentationConfig(TaoModel):
    """How training images are varied."""

    tao_classes = ("AugmentationConfig",)

    spatial_augmentation_mode: Literal[
        "person_centric", "standard", "standard_with_fixed_aspect_ratio"
    ] = Field(
        default="person_centric",
        description="Around one person, around the image centre keeping the photo's aspect, "
        "or around the image centre with the network's aspect.",
    )
    spatial_aug_params: SpatialAugParams = SpatialAugParams()
    identity_spatial_aug_params: SpatialAugParams | None = Field(
        default=None, description="The same ranges for validation; null: no variation."
    )


class LabelProcessorConfig(TaoModel):
    """How labels are drawn."""

    paf_gaussian_sigma: float = Field(
        default=0.03,
        gt=0,
        description="Unused, as in the reference (fields have hard edges); a warning says so.",
    )
    heatmap_gaussian_sigma: float = Field(default=7.0, gt=0, description="Input pixels.")
    paf_ortho_dist_thresh: float = Field(
        default=1.0, gt=0, description="Half the width of a limb's field in label cells."
    )


class DataloaderSpec(TaoModel):
    """Records to batches."""

    tao_classes = ("BpNetDataloader",)

    batch_size: int = Field(default=10, gt=0, description="Images per step and GPU.")
    pose_config: PoseConfigSpec = PoseConfigSpec()
    image_config: ImageConfig = ImageConfig()
    dataset_config: DatasetConfig = DatasetConfig()
    normalization_params: NormalizationParams = NormalizationParams()
    augmentation_config: AugmentationConfig = AugmentationConfig()
    label_processor_config: LabelProcessorConfig = LabelProcessorConfig()
    shuffle_buffer_size: int = Field(
        default=20000, gt=0, description="Records from which the next one is drawn at random."
    )
    num_workers: int = Field(default=0, ge=0, description="Loader processes; 0: in the trainer.")

    @property
    def stride(self) -> int:
        """Input pixels per label cell."""
        return self.image_config.image_dims.height // self.pose_config.target_shape[0]

    @model_validator(mode="after")
    def _one_stride(self) -> DataloaderSpec:
        dims, (rows, columns) = self.image_config.image_dims, self.pose_config.target_shape
        if (rows * 8, columns * 8) != (dims.height, dims.width):
            raise ValueError(
                f"target_shape [{rows}, {columns}] must be image_dims "
                f"{dims.height} x {dims.width} divided by the network's stride of 8"
            )
        return self
