"""Photo to people: the whole of inference, as the inference spec says."""

from __future__ import annotations

import logging

from converter import InputError
from converter.bodypose import People
from converter.bodypose.photo import STRIDE, Placement, fit_photo
from training.bpnet.arrays import Array
from training.bpnet.geometry import resample
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.networks import Network
from training.bpnet.postprocess import PeopleParser

logger = logging.getLogger(__name__)


class PosePredictor:
    """Finds the people in photos.

    A network of fixed input shape is used in that shape, on padded photos and at one scale.

    Args:
        network: gives the maps.
        spec: the inference spec.

    Raises:
        InputError: the spec asks for what cannot be.
    """

    def __init__(self, network: Network, spec: InferenceSpec) -> None:
        factor = spec.output_upsampling_factor[0]
        if spec.output_upsampling_factor[1] != factor:
            raise InputError(
                f"output_upsampling_factor {spec.output_upsampling_factor}: give two equal factors"
            )
        self.network, self.factor = network, factor
        self.shape = spec.input_shape[0], spec.input_shape[1]
        self.mode: str = spec.keep_aspect_ratio_mode
        self.scales = sorted(spec.scales) if spec.multi_scale_inference else [1.0]
        if network.fixed_shape is not None:
            self._fix(network.fixed_shape)
        self.parser = PeopleParser(network.pose, factor, spec.heatmap_threshold, spec.paf_threshold)

    def __call__(self, photo: Array) -> People:
        """(H, W, 3) uint8 RGB -> people in pixels of the photo."""
        heatmaps, pafs, placement = self.maps(photo)
        return placement.people_in_photo(self.parser(heatmaps, pafs), STRIDE / self.factor)

    def maps(self, photo: Array) -> tuple[Array, Array, Placement]:
        """Heatmaps (h, w, V + 1), PAFs (h, w, 2K), mean over the scales, on the largest's grid."""
        single = []
        for scale in self.scales:
            height, width = (max(STRIDE, round(side * scale)) for side in self.shape)
            image, placement = fit_photo(photo, (height, width), self.mode)
            single.append((*self.network(image), placement))
        heatmaps, pafs, target = single[-1]
        shape = heatmaps.shape[0], heatmaps.shape[1]
        for others in single[:-1]:
            heatmaps = heatmaps + resample(others[0], others[2], target, shape)
            pafs = pafs + resample(others[1], others[2], target, shape)
        return heatmaps / len(single), pafs / len(single), target

    def _fix(self, shape: tuple[int, int]) -> None:
        wanted = (shape, "pad_image_input", [1.0])
        given = (self.shape, self.mode, self.scales)
        if self.mode != "None" and given != wanted:
            logger.warning(
                "the model takes only %dx%d: photos are padded to it, at one scale", *shape[::-1]
            )
            self.mode = "pad_image_input"
        self.shape, self.scales = shape, [1.0]
