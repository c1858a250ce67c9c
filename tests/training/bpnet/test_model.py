import pytest
import torch

from converter import InputError
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.layers import SameConv2d
from training.bpnet.model import BodyPoseNet, count_parameters
from training.bpnet.pose_config import PoseConfig
from training.bpnet.prune import giga_macs
from training.bpnet.saved_model import ModelInfo
from training.bpnet.spec import BackboneSpec, ModelSpec

POSE = PoseConfig.load()
LITE = BackboneSpec(architecture="efficientnet_lite0")


def test_three_stages_have_the_references_size():
    with torch.device("meta"):
        model = BodyPoseNet(ModelSpec(stages=3), POSE)
    assert count_parameters(model) == 16_777_835


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (256, 256, 29.39),
        (224, 320, 32.15),
        (288, 384, 49.60),
        (320, 448, 64.30),
        (368, 368, 60.74),
    ],
)
def test_three_stages_cost_what_the_references_do(height, width, expected):
    info = ModelInfo(ModelSpec(stages=3), POSE, NormalizationParams())
    assert giga_macs(info, height, width) == pytest.approx(expected, abs=0.005)


def test_the_light_network_costs_a_fraction():
    spec = ModelSpec(
        stages=2, stage_channels=96, stageT_kernel_sizes=[3] * 5, backbone_attributes=LITE
    )
    assert giga_macs(ModelInfo(spec, POSE, NormalizationParams())) < 2


def test_maps_of_every_stage_at_stride_8():
    model = BodyPoseNet(ModelSpec(stages=3, stage_channels=8, backbone_attributes=LITE), POSE)
    maps = model(torch.zeros(2, 3, 64, 96))
    assert [tuple(stage.heatmaps.shape) for stage in maps] == [(2, 19, 8, 12)] * 3
    assert [tuple(stage.pafs.shape) for stage in maps] == [(2, 38, 8, 12)] * 3


def test_later_stages_see_the_earlier_ones():
    model = BodyPoseNet(ModelSpec(stages=2, stage_channels=8, backbone_attributes=LITE), POSE)
    assert model.stage2.shared[0].conv.in_channels == 8 + 19 + 38
    before = model.eval()(torch.zeros(1, 3, 32, 32))[1].heatmaps
    with torch.no_grad():
        model.stage1.paf.out.conv.bias += 100
    assert not torch.allclose(before, model(torch.zeros(1, 3, 32, 32))[1].heatmaps)


def test_self_attention_gates_the_refinement_stages():
    spec = ModelSpec(stages=2, stage_channels=8, use_self_attention=True, backbone_attributes=LITE)
    model = BodyPoseNet(spec, POSE).eval()
    assert model.stage1.heatmap.attention is None
    assert isinstance(model.stage2.heatmap.attention.activation, torch.nn.Sigmoid)
    assert isinstance(model.stage2.paf.attention.activation, torch.nn.Tanh)
    with torch.no_grad():  # a closed gate lets only the bias of the output through
        model.stage2.paf.attention.conv.weight.zero_()
        model.stage2.paf.out.conv.bias.fill_(3)
    maps = model(torch.rand(1, 3, 32, 32))[1].pafs
    assert (maps == 3).all()


def test_channels_must_be_those_of_the_pose_config():
    with pytest.raises(InputError, match=r"heat_channels is 15, but 18 joints .* make 19"):
        BodyPoseNet(ModelSpec(heat_channels=15), POSE)
    two = PoseConfig.from_document(
        {"categories": [{"name": "person", "keypoints": ["a", "b"], "skeleton": [[1, 2]]}]}
    )
    spec = ModelSpec(stages=2, stage_channels=8, backbone_attributes=LITE)
    maps = BodyPoseNet(spec, two)(torch.zeros(1, 3, 32, 32))[0]
    assert (maps.heatmaps.shape[1], maps.pafs.shape[1]) == (3, 2)


def test_initialisers():
    normal = BodyPoseNet(ModelSpec(stages=2, backbone_attributes=LITE), POSE)
    assert normal.stage2.shared[0].conv.weight.std().item() == pytest.approx(0.01, rel=0.05)
    spec = ModelSpec(stages=2, backbone_attributes=LITE, kernel_initializer="xavier")
    fan = (185 + 128) * 49
    xavier = BodyPoseNet(spec, POSE).stage2.shared[0].conv.weight
    assert xavier.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.05)
    spec = spec.model_copy(update={"kernel_initializer": "xavier_zero_output"})
    model = BodyPoseNet(spec, POSE)
    assert model.stage2.shared[0].conv.weight.std().item() == pytest.approx(
        xavier.std().item(), rel=0.05
    )
    assert model.stage2.paf.out.conv.weight.std().item() == pytest.approx(0.001, rel=0.05)


def test_use_bias():
    spec = ModelSpec(stages=2, use_bias=False, backbone_attributes=LITE)
    model = BodyPoseNet(spec, POSE)
    assert model.reduction.conv.bias is None
    assert model.stage2.paf.out.conv.bias is None
    vgg = BackboneSpec(use_bias=True)
    with torch.device("meta"):
        model = BodyPoseNet(ModelSpec(stages=2, backbone_attributes=vgg), POSE)
    assert model.backbone.block1_conv1.conv.bias is not None


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(3, 1, 1), (3, 2, 1), (5, 2, 1), (5, 1, 2)]
)
def test_same_padding_is_tensorflows(kernel, stride, dilation):
    """TensorFlow pads (total // 2) before and the rest after."""
    conv = SameConv2d(1, 1, kernel, stride, dilation, bias=False)
    image = torch.rand(1, 1, 16, 24)
    total = dilation * (kernel - 1) + 1 - stride
    padded = torch.nn.functional.pad(image, (total // 2, total - total // 2) * 2)
    expected = torch.nn.functional.conv2d(padded, conv.weight, stride=stride, dilation=dilation)
    assert expected.shape[2:] == (16 // stride, 24 // stride)
    torch.testing.assert_close(conv(image), expected)


def test_vgg_may_end_with_one_more_convolution():
    plain = ModelSpec(stages=2)
    more = ModelSpec(stages=2, backbone_attributes=BackboneSpec(add_final_c128_conv=True))
    networks = [BodyPoseNet(spec, PoseConfig.load()) for spec in (plain, more)]
    assert networks[1].backbone.out_channels == 128
    added = 256 * 128 * 9 + 4 * 128  # its kernel and batch norm
    saved = 128 * 128 * 9  # of the reduction, whose input is narrower
    counts = [count_parameters(network) for network in networks]
    assert counts[1] - counts[0] == added - saved
    with pytest.raises(ValueError, match="belongs to vgg"):
        BackboneSpec(architecture="efficientnet_lite0", add_final_c128_conv=True)


def test_a_residual_stage_begins_as_the_one_before_it():
    spec = ModelSpec(
        backbone_attributes=BackboneSpec(architecture="efficientnet_lite0"),
        stages=3,
        stage_channels=16,
        stageT_kernel_sizes=[3],
        residual_stages=True,
    )
    network = BodyPoseNet(spec, PoseConfig.load()).eval()
    for branch in (network.stage2.heatmap, network.stage2.paf):
        torch.nn.init.zeros_(branch.out.conv.weight)
    with torch.inference_mode():
        first, second, third = network(torch.rand(1, 3, 32, 32))
    for before, same, other in zip(first, second, third, strict=True):
        torch.testing.assert_close(same, before)
        assert not torch.equal(other, same)
