"""Cutting tracks: NVIDIA's rule restated, the dense rule's promises, growth in any steps."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from converter import ConvertConfig, InputError, segment_bounds
from converter.segment import LABEL_POLICIES, Segmenter


@st.composite
def configs(draw) -> ConvertConfig:
    length = draw(st.integers(2, 30))
    try:
        return ConvertConfig(
            sequence_length=length,
            sequence_length_min=draw(st.integers(1, length)),
            sequence_overlap=draw(st.floats(0.01, 0.99)),
        )
    except InputError:
        assume(False)
        raise


lengths = st.integers(0, 120)


@given(lengths, configs())
def test_tao_is_nvidias_loop(length: int, config: ConvertConfig):
    bounds, start = [], 0
    while length - start >= config.sequence_length_min:
        bounds.append((start, min(start + config.sequence_length, length)))
        start += config.stride
    assert segment_bounds(length, config) == segment_bounds(length, config, "tao") == bounds


@given(lengths, configs())
def test_dense_covers_the_track_with_full_segments(length: int, config: ConvertConfig):
    bounds = segment_bounds(length, config, "dense")
    if length < config.sequence_length_min:
        assert bounds == []
        return
    assert (bounds[0][0], bounds[-1][1]) == (0, length)
    assert {end - start for start, end in bounds} == {min(length, config.sequence_length)}
    starts = [start for start, _ in bounds]
    steps = [after - before for before, after in pairwise(starts)]
    assert all(step == config.stride for step in steps[:-1])
    assert all(0 < step <= config.stride for step in steps[-1:])
    assert len(bounds) <= len(segment_bounds(length, config)) + 1


@pytest.mark.parametrize(("overlap", "length"), [(0.25, 30), (0.5, 30), (0.5, 19), (0.9, 23)])
def test_dense_gives_a_frame_to_the_nearest_middle_the_later_of_two(overlap: float, length: int):
    config = ConvertConfig(sequence_length=10, sequence_overlap=overlap)
    segmenter = Segmenter(config, "dense")
    cuts = segmenter.grow(length) + segmenter.close()
    claimed = {frame: cut for cut in cuts for frame in range(cut.labels_from, cut.end)}
    for frame in range(length):
        nearest = min(cuts, key=lambda cut: (abs(cut.start + cut.end - 1 - 2 * frame), -cut.start))
        assert claimed[frame] == nearest


@given(st.lists(st.integers(0, 40), max_size=8), configs(), st.sampled_from(LABEL_POLICIES))
def test_a_track_may_grow_in_any_steps(steps: list[int], config: ConvertConfig, policy):
    grown = Segmenter(config, policy)
    cuts = []
    for step in steps:
        cuts += grown.grow(step)
        needed = grown.needed_from
    rest = grown.close()
    whole = Segmenter(config, policy)
    assert cuts + rest == whole.grow(sum(steps)) + whole.close()
    assert grown.length == sum(steps)
    if steps:
        assert all(cut.start >= needed and cut.labels_from >= needed for cut in rest)
        assert sum(steps) - needed <= config.sequence_length, "keeps no more than a segment"


def test_unknown_policy():
    with pytest.raises(InputError, match="label policy is 'late', must be one of"):
        segment_bounds(220, ConvertConfig(), "late")  # type: ignore[arg-type]
