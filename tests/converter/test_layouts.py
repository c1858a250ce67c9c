"""The table of layouts against the published graphs, and layouts of one's own."""

import re

import numpy as np
import pytest

from converter import InputError, Layout, get_layout, layout_names, register_layout
from converter import layouts as table

# As published with TAO's graphs: some count from 0, some from 1.
PUBLISHED = {
    "nvidia": (0, "(0,1)(0,2)(0,3)(1,4)(2,5)(3,6)(4,7)(5,8)(7,9)(8,10)(9,11)(10,12)(7,13)(8,14)"
               "(6,15)(15,16)(15,17)(16,18)(17,19)(1,20)(2,21)(6,20)(6,21)(20,22)(21,23)(22,24)"
               "(23,25)(24,26)(25,27)(24,28)(25,29)(24,30)(25,31)(24,32)(25,33)"),
    "openpose": (0, "(4,3)(3,2)(7,6)(6,5)(13,12)(12,11)(10,9)(9,8)(11,5)(8,2)(5,1)(2,1)(0,1)"
                 "(15,0)(14,0)(17,15)(16,14)"),
    "human3.6m": (0, "(9,10)(8,9)(7,8)(1,7)(4,7)(0,1)(0,4)(9,11)(9,14)(11,12)(14,15)(12,13)"
                  "(15,16)(1,2)(2,3)(4,5)(5,6)"),
    "ntu-rgb+d": (1, "(1,2)(2,21)(3,21)(4,3)(5,21)(6,5)(7,6)(8,7)(9,21)(10,9)(11,10)(12,11)"
                  "(13,1)(14,13)(15,14)(16,15)(17,1)(18,17)(19,18)(20,19)(22,23)(23,8)(24,25)"
                  "(25,12)"),
    "ntu_edge": (1, "(1,2)(3,2)(4,3)(5,2)(6,5)(7,6)(8,7)(9,2)(10,9)(11,10)(12,11)(13,1)(14,13)"
                 "(15,14)(16,15)(17,1)(18,17)(19,18)(20,19)(21,22)(22,8)(23,24)(24,12)"),
    "coco": (1, "(16,14)(14,12)(17,15)(15,13)(12,13)(6,12)(7,13)(6,7)(8,6)(9,7)(10,8)(11,9)"
             "(2,3)(2,1)(3,1)(4,2)(5,3)(4,6)(5,7)"),
}  # fmt: skip
# Name: joints, edges, centre, joints that are neither left nor right.
SIZES = {
    "nvidia": (34, 35, 0, {"pelvis", "torso", "neck", "nose"}),
    "openpose": (18, 17, 1, {"nose", "neck"}),
    "human3.6m": (17, 17, 8, {"pelvis", "torso", "thorax", "nose", "head_top"}),
    "ntu-rgb+d": (25, 24, 20, {"pelvis", "torso", "neck", "head", "thorax"}),
    "ntu_edge": (24, 23, 2, {"pelvis", "torso", "neck", "head"}),
    "coco": (17, 19, 0, {"nose"}),
    "kinect-v1": (20, 19, 2, {"pelvis", "torso", "thorax", "head"}),
    "hdm05": (
        31,
        30,
        0,
        {"root", "lowerback", "upperback", "thorax", "lowerneck", "upperneck", "head"},
    ),
    "mediapipe": (33, 35, 0, {"nose"}),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_edges_are_the_published_ones(name: str):
    first, text = PUBLISHED[name]
    edges = re.findall(r"\((\d+),(\d+)\)", text)
    assert get_layout(name).edges == tuple((int(a) - first, int(b) - first) for a, b in edges)


def test_sizes():
    assert set(layout_names()) == set(SIZES)
    for name, (joints, edges, centre, middle) in SIZES.items():
        layout = get_layout(name)
        assert layout.num_joints == len(set(layout.joints)) == joints
        assert (len(set(layout.edges)), layout.centre) == (edges, centre)
        paired = {index for pair in layout.pairs for index in pair}
        assert {joint for i, joint in enumerate(layout.joints) if i not in paired} == middle


@pytest.mark.parametrize("name", SIZES)
def test_mirroring_twice_is_nothing_and_keeps_the_graph(name: str):
    layout = get_layout(name)
    mirror = np.arange(layout.num_joints)
    for left, right in layout.pairs:
        mirror[[left, right]] = right, left
    np.testing.assert_array_equal(mirror[mirror], np.arange(layout.num_joints))
    graph = {frozenset(edge) for edge in layout.edges}
    assert {frozenset(mirror[list(edge)].tolist()) for edge in layout.edges} == graph


@pytest.mark.parametrize("name", SIZES)
def test_left_is_paired_with_right_of_the_same_name(name: str):
    layout = get_layout(name)
    for left, right in layout.pairs:
        assert layout.common_names[left].replace("left", "right") == layout.common_names[right]


def test_unknown_layout():
    with pytest.raises(InputError, match=r"unknown skeleton layout 'body25'; known: nvidia, openp"):
        get_layout("body25")


OWN = {
    "name": "arms",
    "joints": ["neck", "lsho", "rsho"],
    "edges": [["neck", "lsho"], [0, 2]],
    "centre": "neck",
    "aliases": {"lsho": "left_shoulder", "rsho": "right_shoulder"},
}


def test_layout_of_ones_own():
    layout = Layout.from_mapping(OWN)
    assert layout == Layout(
        "arms", ("neck", "lsho", "rsho"), ((0, 1), (0, 2)), 0, ((1, 2),), OWN["aliases"]
    )
    given = Layout.from_mapping(OWN | {"aliases": None, "pairs": [["lsho", 2]]})
    assert given.pairs == ((1, 2),)


def test_registering(monkeypatch):
    monkeypatch.setattr(table, "_LAYOUTS", dict(table._LAYOUTS))
    layout = Layout.from_mapping(OWN)
    register_layout(layout)
    register_layout(Layout.from_mapping(OWN))
    assert get_layout("arms") is layout
    with pytest.raises(InputError, match="'arms' exists already"):
        register_layout(Layout.from_mapping(OWN | {"centre": 1}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joint": []}, "a.yaml: unknown key 'joint'"),
        ({"joints": None}, "a.yaml: 'joints' must be a list of joint names"),
        ({"joints": []}, "a.yaml: 'edges' names 'neck', which is not a joint"),
        ({"joints": [], "edges": [], "centre": 0}, "a.yaml: layout 'arms' has no joints"),
        ({"joints": ["neck", "lsho", "lsho"]}, "a.yaml: layout 'arms' names joint"),
        ({"name": None}, "a.yaml: a layout needs a 'name'"),
        ({"edges": None}, "a.yaml: 'edges' must be a list of pairs of joints"),
        ({"edges": [[0, 1, 2]]}, "a.yaml: 'edges' must be a list of pairs of joints"),
        ({"edges": [[0, 3]]}, "a.yaml: layout 'arms': joint index 3 is not in 0..2"),
        ({"edges": [["neck", "head"]]}, "a.yaml: 'edges' names 'head', which is not a joint"),
        ({"edges": [[1, 1]]}, r"a.yaml: layout 'arms': edge \(1, 1\) joins a joint with itself"),
        ({"edges": [[1, 0], [0, 1]]}, r"a.yaml: layout 'arms': edge \(0, 1\) is given twice"),
        ({"centre": -1}, "a.yaml: layout 'arms': joint index -1"),
        ({"centre": True}, "a.yaml: 'centre' names True"),
        ({"pairs": [[1, 2], [2, 0]]}, "a.yaml: layout 'arms': joint 2 is in two left/right pairs"),
        ({"pairs": [[0, 1], [0, 2]]}, "a.yaml: layout 'arms': joint 0 is in two left/right pairs"),
        ({"aliases": ["x"]}, "a.yaml: 'aliases' must map"),
        (
            {"aliases": {"x": "left_hip"}},
            "a.yaml: layout 'arms': alias of 'x', which is not a joint",
        ),
    ],
)
def test_a_bad_layout_is_explained_in_one_line(change: dict, message: str):
    with pytest.raises(InputError, match=message) as caught:
        Layout.from_mapping(OWN | change, source="a.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, [1], "arms"])
def test_a_layout_is_a_mapping(content):
    with pytest.raises(InputError, match=r"a\.yaml: must be a mapping"):
        Layout.from_mapping(content, source="a.yaml")
