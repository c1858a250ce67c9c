"""Joint numbers of the nvidia layout that the recipe names."""

from converter import get_layout

LAYOUT = get_layout("nvidia")
JOINT = {name: index for index, name in enumerate(LAYOUT.joints)}

PELVIS, NECK = JOINT["pelvis"], JOINT["neck"]
LEFT_HIP, RIGHT_HIP = JOINT["left_hip"], JOINT["right_hip"]
HIPS = [LEFT_HIP, RIGHT_HIP]
KNEES = [JOINT["left_knee"], JOINT["right_knee"]]
ANKLES = [JOINT["left_ankle"], JOINT["right_ankle"]]
