"""A network that has learnt one drawn photo by heart, in seconds."""

import re
import shutil
from pathlib import Path

import torch

from tests.training.bpnet.figures import POSE, crowd, draw
from training.bpnet.cli import main
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.labels import LabelEncoder
from training.bpnet.losses import stage_losses
from training.bpnet.pretrained import load_pretrained
from training.bpnet.saved_model import ModelInfo, save_model
from training.bpnet.spec import BackboneSpec, ModelSpec

SIDE = 128
REPOSITORY = Path(__file__).resolve().parents[3] / "model_repository_bodypose"


def photo(people=2, side=SIDE):
    """(side, side, 3) uint8 with figures side by side."""
    joints = crowd(1, people, side // people, side - 8)
    return draw(torch.full((side, side, 3), 40, dtype=torch.uint8).numpy(), joints), joints


def taught_network(steps=100):
    """A network that finds the people of `photo()`, and its description."""
    spec = ModelSpec(
        stages=2,
        stage_channels=32,
        stage1_kernel_sizes=[3],
        stageT_kernel_sizes=[3, 3],
        backbone_attributes=BackboneSpec(architecture="efficientnet_lite0"),
        kernel_initializer="xavier_zero_output",
    )
    info = ModelInfo(spec, POSE, NormalizationParams())
    torch.manual_seed(0)
    model = info.build()
    load_pretrained(model, "imagenet", info.normalization)
    image, joints = photo()
    batch = torch.from_numpy(image / 256 - 0.5).float().permute(2, 0, 1)[None]
    labels = torch.from_numpy(LabelEncoder(POSE, (SIDE // 8, SIDE // 8), 8)(joints))[None]
    mask = torch.ones(1, 1, *labels.shape[2:])
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    for _ in range(steps):
        terms = stage_losses(model(batch), labels, mask)
        optimizer.zero_grad()
        torch.stack([term for stage in terms for term in stage]).sum().backward()
        optimizer.step()
        schedule.step()
    return model.eval(), info


def taught_repository(folder):
    """A copy of the model repository that serves a taught network, and the network's file."""
    repository = folder / "repository"
    shutil.copytree(REPOSITORY, repository, ignore=shutil.ignore_patterns("*.onnx", "*.json"))
    for config in repository.rglob("*.pbtxt"):  # the sizes are said there and nowhere else
        config.write_text(re.sub(r"\b368\b", str(SIDE), config.read_text()))
    model = folder / "bpnet_model.pth"
    save_model(model, *taught_network())
    assert main(["export", "-m", str(model), "--triton", str(repository)]) == 0
    return repository, model
