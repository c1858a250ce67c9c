import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from converter import InputError
from training.pose_classification.schedule import make_scheduler, rate_factor
from training.pose_classification.spec import OptimSpec


def test_multi_step():
    factor = rate_factor(OptimSpec(lr_steps=[3, 1], lr_decay=0.5), steps_per_epoch=2, num_epochs=4)
    assert [factor(step) for step in range(8)] == [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_cosine_falls_with_every_step_to_zero():
    factor = rate_factor(OptimSpec(lr_scheduler="Cosine"), steps_per_epoch=5, num_epochs=4)
    rates = [factor(step) for step in range(21)]
    assert rates[0] == 1 and rates[10] == pytest.approx(0.5) and rates[20] == pytest.approx(0)
    assert rates == sorted(rates, reverse=True)
    assert factor(25) == pytest.approx(0), "and stays there"


@pytest.mark.parametrize(("warmup", "last"), [(2, 0.0), (8, 1.0)])
def test_cosine_falls_to_zero_behind_the_warm_up(warmup, last):
    optim = OptimSpec(lr_scheduler="Cosine", warmup_epochs=warmup)
    assert rate_factor(optim, steps_per_epoch=2, num_epochs=8)(16) == pytest.approx(last)


@pytest.mark.parametrize("kind", ["MultiStep", "Cosine"])
def test_warm_up_rises_linearly(kind):
    optim = OptimSpec(lr_scheduler=kind, warmup_epochs=2)
    factor = rate_factor(optim, steps_per_epoch=2, num_epochs=8)
    assert [factor(step) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def _optimizer() -> SGD:
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)


def test_multi_step_is_torch_s():
    optim = OptimSpec(lr=0.4, lr_steps=[2, 3], lr_decay=0.1)
    own, torch_s = _optimizer(), _optimizer()
    ours = make_scheduler(own, optim, steps_per_epoch=1, num_epochs=5)
    theirs = torch.optim.lr_scheduler.MultiStepLR(torch_s, optim.lr_steps, optim.lr_decay)
    assert isinstance(ours, LambdaLR)
    for _ in range(5):
        assert own.param_groups[0]["lr"] == pytest.approx(torch_s.param_groups[0]["lr"])
        own.step(), torch_s.step()
        ours.step(), theirs.step()


def test_auto_reduce():
    optim = OptimSpec(lr_scheduler="AutoReduce", lr_decay=0.5, patience=2, min_lr=0.15)
    optimizer = _optimizer()
    scheduler = make_scheduler(optimizer, optim, 1, 1)
    assert isinstance(scheduler, ReduceLROnPlateau)
    rates = []
    for _ in range(8):
        scheduler.step(1.0)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.15, 0.15])


@pytest.mark.parametrize("decay", [1.0, 2.0])
def test_auto_reduce_lowers(decay):
    with pytest.raises(InputError, match=f"lr_decay: {decay} is not allowed"):
        make_scheduler(_optimizer(), OptimSpec(lr_scheduler="AutoReduce", lr_decay=decay), 1, 1)


def test_auto_reduce_has_no_warm_up():
    with pytest.raises(InputError, match="warmup_epochs"):
        make_scheduler(_optimizer(), OptimSpec(lr_scheduler="AutoReduce", warmup_epochs=1), 1, 1)
