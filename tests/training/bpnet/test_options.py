"""Options that act on training: each changes the weights that an epoch leads to."""

import pytest
import torch
import yaml

from tests.training.bpnet.runs import make_records, spec_tree, train, weights

torch.set_num_threads(1)

OPTIONS = [
    "random_seed=1",
    "precision=bf16",
    "use_stagewise_lr_multipliers=False",
    "loss.focal_loss_params.use_focal_loss=True",
    "model.kernel_regularization_factor=0.1",
    "model.bias_regularization_factor=1.0",
    "optimizer.weight_decay=0.9",
    "optimizer.grad_clip=0.001",
    "optimizer.learning_rate_schedule.soft_start=0.9",
    "optimizer.learning_rate_schedule.last_step=1",
    "dataloader.batch_size=4",
    "dataloader.shuffle_buffer_size=1",
    "dataloader.normalization_params.image_scale=[255.0,256.0,256.0]",
    "dataloader.normalization_params.mask_scale=[200.0]",
    "dataloader.label_processor_config.heatmap_gaussian_sigma=3.0",
    "dataloader.label_processor_config.paf_ortho_dist_thresh=2.0",
    "dataloader.augmentation_config.spatial_augmentation_mode=standard",
    "dataloader.augmentation_config.spatial_aug_params.flip_lr_prob=1.0",
    "dataloader.augmentation_config.spatial_aug_params.target_person_scale=0.3",
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A spec, and the weights that it leads to."""
    folder = tmp_path_factory.mktemp("plain")
    make_records(folder / "coco")
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(spec_tree(folder / "coco")))
    assert train(path, folder / "results", "num_epoch=1") == 0
    return path, weights(folder / "results" / "bpnet_model.pth")


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_has_an_effect(plain, option, tmp_path):
    path, expected = plain
    assert train(path, tmp_path, "num_epoch=1", option) == 0
    found = weights(tmp_path / "bpnet_model.pth")
    assert any(not torch.equal(found[name], expected[name]) for name in expected)


def test_the_layout_in_memory_changes_only_the_speed(plain, tmp_path):
    path, expected = plain
    assert train(path, tmp_path, "num_epoch=1", "model.data_format=channels_first") == 0
    found = weights(tmp_path / "bpnet_model.pth")
    name = "stage2.paf.out.conv.weight"
    torch.testing.assert_close(found[name], expected[name], atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("dataloader.label_processor_config.paf_gaussian_sigma=0.1", "has no effect, as in TAO"),
        ("dataloader.image_config.image_encoding=jpg", "image_encoding is jpg, but the records"),
    ],
)
def test_what_has_no_effect_is_said_once(plain, option, says, tmp_path, caplog):
    path, _ = plain
    other = "dataloader.image_config.image_encoding=png"
    assert train(path, tmp_path, "num_epoch=1", other, option) == 0
    assert [says in line for line in caplog.messages].count(True) == 1


def test_nothing_is_said_of_options_that_have_an_effect(plain, tmp_path, caplog):
    path, _ = plain
    option = "dataloader.image_config.image_encoding=png"
    assert train(path, tmp_path, "num_epoch=1", option) == 0
    assert not [record for record in caplog.records if record.name == "training.bpnet.train"]


def test_an_inference_spec_must_be_one(plain, tmp_path, capsys):
    path, _ = plain
    spec = tmp_path / "infer.yaml"
    spec.write_text("input_shape: [368]")
    assert train(path, tmp_path / "results", "num_epoch=1", f"inference_spec={spec}") == 2
    assert "input_shape" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "allowed"),
    [
        ("architecture=resnet", "'vgg' or 'efficientnet_lite0'"),
        ("architecture=helnet", "'vgg' or 'efficientnet_lite0'"),
        ("mtype=fast", "'default'"),
    ],
)
def test_another_backbone_is_refused_with_those_there_are(plain, option, allowed, tmp_path, capsys):
    path, _ = plain
    assert train(path, tmp_path, f"model.backbone_attributes.{option}") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert allowed in error
