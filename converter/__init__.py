"""Skeleton layouts, joint mapping, normalising and segmenting of body poses.

Needs numpy only; `converter.deepstream` adds the reading and writing of DeepStream's JSON.
"""

from converter.config import ConvertConfig
from converter.errors import InputError
from converter.layout import Layout
from converter.layouts import get_layout, layout_names, register_layout
from converter.mapping import JointMap, joint_map
from converter.normalise import network_input, normalise
from converter.resample import resample
from converter.segment import LABEL_POLICIES, LabelPolicy, segment_bounds

__all__ = [
    "LABEL_POLICIES",
    "ConvertConfig",
    "InputError",
    "JointMap",
    "LabelPolicy",
    "Layout",
    "get_layout",
    "joint_map",
    "layout_names",
    "network_input",
    "normalise",
    "register_layout",
    "resample",
    "segment_bounds",
]
