"""The table of skeleton layouts.

Joints carry the same name in every layout that has them (`left_knee`, `thorax`), so that poses
can be mapped by name; where a data set has names of its own, the aliases of its entry say what
they mean. Edges and centres are those of the graphs of NVIDIA TAO's PoseClassificationNet
(ST-GCN, Yan et al., AAAI 2018) where TAO has the layout, counted from 0.
"""

from __future__ import annotations

from converter.errors import InputError
from converter.layout import Layout


def get_layout(name: str) -> Layout:
    """Return the layout called `name`.

    Raises:
        InputError: There is no such layout.
    """
    try:
        return _LAYOUTS[name]
    except KeyError:
        known = ", ".join(_LAYOUTS)
        raise InputError(f"unknown skeleton layout '{name}'; known: {known}") from None


def layout_names() -> tuple[str, ...]:
    """Return the names of all layouts."""
    return tuple(_LAYOUTS)


def register_layout(layout: Layout) -> None:
    """Make `layout` known to `get_layout` in this process.

    Raises:
        InputError: Another layout has this name.
    """
    if _LAYOUTS.setdefault(layout.name, layout) != layout:
        raise InputError(f"skeleton layout '{layout.name}' exists already; choose another name")


def _layout(name: str, joints: str, edges: str, centre: int, **aliases: str) -> Layout:
    """Build a table entry: joints by name, edges as `a-b` by index."""
    ends = (edge.split("-") for edge in edges.split())
    pairs = tuple((int(a), int(b)) for a, b in ends)
    return Layout(name, tuple(joints.split()), pairs, centre, aliases=aliases)


