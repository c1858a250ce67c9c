"""COCO keypoints to training records and loss masks."""

from __future__ import annotations

import contextlib
import logging
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from converter import InputError
from training.bpnet.coco import CocoAnnotations, Image, Person, read_coco
from training.bpnet.dataset_spec import DatasetSpec, FilteringParams
from training.bpnet.images import check_image, read_image
from training.bpnet.masks import loss_mask
from training.bpnet.records import Record, RecordWriter, encode
from training.common.progress import progress
from training.common.results import write_atomic

logger = logging.getLogger(__name__)


@dataclass
class Summary:
    """What a conversion did.

    Attributes:
        files: the record files, in order.
        images: images with a record.
        records: one per main person.
        masks: mask images written.
        skipped: a line for each image or annotation that was left out because it is damaged.
    """

    files: list[Path]
    images: int = 0
    records: int = 0
    masks: int = 0
    skipped: list[str] = field(default_factory=list)


def main_people(
    people: Sequence[Person], limits: FilteringParams, compat: bool = False
) -> list[Person]:
    """People worth training around: large, with keypoints, and apart from each other.

    Args:
        people: all annotations of an image.
        limits: the data set's filter.
        compat: Measure distances against the size of the image's last annotation, as the
            reference does by mistake, instead of the earlier person's.
    """
    area = limits.min_acceptable_height * limits.min_acceptable_width
    chosen: list[Person] = []
    for person in people:
        if person.num_keypoints < limits.min_acceptable_kpts or person.area < area:
            continue
        if all(
            math.dist(person.centre, earlier.centre)
            >= limits.min_acceptable_interperson_dist_ratio
            * (people[-1] if compat else earlier).size
            for earlier in chosen
        ):
            chosen.append(person)
    return chosen


def convert(
    spec: DatasetSpec,
    mode: str,
    output: Path,
    num_partitions: int = 1,
    num_shards: int = 0,
    generate_masks: bool = False,
    check_files: bool = False,
    compat: bool = False,
) -> Summary:
    """Write `OUTPUT-fold-000-of-001` (and more) with a record per main person.

    Args:
        spec: where the data set is.
        mode: `train` or `test`.
        output: start of the record files' names.
        num_partitions: folds; records are dealt out in turn.
        num_shards: files per fold; 0 gives one without a shard's number.
        generate_masks: also write the loss masks.
        check_files: also decode every image and mask in full.
        compat: see `main_people` and `loss_mask`; masks keep the photo's file name.

    Raises:
        InputError: unreadable annotations, nothing to write, or no place to write to; a mask that
            would replace a photo.
    """
    split = spec.split(mode)
    annotations = read_coco(
        spec.root / split.annotation_root_dir_path, spec.person.keypoints, spec.person.id
    )
    summary = Summary(record_files(output, num_partitions, num_shards))
    summary.skipped += annotations.damaged
    masks = mask_names(annotations.images.values(), compat)
    if generate_masks:
        _check_masks(spec, mode, annotations, masks)
    converter = _Converter(
        spec, mode, annotations, masks, generate_masks, check_files, compat, summary
    )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with _writers(summary.files) as writers:
            for index, record in enumerate(converter.records()):
                writers[index % len(writers)].write(encode(record))
                summary.records += 1
            if not summary.records:
                raise InputError(
                    f"{spec.root / split.annotation_root_dir_path}: no person passes the filter "
                    f"({len(summary.skipped)} entries were damaged); no records were written"
                )
        listing = output.with_name(f"{output.name}-skipped.txt")
        if summary.skipped:
            write_atomic(listing, "".join(f"{line}\n" for line in summary.skipped).encode())
        else:
            listing.unlink(missing_ok=True)  # that of an earlier conversion
    except OSError as error:
        raise InputError(f"{error.filename or output}: cannot write: {error.strerror}") from None
    return summary


def record_files(output: Path, num_partitions: int, num_shards: int) -> list[Path]:
    """Names of the record files, folds first."""
    folds = [f"{output}-fold-{i:03}-of-{num_partitions:03}" for i in range(num_partitions)]
    if num_shards:
        folds = [f"{f}-shard-{s:05}-of-{num_shards:05}" for f in folds for s in range(num_shards)]
    return [Path(fold) for fold in folds]


