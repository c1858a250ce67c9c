"""Networks small enough for tests."""

import torch

from tests.training.bpnet.figures import POSE
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.saved_model import ModelInfo
from training.bpnet.spec import BackboneSpec, ModelSpec

_VGG = ("1_conv1", "1_conv2", "2_conv1", "2_conv2", "3_conv1", "3_conv2", "3_conv3", "3_conv4")
_VGG_LAYERS = [f"backbone.block{name}" for name in (*_VGG, "4_conv1", "4_conv2", "6_conv1")]


def small_network(attention=False, vgg=True, width=32):
    """A network with chance weights, ready to predict, and its description.

    Args:
        attention: with self-attention.
        vgg: VGG with few channels, else EfficientNet-Lite0.
        width: channels of VGG and of the stages.
    """
    spec = ModelSpec(
        stages=2,
        stage_channels=width,
        stage1_kernel_sizes=[3],
        stageT_kernel_sizes=[3, 3],
        use_self_attention=attention,
        backbone_attributes=BackboneSpec(architecture="vgg" if vgg else "efficientnet_lite0"),
        kernel_initializer="xavier",
    )
    widths = dict.fromkeys(_VGG_LAYERS, width) if vgg else {}
    info = ModelInfo(spec, POSE, NormalizationParams(), widths)
    torch.manual_seed(0)
    return info.build().eval(), info
