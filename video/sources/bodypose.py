"""The pose source `bodypose`: our BodyPoseNet on Triton, two dimensions."""

from __future__ import annotations

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from converter import InputError, joint_map
from video.people import Image, Person, box_around

MODEL = "bodypose"
TIMEOUT = 30.0  # seconds for a frame
NO_PROXY = [("grpc.enable_http_proxy", 0)]  # not even if the environment names one


class BodyPose:
    """Finds people and their joints in the image plane.

    Args:
        max_people: How many people a frame may have; the surest are kept.
        url: Host and port of Triton's gRPC service.

    Raises:
        InputError: The server does not answer, or lacks the model.
    """

    producer = "BodyPoseNet on Triton, not DeepStream"

    def __init__(self, max_people: int, url: str) -> None:
        self._max_people = max_people
        self._url = url
        self._map = joint_map("openpose", "nvidia")
        self._client = triton.InferenceServerClient(url, channel_args=NO_PROXY)
        try:
            ready = self._client.is_model_ready(MODEL)
        except InferenceServerException as error:
            raise InputError(
                f"no Triton answers at {url} (gRPC): {error.message()}; start one with "
                "scripts/start_server.sh or name it with --url"
            ) from None
        if not ready:
            raise InputError(f"the server at {url} has no model '{MODEL}'")

    def people(self, image: Image, seconds: float) -> list[Person]:
        """Find the people in a frame; see `PoseSource`.

        Raises:
            OSError: The server failed.
        """
        rgb = triton.InferInput("rgb", list(image.shape), "UINT8")
        rgb.set_data_from_numpy(np.ascontiguousarray(image[:, :, ::-1]))
        try:
            answer = self._client.infer(MODEL, [rgb], client_timeout=TIMEOUT)
        except InferenceServerException as error:
            raise OSError(f"{self._url}: model '{MODEL}' failed: {error.message()}") from None
        people, scores = answer.as_numpy("people"), answer.as_numpy("scores")
        best = np.argsort(-scores, kind="stable")[: self._max_people]
        size = image.shape[1], image.shape[0]
        return [self._person(joints, size) for joints in people[best] if joints[:, 2].any()]

    def _person(self, joints: np.typing.NDArray[np.float32], size: tuple[int, int]) -> Person:
        flat = np.column_stack([joints[:, :2], np.zeros(len(joints)), joints[:, 2]])
        seen = joints[joints[:, 2] > 0, :2]
        return Person(bbox=box_around(seen, size), pose25d=self._map.apply(flat))
