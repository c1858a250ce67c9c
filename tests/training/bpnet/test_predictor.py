import numpy as np
import pytest

from converter import InputError
from converter.bodypose.photo import fit_photo
from tests.training.bpnet.figures import crowd
from tests.training.bpnet.oracle import OracleNetwork
from training.bpnet import predictor as predictor_module
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.predictor import PosePredictor

PHOTO = np.zeros((240, 400, 3), np.uint8)


@pytest.fixture
def oracle(monkeypatch):
    """Tells the oracle where each photo was put."""
    network = OracleNetwork(crowd(1, 3, 130, 230))

    def fit_and_tell(photo, shape, mode):
        image, network.placement = fit_photo(photo, shape, mode)
        return image, network.placement

    monkeypatch.setattr(predictor_module, "fit_photo", fit_and_tell)
    return network


def by_place(keypoints):
    return keypoints[np.argsort(keypoints[:, 0, 0])]


@pytest.mark.parametrize("mode", ["adjust_network_input", "pad_image_input", "None"])
@pytest.mark.parametrize("factor", [4, 8])
def test_people_come_back_in_photo_pixels(oracle, mode, factor):
    spec = InferenceSpec(keep_aspect_ratio_mode=mode, output_upsampling_factor=[factor, factor])
    people = PosePredictor(oracle, spec)(PHOTO)
    assert len(people) == 3
    error = np.abs(by_place(people.keypoints) - oracle.joints[..., :2])
    assert error.max() < 4
    assert error.mean() < 1


def test_several_scales_are_averaged(oracle):
    spec = InferenceSpec(multi_scale_inference=True, scales=[1.0, 0.5, 1.5])
    people = PosePredictor(oracle, spec)(PHOTO)
    assert [shape[0] for shape in oracle.shapes] == [184, 368, 552]
    assert len(people) == 3
    assert np.abs(by_place(people.keypoints) - oracle.joints[..., :2]).mean() < 1


def test_a_fixed_network_gets_padded_photos_at_one_scale(oracle, caplog):
    oracle.fixed_shape = (288, 384)
    people = PosePredictor(oracle, InferenceSpec(multi_scale_inference=True))(PHOTO)
    assert oracle.shapes == [(288, 384)]
    assert len(people) == 3
    assert "takes only 384x288" in caplog.text


def test_missing_joints_stay_zero(oracle):
    oracle.joints[:, 4, 2] = 4
    people = PosePredictor(oracle, InferenceSpec())(PHOTO)
    assert not people.keypoints[:, 4].any()
    assert not people.joint_scores[:, 4].any()


def test_thresholds_reach_the_parser(oracle):
    assert len(PosePredictor(oracle, InferenceSpec(heatmap_threshold=1.5))(PHOTO)) == 0
    assert len(PosePredictor(oracle, InferenceSpec(paf_threshold=2))(PHOTO)) == 0


def test_uneven_enlargement_is_refused(oracle):
    with pytest.raises(InputError, match="two equal factors"):
        PosePredictor(oracle, InferenceSpec(output_upsampling_factor=[8, 4]))
