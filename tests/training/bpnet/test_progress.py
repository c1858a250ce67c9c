"""The progress bar: on a terminal, and only there; elsewhere the log has lines."""

import re

import pytest
import yaml

from tests.training.bpnet.runs import make_records, spec_tree, train
from tests.training.terminal import on_a_terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def spec(tmp_path):
    make_records(tmp_path)
    path = tmp_path / "spec.yaml"
    path.write_text(
        yaml.safe_dump(spec_tree(tmp_path) | {"num_epoch": 2, "log_every_n_secs": 1e-9})
    )
    return path


def test_bar_on_a_terminal(spec, tmp_path):
    shown = on_a_terminal("training.bpnet", "train", "-e", spec, "-r", tmp_path / "results")
    assert "Epoch 1/2" in shown and "Epoch 2/2" in shown and "2/2" in shown
    assert "Epoch 0" not in shown
    assert re.search(r"loss: \d+\.\d+ .*val_loss: \d", shown)
    assert re.search(r"left: \d:\d\d:\d\d", shown)
    assert "epoch 1 of 2" not in shown


def test_lines_elsewhere(spec, tmp_path, caplog, capfd):
    assert train(spec, tmp_path / "results", "-ll", "INFO") == 0
    lines = [line for line in caplog.messages if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in lines] == [
        f"epoch {epoch} of 2, step {step} of 4" for epoch, step in ((1, 1), (1, 2), (2, 3), (2, 4))
    ]
    assert "━" not in capfd.readouterr().err
