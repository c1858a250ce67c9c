import cv2
import numpy as np
import pytest
import torch

from converter import InputError
from tests.training.bpnet.datasets import make_dataset, write_dataset_spec
from tests.training.bpnet.figures import POSE, crowd
from training.bpnet.data import EpochSampler, PoseDataset, find_records, make_loader
from training.bpnet.dataloader_spec import DataloaderSpec, SpatialAugParams
from training.bpnet.dataset_convert import convert
from training.bpnet.dataset_spec import load_dataset_spec
from training.common.spec import make_spec


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("coco")
    make_dataset(root, [crowd(1, 2, 120, 240), crowd(1, 3, 80, 200)])
    convert(load_dataset_spec(write_dataset_spec(root)), "train", root / "train", 1, 0, True)
    return root


def loader_spec(root, **changes):
    data = {
        "root_data_path": str(root),
        "train_records_folder_path": str(root),
        "train_records_path": ["train-fold-*"],
        "dataset_specs": {"coco": str(root / "coco_spec.json")},
    }
    augment = {
        "spatial_augmentation_mode": "standard",
        "spatial_aug_params": {"rotate_deg_max": 30},
    }
    tree = {"batch_size": 2, "dataset_config": data, "augmentation_config": augment}
    return make_spec(DataloaderSpec, {**tree, **changes})


def test_a_sample(root):
    sample = PoseDataset(loader_spec(root), POSE)[0, 0]
    assert {key: tuple(value.shape) for key, value in sample.items()} == {
        "image": (3, 256, 256),
        "mask": (1, 32, 32),
        "labels": (57, 32, 32),
    }
    assert all(value.dtype == torch.float32 for value in sample.values())
    assert sample["image"].min() >= -0.5
    assert sample["image"].max() <= 0.5
    assert sample["mask"].max() == 1


def test_labels_lie_on_the_drawing(root):
    """Where the labels say limb, the image is not background."""
    sample = PoseDataset(loader_spec(root), POSE)[0, 1]
    coloured = sample["image"].max(dim=0).values - sample["image"].min(dim=0).values > 0.3
    cells = coloured.reshape(32, 8, 32, 8).any(dim=3).any(dim=1)
    joints = sample["labels"][38:56].max(dim=0).values > 0.9
    assert joints.sum() > 15
    assert (cells & joints).sum() / joints.sum() > 0.9


def test_samples_repeat_by_epoch_and_record_and_vary_between_epochs(root):
    dataset, again = (PoseDataset(loader_spec(root), POSE, seed=3) for _ in range(2))
    torch.testing.assert_close(dataset[2, 1]["image"], again[2, 1]["image"], rtol=0, atol=0)
    assert not torch.equal(dataset[2, 1]["image"], dataset[3, 1]["image"])


def test_validation_records_are_not_varied(root):
    spec = loader_spec(root)
    data = spec.dataset_config
    data.val_records_folder_path, data.val_records_path = str(root), data.train_records_path
    dataset = PoseDataset(spec, POSE, train=False)
    torch.testing.assert_close(dataset[0, 0]["image"], dataset[9, 0]["image"], rtol=0, atol=0)


def test_validation_has_people_as_large_as_training_or_as_its_own_ranges_say(root):
    spec = loader_spec(root)
    data, ranges = spec.dataset_config, spec.augmentation_config
    data.val_records_folder_path, data.val_records_path = str(root), data.train_records_path
    ranges.spatial_augmentation_mode = "person_centric"
    ranges.spatial_aug_params.target_person_scale = 0.3

    def image():
        return PoseDataset(spec, POSE, train=False)[0, 0]["image"]

    as_training = image()
    ranges.identity_spatial_aug_params = SpatialAugParams(target_person_scale=0.3)
    torch.testing.assert_close(image(), as_training, rtol=0, atol=0)
    ranges.identity_spatial_aug_params = SpatialAugParams(target_person_scale=0.6)
    assert not torch.equal(image(), as_training)


def test_the_mask_reaches_the_sample(root, tmp_path):
    dataset = PoseDataset(loader_spec(root), POSE)
    assert dataset[0, 0]["mask"].min() == 1
    path = root / dataset.records[0].mask_path
    kept = path.read_bytes()
    cv2.imwrite(str(path), np.zeros((256, 256), np.uint8))
    try:
        assert dataset[0, 0]["mask"].min() == 0
    finally:
        path.write_bytes(kept)


def test_normalisation_reaches_the_sample(root):
    plain = PoseDataset(loader_spec(root), POSE)[0, 0]
    params = {"image_scale": [255.0] * 3, "image_offset": [0.0] * 3, "mask_offset": [1.0]}
    other = PoseDataset(loader_spec(root, normalization_params=params), POSE)[0, 0]
    expected = (plain["image"] + 0.5) * 256 / 255
    torch.testing.assert_close(other["image"], expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(other["mask"], plain["mask"] - 1)


@pytest.mark.parametrize("workers", [0, 1])
def test_batches(root, workers):
    spec = loader_spec(root, num_workers=workers)
    loader = make_loader(PoseDataset(spec, POSE), spec, train=True)
    assert [len(batch["image"]) for batch in loader] == [2, 2, 1]


@pytest.mark.parametrize("buffer_size", [1, 3, 10, 100])
def test_every_record_once_an_epoch_in_another_order(buffer_size):
    sampler = EpochSampler(20, buffer_size, seed=1)
    orders = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        pairs = list(sampler)
        assert {e for e, _ in pairs} == {epoch}
        orders.append([index for _, index in pairs])
        assert sorted(orders[-1]) == list(range(20))
    assert (orders[0] == orders[1]) == (buffer_size == 1)


def test_a_small_buffer_shuffles_only_nearby():
    order = [index for _, index in EpochSampler(1000, 5, seed=1)]
    late = [index - place for place, index in enumerate(order)]
    assert max(late) <= 5


def test_processes_share_an_epoch_evenly():
    parts = [
        [index for _, index in EpochSampler(11, 100, seed=1, rank=rank, world_size=2)]
        for rank in range(2)
    ]
    assert [len(part) for part in parts] == [5, 5]
    assert len({*parts[0], *parts[1]}) == 10


def test_record_files_may_be_patterns_or_absolute(tmp_path):
    paths = [tmp_path / "train-fold-000-of-001", tmp_path / "train-fold-000-of-002"]
    for path in paths:
        path.touch()
    assert find_records(str(tmp_path), ["train-fold-*"]) == paths
    assert find_records("elsewhere", [f"{tmp_path}/train-fold-*"]) == paths
    assert find_records("", [str(paths[1])]) == paths[1:]
    for missing in ("", "none-*", f"{tmp_path}/none"):
        with pytest.raises(InputError, match="record file not found"):
            find_records(str(tmp_path), [missing])


def test_missing_pieces_are_named(root):
    spec = loader_spec(root)
    spec.dataset_config.train_records_path = ["none-*"]
    with pytest.raises(InputError, match=r"none-.* not found"):
        PoseDataset(spec, POSE)
    spec = loader_spec(root)
    spec.dataset_config.root_data_path = "/nowhere"
    with pytest.raises(InputError, match=r"nowhere.*check root_data_path"):
        PoseDataset(spec, POSE)[0, 0]
    spec = loader_spec(root)
    spec.dataset_config.dataset_specs = {}
    with pytest.raises(InputError, match="data set 'coco'"):
        PoseDataset(spec, POSE)[0, 0]
