from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converter import InputError, Layout, get_layout
from training.pose_classification.graph import build_graph, load_layout, persons_of

TAO_LAYOUTS = ["nvidia", "openpose", "human3.6m", "ntu-rgb+d", "ntu_edge", "coco"]


def as_documented(layout: Layout, strategy: str) -> np.ndarray:
    """The partition strategies, entry by entry as TAO's description has them."""
    joints = range(layout.num_joints)
    edges = {*layout.edges, *((j, i) for i, j in layout.edges)}
    hop = {
        (i, j): 0 if i == j else 1 if (i, j) in edges else np.inf for i in joints for j in joints
    }
    degree = [sum(hop[j, i] <= 1 for j in joints) for i in joints]
    share = {(j, i): 1 / degree[i] for j in joints for i in joints if hop[j, i] <= 1}
    parts = np.zeros(({"uniform": 1, "distance": 2, "spatial": 3}[strategy], *[len(joints)] * 2))
    for (j, i), value in share.items():
        if strategy == "uniform":
            part = 0
        elif strategy == "distance" or hop[j, i] == 0:
            part = int(hop[j, i])
        else:
            to_centre = hop[j, layout.centre], hop[i, layout.centre]
            part = 1 if to_centre[0] >= to_centre[1] else 2
        parts[part, j, i] = value
    return parts


@pytest.mark.parametrize("strategy", ["uniform", "distance", "spatial"])
@pytest.mark.parametrize("name", TAO_LAYOUTS)
def test_as_documented(name: str, strategy: str) -> None:
    graph = build_graph(get_layout(name), strategy)
    assert graph.dtype == np.float32
    np.testing.assert_allclose(graph, as_documented(get_layout(name), strategy), rtol=1e-6)
    np.testing.assert_allclose(graph.sum(axis=(0, 1)), 1, rtol=1e-6)


def test_spatial_knows_one_edge_from_the_centre_only() -> None:
    # A chain 0-1-2-3 with its centre at 0: TAO cannot tell 2 from 3, spatial_full can.
    chain = Layout("chain", ("a", "b", "c", "d"), ((0, 1), (1, 2), (2, 3)))
    nearer = {name: build_graph(chain, name)[2] > 0 for name in ("spatial", "spatial_full")}
    assert np.argwhere(nearer["spatial"]).tolist() == [[0, 1], [1, 2]]
    assert np.argwhere(nearer["spatial_full"]).tolist() == [[0, 1], [1, 2], [2, 3]]


@pytest.mark.parametrize("name", TAO_LAYOUTS)
def test_spatial_full_points_every_bone(name: str) -> None:
    itself, farther, nearer = build_graph(get_layout(name), "spatial_full") > 0
    assert (itself == np.eye(len(itself), dtype=bool)).all()
    assert (nearer <= farther.T).all()
    assert nearer.sum(axis=0).clip(0, 1).sum() == len(itself) - 1  # all but the centre


def test_joints_without_edges() -> None:
    layout = Layout("loose", ("a", "b", "c"), ((0, 1),))
    for strategy in ("uniform", "distance", "spatial", "spatial_full"):
        assert build_graph(layout, strategy)[:, 2, 2].sum() == 1


def test_persons() -> None:
    assert [persons_of(get_layout(name)) for name in TAO_LAYOUTS] == [1, 1, 1, 2, 2, 1]


def test_layout_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "hand.yaml"
    path.write_text("name: hand\njoints: [wrist, thumb]\nedges: [[wrist, thumb]]\ncentre: wrist\n")
    assert load_layout(str(path)).edges == ((0, 1),)
    assert load_layout("coco") == get_layout("coco")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- 1", "a layout is a mapping"),
        ("name: x\njoints: [a]\nedges: [[a, b]]", "'b'"),
        ("name: [", "line 1"),
        (None, "cannot read the layout"),
    ],
)
def test_bad_layout_files(tmp_path: Path, content: str | None, expected: str) -> None:
    path = tmp_path / "layout.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        load_layout(str(path))
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
