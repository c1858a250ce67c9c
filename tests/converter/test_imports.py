"""`converter` works where there is only numpy."""

import subprocess
import sys

PROGRAM = """
HEAVY = {"cv2", "msgspec", "orjson", "pydantic", "yaml", "rich", "torch"}
import sys
class NumpyOnly:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ImportError(name)
sys.meta_path.insert(0, NumpyOnly())
import numpy as np
import converter
import converter.bodypose
keypoints = np.ones((40, 20, 4), np.float32)
mapped = converter.joint_map("kinect-v1", "nvidia").apply(keypoints)
print(converter.network_input(mapped, converter.ConvertConfig()).shape)
try:
    import converter.deepstream
except ImportError as error:
    print("needs", error)
"""


def test_numpy_is_enough():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["(3, 300, 34, 1)", "needs msgspec"]
