"""Records to training samples, in an order that a resumed training repeats.

A sample depends only on the seed, the epoch and the record, not on loader processes or on what
was read before, so a training that was killed goes on as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from converter import InputError
from training.bpnet.arrays import Array
from training.bpnet.augment import (
    IMAGE_BORDER,
    MASK_BORDER,
    SpatialAugmenter,
    view_image,
    view_joints,
)
from training.bpnet.dataloader_spec import DataloaderSpec, SpatialAugParams
from training.bpnet.dataset_spec import load_dataset_spec
from training.bpnet.images import read_image
from training.bpnet.labels import LabelEncoder
from training.bpnet.pose_config import PoseConfig
from training.bpnet.records import Record, RecordIndex

Sample = dict[str, torch.Tensor]


class PoseDataset(Dataset[Sample]):
    """Samples of one split, by (epoch, record number).

    Args:
        spec: the train spec's `dataloader` section.
        pose: the network's joints.
        train: training records and variation, or validation.
        seed: of the variation.
        compat: draw labels with the reference's bugs.

    Raises:
        InputError: record files or dataset specs are missing or do not fit the pose.
    """

    def __init__(
        self,
        spec: DataloaderSpec,
        pose: PoseConfig,
        train: bool = True,
        seed: int = 0,
        compat: bool = False,
    ) -> None:
        data, augment = spec.dataset_config, spec.augmentation_config
        dims, target = spec.image_config.image_dims, spec.pose_config.target_shape
        self.pose, self.seed = pose, seed
        self.input_size, self.target_size = (dims.height, dims.width), (target[0], target[1])
        self.root = Path(data.root_data_path)
        self.records = RecordIndex(
            find_records(data.train_records_folder_path, data.train_records_path)
            if train
            else find_records(data.val_records_folder_path, data.val_records_path)
        )
        self.keypoint_maps = {
            name: load_dataset_spec(path).keypoint_map(pose, compat)
            for name, path in data.dataset_specs.items()
        }
        identity = augment.identity_spatial_aug_params or SpatialAugParams(
            target_person_scale=augment.spatial_aug_params.target_person_scale
        )
        self.augmenter = SpatialAugmenter(
            augment.spatial_augmentation_mode,
            augment.spatial_aug_params if train else identity,
            self.input_size,
        )
        self.encoder = LabelEncoder(
            pose,
            self.target_size,
            spec.stride,
            spec.label_processor_config.heatmap_gaussian_sigma,
            spec.label_processor_config.paf_ortho_dist_thresh,
            compat,
        )
        scales = spec.normalization_params
        self._image_scale = _row(scales.image_scale), _row(scales.image_offset)
        self._mask_scale = _row(scales.mask_scale), _row(scales.mask_offset)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        """The sample of a record in an epoch.

        Returns:
            `image` (3, H, W) float32, normalised RGB; `mask` (1, h, w) float32, 0..1; `labels`
            (2K + V + 1, h, w) float32, see `LabelEncoder`.
        """
        epoch, index = key
        record = self.records[index]
        image, mask = self._read(record.image_path), self._read(record.mask_path)[..., 0]
        view = self.augmenter.draw(
            np.random.default_rng((self.seed, epoch, index)),
            (image.shape[0], image.shape[1]),
            record.centers[0],
            float(record.scales[0]),
        )
        image = view_image(image, view, self.input_size, IMAGE_BORDER)
        mask = view_image(mask, view, self.input_size, MASK_BORDER)
        mask = cv2.resize(mask, self.target_size[::-1], interpolation=cv2.INTER_AREA)
        joints = view_joints(self._joints(record), view, self.pose)
        image_scale, image_offset = self._image_scale
        mask_scale, mask_offset = self._mask_scale
        return {
            "image": torch.from_numpy((image / image_scale - image_offset).transpose(2, 0, 1)),
            "mask": torch.from_numpy((mask / mask_scale - mask_offset)[None]),
            "labels": torch.from_numpy(self.encoder(joints)),
        }

    def _joints(self, record: Record) -> Array:
        if record.dataset not in self.keypoint_maps:
            raise InputError(
                f"records of data set '{record.dataset}': dataset_config.dataset_specs has no "
                "spec for it"
            )
        return self.keypoint_maps[record.dataset](record.joints)

    def _read(self, path: str) -> Array:
        try:
            return read_image(self.root / path)
        except ValueError as error:
            raise InputError(
                f"{self.root / path}: {error}; check root_data_path, or run dataset_convert again"
            ) from None


def _row(values: Sequence[float]) -> Array:
    return np.asarray(values, np.float32)


class EpochSampler(Sampler[tuple[int, int]]):
    """(epoch, record) pairs of one process, shuffled through a buffer.

    Args:
        count: number of records.
        buffer_size: records among which the next one is drawn; 0 keeps the order.
        seed: of the order.
        rank: this process.
        world_size: processes; each gets the same number of records.
    """

    def __init__(
        self, count: int, buffer_size: int, seed: int, rank: int = 0, world_size: int = 1
    ) -> None:
        self.count, self.buffer_size, self.seed = count, buffer_size, seed
        self.rank, self.world_size = rank, world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; the trainer calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count // self.world_size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = self._order(np.random.default_rng((self.seed, self.epoch)))
        for index in order[self.rank : len(self) * self.world_size : self.world_size]:
            yield self.epoch, index

    def _order(self, rng: np.random.Generator) -> list[int]:
        if not self.buffer_size:
            return list(range(self.count))
        if self.buffer_size >= self.count:
            return [int(index) for index in rng.permutation(self.count)]
        buffer = list(range(self.buffer_size))
        order = []
        for index in range(self.buffer_size, self.count):
            place = rng.integers(self.buffer_size)
            order.append(buffer[place])
            buffer[place] = index
        return order + [buffer[place] for place in rng.permutation(self.buffer_size)]


def make_loader(
    dataset: PoseDataset, spec: DataloaderSpec, train: bool, rank: int = 0, world_size: int = 1
) -> DataLoader[Sample]:
    """Batches of `spec.batch_size` for this process."""
    buffer_size = spec.shuffle_buffer_size if train else 0
    sampler = EpochSampler(len(dataset), buffer_size, dataset.seed, rank, world_size)
    return DataLoader(
        dataset,
        batch_size=spec.batch_size,
        sampler=sampler,
        num_workers=spec.num_workers,
        persistent_workers=spec.num_workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def find_records(folder: str, names: Sequence[str]) -> list[Path]:
    """The record files of a spec; a name may be a pattern such as `train-fold-*`, or absolute.

    Raises:
        InputError: a name matches nothing.
    """
    files: list[Path] = []
    for name in names:
        start, pattern = Path(folder), name
        if Path(name).is_absolute():
            start = Path(Path(name).anchor)
            pattern = str(Path(name).relative_to(start))
        found = sorted(start.glob(pattern)) if pattern else []
        if not found:
            raise InputError(
                f"{Path(folder) / name}: record file not found; make it with "
                "`bpnet dataset_convert`"
            )
        files += found
    return files
