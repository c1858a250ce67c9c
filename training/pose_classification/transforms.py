"""From a stored sequence to what the network is fed, as `dataset.*` of the spec says.

The order is: a stretch of the sequence, pre-normalise, turn, scale and mirror the body, move its
joints, fit the box, TAO's crop and drift, the stream, sampling. Only pre-normalising, the box, the
stream and sampling touch test data; the others are random and for training alone, as in TAO.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter import Layout
from training.pose_classification import augment, temporal
from training.pose_classification.prenormalise import fit_box, make_pre_normaliser
from training.pose_classification.spec_dataset import DatasetSpec
from training.pose_classification.streams import make_stream, parents

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Transforms:
    """What happens to the sequences of one spec.

    Attributes:
        dataset: The options.
        layout: The skeleton of the data.
        parent: (V,) from `parents`.
        pre_normalise: Puts a (C, T, V, M) sequence upright, or returns it as it is.
    """

    dataset: DatasetSpec
    layout: Layout
    parent: NDArray[np.intp]
    pre_normalise: Callable[[FloatArray], FloatArray]

    @classmethod
    def of(cls, dataset: DatasetSpec, layout: Layout) -> Transforms:
        """Read the options of a spec.

        Raises:
            InputError: The layout lacks what an option needs.
        """
        return cls(
            dataset, layout, parents(layout), make_pre_normaliser(layout, dataset.pre_normalise)
        )

    def train(self, sequence: FloatArray, rng: np.random.Generator) -> FloatArray:
        """A training sample.

        Args:
            sequence: (C, T, V, M).
            rng: Source of all randomness.

        Returns:
            (C, T', V, M).
        """
        spec = self.dataset
        sequence = self._trim(sequence)
        if spec.random_crop < 1:
            sequence = temporal.random_crop(sequence, spec.random_crop, rng)
        sequence = self._vary(self.pre_normalise(sequence), rng)
        if spec.fit_box:
            sequence = fit_box(sequence)
        if spec.random_choose:
            sequence = temporal.random_choose(sequence, spec.window_size, rng)
        elif spec.window_size > 0:
            sequence = temporal.pad(sequence, spec.window_size)
        if spec.random_move:
            sequence = augment.random_move(sequence, rng)
        sequence = make_stream(sequence, spec.stream, self.parent)
        if spec.sampling == "uniform":
            return temporal.uniform_sample(sequence, spec.clip_length, rng)
        if spec.sampling == "random":
            return temporal.random_sample(sequence, spec.clip_length, rng)
        return sequence

    def test(self, sequence: FloatArray) -> FloatArray:
        """The clips whose logits are averaged for a test.

        Args:
            sequence: (C, T, V, M).

        Returns:
            (K, C, T', V, M); K is 1 without sampling.
        """
        spec = self.dataset
        sequence = self.pre_normalise(self._trim(sequence))
        if spec.fit_box:
            sequence = fit_box(sequence)
        sequence = make_stream(sequence, spec.stream, self.parent)
        if spec.sampling != "none":
            return temporal.uniform_clips(sequence, spec.clip_length, spec.num_test_clips)
        return sequence[None]

    def _vary(self, sequence: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Turn, scale and mirror the body and move its joints."""
        spec = self.dataset
        if any(spec.random_rotation):
            sequence = augment.random_rotation(sequence, spec.random_rotation, rng)
        if spec.random_scale:
            sequence = augment.random_scale(sequence, spec.random_scale, rng)
        if spec.random_flip:
            sequence = augment.random_flip(sequence, self.layout.pairs, spec.random_flip, rng)
        if spec.random_jitter:
            sequence = augment.random_jitter(sequence, spec.random_jitter, rng)
        return sequence

    def _trim(self, sequence: FloatArray) -> FloatArray:
        """Without the padding behind, where frames are sampled from the whole length."""
        if self.dataset.sampling != "none":
            return sequence[:, : temporal.valid_length(sequence)]
        return sequence