_TABLE = (
    # Order of DeepStream's bodypose-3d and of the Maxine AR SDK.
    _layout(
        "nvidia",
        "pelvis left_hip right_hip torso left_knee right_knee neck left_ankle right_ankle"
        " left_big_toe right_big_toe left_small_toe right_small_toe left_heel right_heel"
        " nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder"
        " left_elbow right_elbow left_wrist right_wrist left_pinky_knuckle right_pinky_knuckle"
        " left_middle_tip right_middle_tip left_index_knuckle right_index_knuckle"
        " left_thumb_tip right_thumb_tip",
        "0-1 0-2 0-3 1-4 2-5 3-6 4-7 5-8 7-9 8-10 9-11 10-12 7-13 8-14 6-15 15-16 15-17 16-18"
        " 17-19 1-20 2-21 6-20 6-21 20-22 21-23 22-24 23-25 24-26 25-27 24-28 25-29 24-30 25-31"
        " 24-32 25-33",
        centre=0,
    ),
    _layout(
        "openpose",
        "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist"
        " right_hip right_knee right_ankle left_hip left_knee left_ankle"
        " right_eye left_eye right_ear left_ear",
        "4-3 3-2 7-6 6-5 13-12 12-11 10-9 9-8 11-5 8-2 5-1 2-1 0-1 15-0 14-0 17-15 16-14",
        centre=1,
    ),
    _layout(
        "human3.6m",
        "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle torso thorax"
        " nose head_top left_shoulder left_elbow left_wrist"
        " right_shoulder right_elbow right_wrist",
        "9-10 8-9 7-8 1-7 4-7 0-1 0-4 9-11 9-14 11-12 14-15 12-13 15-16 1-2 2-3 4-5 5-6",
        centre=8,
    ),
    _layout(
        "ntu-rgb+d",
        "pelvis torso neck head left_shoulder left_elbow left_wrist left_hand"
        " right_shoulder right_elbow right_wrist right_hand left_hip left_knee left_ankle left_foot"
        " right_hip right_knee right_ankle right_foot thorax"
        " left_middle_tip left_thumb_tip right_middle_tip right_thumb_tip",
        "0-1 1-20 2-20 3-2 4-20 5-4 6-5 7-6 8-20 9-8 10-9 11-10 12-0 13-12 14-13 15-14 16-0 17-16"
        " 18-17 19-18 21-22 22-7 23-24 24-11",
        centre=20,
    ),
    # NTU RGB+D without the spine joint between the shoulders.
    _layout(
        "ntu_edge",
        "pelvis torso neck head left_shoulder left_elbow left_wrist left_hand"
        " right_shoulder right_elbow right_wrist right_hand left_hip left_knee left_ankle left_foot"
        " right_hip right_knee right_ankle right_foot"
        " left_middle_tip left_thumb_tip right_middle_tip right_thumb_tip",
        "0-1 2-1 3-2 4-1 5-4 6-5 7-6 8-1 9-8 10-9 11-10 12-0 13-12 14-13 15-14 16-0 17-16 18-17"
        " 19-18 20-21 21-7 22-23 23-11",
        centre=2,
    ),
    _layout(
        "coco",
        "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder"
        " left_elbow right_elbow left_wrist right_wrist left_hip right_hip"
        " left_knee right_knee left_ankle right_ankle",
        "15-13 13-11 16-14 14-12 11-12 5-11 6-12 5-6 7-5 8-6 9-7 10-8 1-2 1-0 2-0 3-1 4-2 3-5 4-6",
        centre=0,
    ),
    # Kinect for Xbox 360: NW-UCLA, UTKinect. Centre between the shoulders, as in NTU RGB+D.
    _layout(
        "kinect-v1",
        "pelvis torso thorax head left_shoulder left_elbow left_wrist left_hand"
        " right_shoulder right_elbow right_wrist right_hand left_hip left_knee left_ankle left_foot"
        " right_hip right_knee right_ankle right_foot",
        "0-1 1-2 2-3 2-4 4-5 5-6 6-7 2-8 8-9 9-10 10-11 0-12 12-13 13-14 14-15 0-16 16-17 17-18"
        " 18-19",
        centre=2,
    ),
    # HDM05 motion capture. A position is the far end of its bone: the femur ends at the knee,
    # the clavicle at the shoulder; the forearm is made of two bones (radius, wrist).
    _layout(
        "hdm05",
        "root lhipjoint lfemur ltibia lfoot ltoes rhipjoint rfemur rtibia rfoot rtoes"
        " lowerback upperback thorax lowerneck upperneck head"
        " lclavicle lhumerus lradius lwrist lhand lfingers lthumb"
        " rclavicle rhumerus rradius rwrist rhand rfingers rthumb",
        "0-1 1-2 2-3 3-4 4-5 0-6 6-7 7-8 8-9 9-10 0-11 11-12 12-13 13-14 14-15 15-16 13-17 17-18"
        " 18-19 19-20 20-21 21-22 20-23 13-24 24-25 25-26 26-27 27-28 28-29 27-30",
        centre=0,
        root="pelvis",
        lowerneck="neck",
        **{
            side[0] + bone: f"{side}_{joint}"
            for side in ("left", "right")
            for bone, joint in (
                ("hipjoint", "hip"),
                ("femur", "knee"),
                ("tibia", "ankle"),
                ("foot", "foot"),
                ("toes", "big_toe"),
                ("clavicle", "shoulder"),
                ("humerus", "elbow"),
                ("radius", "mid_forearm"),
                ("wrist", "wrist"),
                ("hand", "hand"),
                ("fingers", "middle_tip"),
                ("thumb", "thumb_tip"),
            )
        },
    ),
    # BlazePose: the 33 landmarks of MediaPipe Pose.
    _layout(
        "mediapipe",
        "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer"
        " left_ear right_ear mouth_left mouth_right left_shoulder right_shoulder"
        " left_elbow right_elbow left_wrist right_wrist left_pinky right_pinky"
        " left_index right_index left_thumb right_thumb left_hip right_hip left_knee right_knee"
        " left_ankle right_ankle left_heel right_heel left_foot_index right_foot_index",
        "0-1 1-2 2-3 3-7 0-4 4-5 5-6 6-8 9-10 11-12 11-13 13-15 15-17 15-19 15-21 17-19 12-14"
        " 14-16 16-18 16-20 16-22 18-20 11-23 12-24 23-24 23-25 24-26 25-27 26-28 27-29 28-30"
        " 29-31 30-32 27-31 28-32",
        centre=0,
        mouth_left="left_mouth",
        mouth_right="right_mouth",
        left_pinky="left_pinky_knuckle",
        right_pinky="right_pinky_knuckle",
        left_index="left_index_knuckle",
        right_index="right_index_knuckle",
        left_thumb="left_thumb_tip",
        right_thumb="right_thumb_tip",
        left_foot_index="left_big_toe",
        right_foot_index="right_big_toe",
    ),
)
_LAYOUTS = {layout.name: layout for layout in _TABLE}
