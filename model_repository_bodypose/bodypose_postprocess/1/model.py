"""Triton model: candidates for joints and limbs to people in pixels of the photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb

from converter.bodypose import NetworkFacts, PeopleAssembler
from converter.bodypose.photo import Placement

NETWORK = "bodypose_net"


class TritonPythonModel:
    """Answers a request for the candidates of one photo with people and scores."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read joints and limbs beside the network."""
        facts = NetworkFacts.of_model(Path(args["model_repository"]).parent / NETWORK)
        self.assemble = PeopleAssembler(len(facts.joints), facts.limbs)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Find the people of each photo."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        peaks, limb_scores, place = (
            pb.get_input_tensor_by_name(request, name).as_numpy()
            for name in ("peaks", "limb_scores", "placement")
        )
        if not (np.isfinite(peaks).all() and np.isfinite(limb_scores).all()):
            return pb.InferenceResponse(error=pb.TritonError("the network returned nan or inf"))
        found = self.assemble.of_graph(peaks[0], limb_scores[0])
        people = Placement((place[0], place[1]), (place[2], place[3])).people_in_photo(found)
        triples = np.concatenate([people.keypoints, people.joint_scores[..., np.newaxis]], axis=2)
        outputs = {"people": triples, "scores": people.scores}
        return pb.InferenceResponse([pb.Tensor(name, value) for name, value in outputs.items()])