def mask_names(images: Collection[Image], compat: bool = False) -> Mapping[int, str]:
    """Names of the masks by image id: PNG, or with `compat` the photo's own name.

    Photos that differ only in the suffix keep it before that of the mask.
    """
    if compat:
        return {image.id: image.file_name for image in images}
    plain = {image.id: Path(image.file_name).with_suffix(".png") for image in images}
    whole = {image.id: Path(f"{image.file_name}.png") for image in images}
    shared = Counter([*plain.values(), *whole.values()])
    return {key: str(whole[key] if shared[name] > 1 else name) for key, name in plain.items()}


def _check_masks(
    spec: DatasetSpec, mode: str, annotations: CocoAnnotations, masks: Mapping[int, str]
) -> None:
    split = spec.split(mode)
    photo_root = (spec.root / split.images_root_dir_path).resolve()
    mask_root = (spec.root / split.mask_root_dir_path).resolve()
    photos = {photo_root / image.file_name for image in annotations.images.values()}
    for name in masks.values():
        if mask_root / name in photos:
            raise InputError(
                f"{mask_root / name}: the mask would replace a photo; give mask_root_dir_path a "
                "folder of its own"
            )


@contextlib.contextmanager
def _writers(files: Sequence[Path]) -> Iterator[list[RecordWriter]]:
    """Writers beside the final names, which appear together when all went well."""
    beside = [file.with_name(f".{file.name}.part") for file in files]
    try:
        with contextlib.ExitStack() as stack:
            yield [RecordWriter(stack.enter_context(path.open("wb"))) for path in beside]
        for path, file in zip(beside, files, strict=True):
            path.replace(file)
    finally:
        for path in beside:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Converter:
    spec: DatasetSpec
    mode: str
    annotations: CocoAnnotations
    mask_names: Mapping[int, str]
    generate_masks: bool
    check_files: bool
    compat: bool
    summary: Summary

    def records(self) -> Iterator[Record]:
        split = self.spec.split(self.mode)
        people_of = self.annotations.people
        for image_id in progress(people_of, f"{self.mode} records", len(people_of)):
            image, people = self.annotations.images[image_id], people_of[image_id]
            image_path = f"{split.images_root_dir_path}/{image.file_name}"
            mask_path = f"{split.mask_root_dir_path}/{self.mask_names[image_id]}"
            try:
                photo = self.spec.root / image_path
                check_image(photo, image.height, image.width, in_full=self.check_files)
                if self.generate_masks:
                    self._write_mask(image, people, mask_path)
                elif self.check_files:
                    read_image(self.spec.root / mask_path)
            except ValueError as error:
                self.summary.skipped.append(f"{image_path}: {error}")
                continue
            mains = main_people(people, self.spec.data_filtering_params, self.compat)
            if not self.spec.duplicate_data_with_each_person_as_center:
                mains = mains[:1]
            self.summary.images += bool(mains)
            for main in mains:
                yield self._record(image, image_path, mask_path, main, people)

    def _record(
        self,
        image: Image,
        image_path: str,
        mask_path: str,
        main: Person,
        people: Sequence[Person],
    ) -> Record:
        others = [p for p in people if p is not main and p.num_keypoints]
        everybody = [main, *others]
        return Record(
            image.id,
            image.height,
            image.width,
            image_path,
            mask_path,
            self.spec.dataset,
            np.stack([p.keypoints for p in everybody]),
            np.array([p.bbox[3] for p in everybody]),
            np.array([p.centre for p in everybody]),
            people.index(main),
        )

    def _write_mask(self, image: Image, people: Sequence[Person], path: str) -> None:
        mask = loss_mask(people, image.height, image.width, self.compat)
        target = self.spec.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _, encoded = cv2.imencode(target.suffix, mask)
        except cv2.error:
            raise ValueError(
                f"OpenCV writes no mask of the kind '{target.suffix}'; leave out --compat"
            ) from None
        write_atomic(target, encoded.tobytes())
        self.summary.masks += 1
