"""Loading samples; what is random in them depends on seed, epoch and turn alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from converter import get_layout
from tests.training.pose_classification.tiny import write_data
from training.pose_classification.data import (
    Draw,
    EpochSampler,
    TrainingSet,
    evaluation_loader,
    training_loader,
)
from training.pose_classification.sequences import (
    Sequences,
    digest,
    open_dataset,
    open_sequences,
)
from training.pose_classification.spec import ExperimentSpec
from training.pose_classification.spec_dataset import DatasetSpec, SkeletonData
from training.pose_classification.transforms import Transforms

NVIDIA = get_layout("nvidia")
RANDOM = DatasetSpec(
    random_choose=True,
    random_move=True,
    window_size=8,
    random_flip=0.5,
    batch_size=4,
    num_workers=0,
)


@pytest.fixture
def source(tmp_path) -> Sequences:
    section = SkeletonData(**write_data(tmp_path, "train", 10))
    spec = ExperimentSpec(dataset=DatasetSpec(num_classes=3, train_dataset=section))
    return open_dataset(spec, "dataset.train_dataset", NVIDIA)


def batches(source: Sequences, dataset: DatasetSpec, epoch: int = 0, skip: int = 0, seed: int = 5):
    sampler = EpochSampler(len(source) * dataset.repeat, seed)
    sampler.set_epoch(epoch)
    sampler.skip = skip
    transforms = Transforms.of(dataset, NVIDIA)
    return list(training_loader(source, dataset, transforms, sampler, seed))


def test_arrays_stay_on_disk(source):
    assert isinstance(source.data, np.memmap)
    assert source.read(0).flags.writeable


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int16, ">f4"])
def test_any_number_type_becomes_float32(tmp_path, dtype):
    data = np.arange(2 * 3 * 4 * 34).reshape(2, 3, 4, 34, 1) % 100
    np.save(tmp_path / "x.npy", np.asfortranarray(data.astype(dtype)))
    sequences = Sequences(open_sequences(tmp_path / "x.npy", 3, NVIDIA), np.zeros(2, int), tmp_path)
    assert sequences.read(1).dtype == np.float32
    np.testing.assert_array_equal(sequences.read(1), data[1])


def test_training_batches(source):
    loaded = batches(source, RANDOM)
    assert [tuple(samples.shape) for samples, _ in loaded] == [(4, 3, 8, 34, 1)] * 2  # drop_last
    assert loaded[0][0].dtype == torch.float32
    assert all(ids.dtype == torch.int64 for _, ids in loaded)


def test_repeat_sees_each_sequence_so_often(source):
    dataset = RANDOM.model_copy(update={"repeat": 3, "batch_size": 10})
    ids = torch.cat([ids for _, ids in batches(source, dataset)])
    assert torch.bincount(ids).tolist() == (3 * np.bincount(source.ids)).tolist()
    sampler = EpochSampler(30, 0)
    assert sorted(draw.turn % 10 for draw in sampler) == sorted(3 * list(range(10)))


def test_epochs_differ_and_repeat(source):
    first, again, second = (batches(source, RANDOM, epoch) for epoch in (0, 0, 1))
    assert torch.equal(first[0][0], again[0][0])
    assert not torch.equal(first[0][0], second[0][0])
    assert not torch.equal(first[0][0], batches(source, RANDOM, seed=6)[0][0])


def test_resumed_epoch_goes_on_where_it_was(source):
    whole, rest = batches(source, RANDOM), batches(source, RANDOM, skip=4)
    assert len(rest) == 1
    assert torch.equal(whole[1][0], rest[0][0])


def test_turns_of_a_sequence_are_augmented_differently(source):
    samples = TrainingSet(source, Transforms.of(RANDOM, NVIDIA), 0)
    first, second, other_epoch = (samples[Draw(*key)][0] for key in ((0, 2), (0, 12), (1, 2)))
    assert not torch.equal(first, second)
    assert not torch.equal(first, other_epoch)


def test_without_options_samples_are_the_stored_arrays(source):
    samples = TrainingSet(source, Transforms.of(DatasetSpec(), NVIDIA), 0)
    np.testing.assert_array_equal(samples[Draw(0, 3)][0], source.data[3])


def test_window_without_random_choose_pads_but_never_crops(source):
    for window, frames in ((30, 30), (8, 20), (-1, 20)):
        dataset = DatasetSpec(window_size=window)
        sample = TrainingSet(source, Transforms.of(dataset, NVIDIA), 0)[Draw(0, 0)][0]
        assert sample.shape[1] == frames
        np.testing.assert_array_equal(sample[:, :20], source.data[0])
        assert not sample[:, 20:].any()


def test_evaluation_is_not_augmented_and_in_order(source):
    loaded = list(evaluation_loader(source, Transforms.of(RANDOM, NVIDIA), 4, 0))
    clips = torch.cat([clips for clips, _ in loaded])
    assert clips.shape == (10, 1, 3, 20, 34, 1)
    np.testing.assert_array_equal(clips[:, 0], source.data)
    assert torch.cat([ids for _, ids in loaded]).tolist() == source.ids.tolist()


def test_evaluation_takes_stream_and_clips(source):
    dataset = DatasetSpec(
        stream="joint_motion", sampling="uniform", clip_length=5, num_test_clips=3
    )
    (clips, _), *_ = evaluation_loader(source, Transforms.of(dataset, NVIDIA), 4, 0)
    assert clips.shape == (4, 3, 3, 5, 34, 1)
    moved = source.data[2][:, 1:] - source.data[2][:, :-1]
    np.testing.assert_allclose(clips[2, 0, :, 0], moved[:, 0])  # the first sixth of 4 frames
    assert not torch.equal(clips[2, 0], clips[2, 2])


def test_evaluation_is_shared_out_without_doubles(source):
    transforms = Transforms.of(DatasetSpec(), NVIDIA)
    shares = [evaluation_loader(source, transforms, 4, 0, rank, 3) for rank in range(3)]
    seen = sorted(
        clip[0, 0, 0, 0, 0].item() for share in shares for batch, _ in share for clip in batch
    )
    assert seen == sorted(source.data[:, 0, 0, 0, 0].tolist())


@pytest.mark.parametrize("sampling", ["uniform", "random"])
def test_sampling_leaves_the_padding_out(sampling):
    data = np.zeros((1, 3, 40, 34, 1), dtype=np.float32)
    data[:, :, :10] = np.arange(1, 11)[:, None, None]
    dataset = DatasetSpec(sampling=sampling, clip_length=20)
    sample = Transforms.of(dataset, NVIDIA).train(data[0], np.random.default_rng(0))
    assert sample.shape == (3, 20, 34, 1)
    assert sample.min() == 1 and sample.max() == 10


def test_digest_follows_data_and_labels(tmp_path):
    section = SkeletonData(**write_data(tmp_path, "train", 4))
    before = digest(section)
    assert before == digest(section) and len(before) == 64
    write_data(tmp_path, "train", 5)
    assert digest(section) != before


def test_batches_by_length_hold_every_sequence_without_its_padding(tmp_path):
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 21, 40)
    data = np.ones((40, 3, 20, 34, 1), np.float32) * np.arange(1, 41).reshape(40, 1, 1, 1, 1)
    for sequence, length in zip(data, lengths, strict=True):
        sequence[:, length:] = 0
    source = Sequences(data, np.arange(40), tmp_path)
    np.testing.assert_array_equal(source.lengths(), lengths)
    transforms = Transforms.of(DatasetSpec(), NVIDIA)
    dataset = DatasetSpec(batch_size=8, num_workers=0, batch_by_length=True)

    def loaded(epoch, skip=0):
        sampler = EpochSampler(40, 5, lengths=source.lengths(), batch_size=8)
        sampler.set_epoch(epoch)
        sampler.skip = skip
        return list(training_loader(source, dataset, transforms, sampler, 5))

    batches = loaded(0)
    ids = torch.cat([ids for _, ids in batches])
    assert sorted(ids.tolist()) == list(range(40))
    spreads = []
    for samples, ids in batches:
        assert samples.shape[2] == lengths[ids].max()
        np.testing.assert_array_equal(samples, data[ids.numpy()][:, :, : samples.shape[2]])
        spreads.append(np.ptp(lengths[ids]))
    assert np.mean(spreads) < np.ptp(lengths) / 2
    order = [samples.shape[2] for samples, _ in batches]
    assert order != sorted(order)  # batches come in any order
    torch.testing.assert_close(loaded(0, skip=16), batches[2:])
    assert not torch.equal(loaded(1)[0][1], batches[0][1])


def test_batches_by_length_are_for_networks_that_ignore_padding():
    with pytest.raises(ValueError, match="batch_by_length: needs"):
        ExperimentSpec(dataset=DatasetSpec(batch_by_length=True), model={"padding": "tao"})
