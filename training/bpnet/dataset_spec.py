"""The dataset spec (`coco_spec.json`): where a data set in COCO form lies and what it labels."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from converter import InputError
from training.bpnet.keypoints import KeypointMap
from training.bpnet.pose_config import PoseConfig
from training.bpnet.tao_model import TaoModel
from training.common.spec import make_spec


class SplitSpec(TaoModel):
    """Paths of one split, relative to the root directory."""

    images_root_dir_path: str
    mask_root_dir_path: str
    annotation_root_dir_path: str


class CategorySpec(TaoModel):
    """The person category: the data set's own keypoints."""

    supercategory: str = "person"
    id: int = 1
    name: str = "person"
    num_joints: int | None = None
    keypoints: list[str] = Field(min_length=1)
    skeleton: list[list[int]] = Field(default=[])
    skeleton_edge_names: list[list[str]] = Field(default=[])
    sigmas: list[float] | None = Field(
        default=None, description="COCO's per-joint tolerance for evaluating other joint sets."
    )

    @model_validator(mode="after")
    def _counts_agree(self) -> CategorySpec:
        count = len(self.keypoints)
        if self.num_joints not in (None, count):
            raise ValueError(f"num_joints is {self.num_joints} but {count} keypoints follow")
        if self.sigmas is not None and len(self.sigmas) != count:
            raise ValueError(f"{len(self.sigmas)} sigmas for {count} keypoints")
        return self


class VisibilityFlags(TaoModel):
    """The data set's visibility numbers, and what they mean here."""

    value: dict[str, int] = Field(default={"visible": 2, "occluded": 1, "not_labeled": 0})
    mapping: dict[str, str] = Field(default={})


class FilteringParams(TaoModel):
    """Which persons are worth training around."""

    min_acceptable_height: float = Field(default=32, ge=0, description="Pixels.")
    min_acceptable_width: float = Field(default=32, ge=0, description="Pixels.")
    min_acceptable_kpts: int = Field(default=5, ge=0, description="Labelled keypoints.")
    min_acceptable_interperson_dist_ratio: float = Field(
        default=0.3, ge=0, description="Distance of centres / size of the earlier person."
    )


class DatasetSpec(TaoModel):
    """Everything `bpnet dataset_convert` and `bpnet evaluate` need to know of a data set."""

    dataset: str = "coco"
    root_directory_path: str = ""
    train_data: SplitSpec
    test_data: SplitSpec
    duplicate_data_with_each_person_as_center: bool = Field(
        default=True, description="A record per main person; false: only for the first."
    )
    categories: list[CategorySpec] = Field(min_length=1)
    visibility_flags: VisibilityFlags = VisibilityFlags()
    data_filtering_params: FilteringParams = FilteringParams()

    @field_validator("categories")
    @classmethod
    def _has_person(cls, categories: list[CategorySpec]) -> list[CategorySpec]:
        if not any(category.name == "person" for category in categories):
            raise ValueError("no category named 'person'")
        return categories

    @property
    def person(self) -> CategorySpec:
        """The person category."""
        return next(category for category in self.categories if category.name == "person")

    @property
    def root(self) -> Path:
        """The root directory."""
        return Path(self.root_directory_path)

    def split(self, mode: str) -> SplitSpec:
        """`train` or `test`."""
        return self.train_data if mode == "train" else self.test_data

    def keypoint_map(self, pose: PoseConfig, compat: bool = False) -> KeypointMap:
        """From this data set's keypoints to the network's joints."""
        flags = self.visibility_flags
        return KeypointMap(self.person.keypoints, pose, flags.value, flags.mapping, compat)


def load_dataset_spec(path: str | Path) -> DatasetSpec:
    """Read a dataset spec.

    Raises:
        InputError: unreadable, not JSON, unknown or missing keys.
    """
    try:
        tree = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read the dataset spec: {error}") from None
    if not isinstance(tree, dict):
        raise InputError(f"{path}: a dataset spec is a JSON object")
    return make_spec(DatasetSpec, tree, source=str(path))
