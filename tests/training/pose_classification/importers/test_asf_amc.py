"""Motion capture files whose poses can be worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from converter import InputError, get_layout
from training.pose_classification.importers.asf_amc import read_amc, read_asf
from training.pose_classification.importers.hdm05 import open_hdm05

ASF = """# a two-bone arm
:version 1.10
:name arm
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
   hand-made
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name upper
     direction 0 2 0
     length 3
     axis 0 0 0 XYZ
     dof rx ry rz
     limits (-180.0 180.0)
            (-90.0 90.0)
            (-90.0 90.0)
  end
  begin
     id 2
     name lower
     direction 1 0 0
     length 2
     axis 0 0 90 XYZ
     dof rx
     limits (0.0 150.0)
  end
  begin
     id 3
     name tip
     direction 0 0 1
     length 1
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root upper
    upper lower
    lower tip
  end
"""
AMC = """#!OML:ASF arm.asf
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
upper 0 0 0
lower 0
2
root 0 0 0 0 0 90
upper 0 0 0
lower 0
3
root 0 0 0 0 0 0
upper 90 0 90
lower 90
"""


@pytest.fixture
def arm(tmp_path) -> tuple[Path, Path]:
    asf, amc = tmp_path / "arm.asf", tmp_path / "arm.amc"
    asf.write_text(ASF)
    amc.write_text(AMC)
    return asf, amc


def test_positions_by_hand(arm):
    asf, amc = arm
    skeleton = read_asf(asf)
    assert list(skeleton.bones) == ["upper", "lower", "tip"]
    np.testing.assert_allclose(skeleton.bones["upper"].offset, [0, 3, 0])
    positions = read_amc(amc, skeleton)
    assert positions.shape == (3, 4, 3)
    at_rest = np.array([[0, 0, 0], [0, 3, 0], [2, 3, 0], [2, 3, 1]])
    np.testing.assert_allclose(positions[0] - np.array([1, 2, 3]), at_rest, atol=1e-6)
    # The root turns by 90 degrees about z: x becomes y, y becomes -x.
    turned = [[0, 0, 0], [-3, 0, 0], [-3, 2, 0], [-3, 2, 1]]
    np.testing.assert_allclose(positions[1], turned, atol=1e-6)
    # The upper bone turns about x, then about z: its y end goes to z and stays there. The lower
    # bone's own x axis is the y axis of its parent; 90 degrees about it take x to -z. Both in
    # the parent's frame: (x, y, z) -> (z, x, y).
    x, y, z = np.array([0.0, 1, 0]), np.array([0.0, 0, 1]), np.array([1.0, 0, 0])
    upper = 3 * y
    lower = upper - 2 * z
    tip = lower + x
    np.testing.assert_allclose(positions[2], [[0, 0, 0], upper, lower, tip], atol=1e-6)


def test_radians(arm):
    asf, amc = arm
    in_degrees = read_amc(amc, read_asf(asf))
    asf.write_text(ASF.replace("angle deg", "angle rad").replace("0 0 90 XYZ", "0 0 1.5707963 XYZ"))
    amc.write_text(AMC.replace(" 90", " 1.5707963"))
    np.testing.assert_allclose(read_amc(amc, read_asf(asf)), in_degrees, atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new"),
    [("direction 1 0 0", "direction 1 0"), (":hierarchy", ":other"), ("upper lower", "upper x")],
)
def test_damaged_skeletons(arm, old, new):
    asf, _ = arm
    asf.write_text(ASF.replace(old, new))
    with pytest.raises(InputError, match=r"arm\.asf: not an ASF skeleton"):
        read_asf(asf)


@pytest.mark.parametrize(
    ("old", "new"),
    [("lower 90\n", ""), ("upper 90 0 90", "upper 90 0"), ("root 1 2 3 0 0 0", "root 1 2 3"),
     ("lower 90", "lower x"), ("lower", "other"),
     (AMC, "1\nroot 0 0 0 0 0 0\nupper 0\nlower 0\n"),
     (AMC, "1\nroot 0 0 0 0 0 0\nupper 0 0 0 0\nlower 0\n"),
     (AMC, "1\nroot 0 0 0 0 0 0\nupper 0 0 0\nlower 0\n2\nroot 0 0 0 0 0 0\nupper 0 0 0\n")],
)  # fmt: skip
def test_damaged_motions(arm, old, new):
    asf, amc = arm
    amc.write_text(AMC.replace(old, new))
    with pytest.raises(InputError, match=r"arm\.amc: not an AMC motion"):
        read_amc(amc, read_asf(asf))


def _hdm05_skeleton() -> str:
    """All bones of HDM05, each one unit long towards x, on their parents of the layout."""
    layout = get_layout("hdm05")
    parent = {child: first for first, child in layout.edges}
    bones = "".join(
        f"  begin\n id {i}\n name {name}\n direction 1 0 0\n length 1\n axis 0 0 0 XYZ\n  end\n"
        for i, name in enumerate(layout.joints)
        if i
    )
    hierarchy = "".join(
        f"    {layout.joints[parent[i]]} {name}\n" for i, name in enumerate(layout.joints) if i
    )
    head, _ = ASF.split(":bonedata")
    return f"{head}:bonedata\n{bones}:hierarchy\n  begin\n{hierarchy}  end\n"


def test_hdm05_folder(tmp_path):
    (tmp_path / "bd").mkdir()
    (tmp_path / "HDM_bd.asf").write_text(_hdm05_skeleton())
    motion = "1\nroot 0 0 0 0 0 0\n2\nroot 5 0 0 0 0 0\n"
    (tmp_path / "bd" / "HDM_bd_jogOnPlace_001_120.amc").write_text(motion)
    (clip,) = open_hdm05(tmp_path, "bd").clips
    assert (clip.label, clip.part) == ("jogOnPlace", "train")
    assert clip.poses.shape == (2, 1, 31, 4)
    head = get_layout("hdm05").joints.index("head")
    np.testing.assert_allclose(clip.poses[:, 0, head, 0], [6, 11])  # six bones from the root
    (tmp_path / "HDM_bd.asf").unlink()
    with pytest.raises(InputError, match=r"skeleton HDM_bd\.asf is not in"):
        list(open_hdm05(tmp_path, "bd").clips)
    (tmp_path / "bd" / "HDM_bd_jogOnPlace_001_120.amc").unlink()
    with pytest.raises(InputError, match=r"no \.amc files"):
        list(open_hdm05(tmp_path, "bd").clips)
