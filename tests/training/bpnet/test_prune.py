import pytest
import torch

from converter import InputError
from tests.training.bpnet.small import small_network
from training.bpnet.cli import main
from training.bpnet.model import count_parameters
from training.bpnet.prune import PruneOptions, channel_groups, giga_macs, prune
from training.bpnet.saved_model import load_model, save_model

torch.set_num_threads(1)


def silence(model, group, dead):
    """Make some channels of a group contribute nothing: zero kernels, biases and batch norms."""
    with torch.no_grad():
        for name in group.producers:
            block = model.get_submodule(name)
            block.conv.weight[dead] = 0
            if block.conv.bias is not None:
                block.conv.bias[dead] = 0
            if block.norm is not None:
                block.norm.bias[dead] = block.norm.running_mean[dead] = 0


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("vgg", [False, True])
def test_leaving_out_dead_channels_changes_nothing(attention, vgg):
    """The strongest check that every producer and consumer is cut alike."""
    model, info = small_network(attention, vgg)
    for offset, group in enumerate(channel_groups(model)):
        silence(model, group, torch.arange(offset % 4, 32, 4))
    pruned, narrow = prune(model, info, PruneOptions(1e-6, granularity=8, min_filters=8))
    assert narrow.widths["reduction"] == 24
    assert narrow.widths["stage2.shared.1"] == 24
    assert giga_macs(narrow) < (0.8 if vgg else 0.97) * giga_macs(info)
    assert count_parameters(pruned) < count_parameters(model)
    image = torch.rand(1, 3, 32, 48)
    for found, expected in zip(pruned(image), model(image), strict=True):
        torch.testing.assert_close(found.heatmaps, expected.heatmaps, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(found.pafs, expected.pafs, atol=1e-4, rtol=1e-4)


def weights_with_norms(model, name, norms):
    """Give the filters of a layer these L2 norms."""
    weight = model.get_submodule(name).conv.weight
    with torch.no_grad():
        scale = torch.tensor(norms, dtype=torch.float32) / weight.flatten(1).norm(dim=1)
        weight *= scale.view(-1, 1, 1, 1)


def kept(model, info, **options):
    return prune(model, info, PruneOptions(**options))[1].widths["reduction"]


def test_threshold_normaliser_granularity_and_minimum():
    model, info = small_network()
    weights_with_norms(model, "reduction", [i / 32 for i in range(1, 33)])
    plain = {"granularity": 1, "min_filters": 1}
    assert kept(model, info, threshold=0.5, **plain) == 16  # 17/32 ... 32/32 exceed a half
    assert kept(model, info, threshold=0.5, granularity=5, min_filters=1) == 20
    assert kept(model, info, threshold=0.9, granularity=1, min_filters=10) == 10
    assert kept(model, info, threshold=9, granularity=8, min_filters=30) == 32
    length = sum((i / 32) ** 2 for i in range(1, 33)) ** 0.5
    assert kept(model, info, threshold=0.5 / length, normalizer="L2", **plain) == 16


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [("union", 24), ("intersection", 8), ("arithmetic_mean", 24), ("geometric_mean", 8)],
)
def test_layers_that_share_channels_agree(criterion, expected):
    model, info = small_network(attention=True)
    weights_with_norms(model, "stage2.paf.hidden", [1.0] * 16 + [0.01] * 16)
    weights_with_norms(model, "stage2.paf.attention", [1.0] * 8 + [0.01] * 16 + [1.0] * 8)
    options = PruneOptions(0.2, equalization=criterion, granularity=1, min_filters=1)
    widths = prune(model, info, options)[1].widths
    # Both strong: 8; one of them strong: 16, by means 0.505 and 0.1.
    assert widths["stage2.paf.hidden"] == widths["stage2.paf.attention"] == expected


def test_excluded_layers_by_either_name():
    model, info = small_network()
    options = PruneOptions(9.0, granularity=8, min_filters=8)
    assert prune(model, info, options)[1].widths["reduction"] == 8
    for name, ours in (("stage2/conv1", "stage2.shared.0"), ("reduction", "reduction")):
        left = PruneOptions(9.0, granularity=8, min_filters=8, excluded=[name])
        widths = prune(model, info, left)[1].widths
        assert widths.get(ours, 32) == 32
        assert widths["stage1.shared.0"] == 8
    with pytest.raises(InputError, match="excluded layer 'paf_out'"):
        prune(model, info, PruneOptions(excluded=["paf_out"]))


def test_the_command_writes_a_model_that_is_built_as_narrow(tmp_path, capsys):
    model, info = small_network(vgg=False)
    save_model(tmp_path / "m.pth", model, info, "sesam")
    command = ["prune", "-m", str(tmp_path / "m.pth"), "-o", str(tmp_path / "out" / "pruned-0.9")]
    assert main([*command, "-k", "sesam", "-pth", "9", "-pg", "8", "-nf", "8", "-v"]) == 0
    text = capsys.readouterr().out
    assert "GMAC at 256x256" in text
    assert "stage2.shared.1: " in text
    pruned, narrow = load_model(tmp_path / "out" / "pruned-0.9.pth", "sesam")
    assert narrow.widths["reduction"] < 32
    assert pruned.reduction.out_channels == narrow.widths["reduction"]
    assert main([*command, "-k", "other"]) == 2


def test_the_model_is_not_replaced_by_what_is_left_of_it(tmp_path, capsys):
    path = tmp_path / "m.pth"
    save_model(path, *small_network(vgg=False))
    content = path.read_bytes()
    for name in ("m.pth", "m"):
        assert main(["prune", "-m", str(path), "-o", str(tmp_path / name)]) == 2
        assert "would be replaced" in capsys.readouterr().err
    assert path.read_bytes() == content
