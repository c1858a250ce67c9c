import cv2
import numpy as np
import pytest
import torch

from tests.training.bpnet.figures import POSE, crowd
from training.bpnet.graph_parser import GraphParser
from training.bpnet.labels import LabelEncoder
from training.bpnet.postprocess import PeopleParser

torch.set_num_threads(1)


def maps_of(seed, height=30, width=46):
    """Noisy labels of six people: heatmaps (1, 19, h, w), PAFs (1, 38, h, w)."""
    rng = np.random.default_rng(seed)
    joints = crowd(2, 3, 104, 100, rng)
    joints[..., :2] += 20  # at the very edge the enlarged map has peaks of its own
    labels = torch.from_numpy(LabelEncoder(POSE, (height, width), stride=8)(joints))
    noise = rng.normal(0, 0.03, (height, width, len(labels))).astype(np.float32)
    labels = labels + torch.from_numpy(cv2.GaussianBlur(noise, (3, 3), 1)).permute(2, 0, 1)
    return labels[None, 38:], labels[None, :38]


def channels_last(maps):
    return np.ascontiguousarray(maps[0].permute(1, 2, 0).numpy())


@pytest.mark.parametrize("seed", range(3))
def test_finds_the_same_people_as_the_parser_outside(seed):
    heatmaps, pafs = maps_of(seed)
    parser = PeopleParser(POSE)
    expected = parser(channels_last(heatmaps), channels_last(pafs))
    peaks, scores = GraphParser(POSE, count=40)(heatmaps, pafs)
    assert peaks.shape == (1, 18, 40, 3)
    assert scores.shape == (1, 19, 40, 40)
    found = parser.assemble.of_graph(peaks[0].numpy(), scores[0].numpy())
    assert len(found) == len(expected) == 6
    order, expected_order = (np.argsort(p.keypoints[:, 0].sum(axis=1)) for p in (found, expected))
    np.testing.assert_allclose(
        found.keypoints[order], expected.keypoints[expected_order], atol=1e-4
    )
    np.testing.assert_allclose(
        found.joint_scores[order], expected.joint_scores[expected_order], atol=1e-4
    )
    np.testing.assert_allclose(found.scores[order], expected.scores[expected_order], atol=1e-4)


def test_a_batch_is_parsed_image_by_image():
    one, other = maps_of(0), maps_of(1)
    graph = GraphParser(POSE, count=10)
    both = graph(*(torch.cat(pair) for pair in zip(one, other, strict=True)))
    for index, single in enumerate((one, other)):
        for found, expected in zip(both, graph(*single), strict=True):
            torch.testing.assert_close(found[index], expected[0])


def test_nobody_and_few_candidates():
    parser = PeopleParser(POSE)
    nothing = GraphParser(POSE, count=5)(torch.zeros(1, 19, 8, 8), torch.zeros(1, 38, 8, 8))
    assert len(parser.assemble.of_graph(nothing[0][0].numpy(), nothing[1][0].numpy())) == 0
    heatmaps, pafs = maps_of(0)
    few = GraphParser(POSE, count=2)(heatmaps, pafs)
    assert len(parser.assemble.of_graph(few[0][0].numpy(), few[1][0].numpy())) <= 4
