import json

import pytest

from tests.training.bpnet.datasets import make_dataset, write_dataset_spec
from tests.training.bpnet.figures import crowd
from training.bpnet.cli import main


def test_help_names_the_tasks(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    text = capsys.readouterr().out
    assert "dataset_convert" in text
    assert "train" in text


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "required: TASK"),
        (["trian"], "invalid choice"),
        (["dataset_convert"], "required"),
        (
            ["dataset_convert", "-d", "none.json", "-o", "x", "-p", "0"],
            "-p/--num_partitions: '0' is not a whole number from 1 up",
        ),
        (["export", "-m", "m.pth", "--static_batch_size", "0"], "at least 1, or -1"),
        (["export", "-m", "m.pth", "--static_batch_size", "-5"], "at least 1, or -1"),
        (["export", "-m", "m.pth", "--static_batch_size", "two"], "'two' must be at least 1"),
        (["prune", "-m", "m.pth", "-o", "o.pth", "-pth", "low"], "'low' is not a number from 0 up"),
        (["prune", "-m", "m.pth", "-o", "o.pth", "-pth", "nan"], "'nan' is not a number from 0 up"),
        (["prune", "-m", "m.pth", "-o", "o.pth", "-pth", "inf"], "'inf' is not a number from 0 up"),
        (["prune", "-m", "m.pth", "-o", "o.pth", "-pth", "-1"], "'-1' is not a number from 0 up"),
        (["train", "-e", "none.yaml", "-r", "x"], "cannot read the spec"),
    ],
)
def test_mistakes(argv, says, capsys):
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert error.startswith("bpnet: error: ")
    assert says in error
    assert error.count("\n") == 1


def test_train_needs_a_place_for_results(tmp_path, capsys):
    spec = tmp_path / "spec.yaml"
    spec.write_text("num_epoch: 5")
    assert main(["train", "-e", str(spec)]) == 2
    assert "checkpoint_dir is not set" in capsys.readouterr().err


def test_dataset_convert_by_the_seeds_command(tmp_path, capsys):
    make_dataset(tmp_path, [crowd(1, 2, 120, 240), crowd(1, 1, 120, 240)])
    (tmp_path / "train2017" / "000000000002.png").unlink()
    spec = str(write_dataset_spec(tmp_path))
    out = tmp_path / "records" / "train"
    command = ["dataset_convert", "-m", "train", "-o", str(out), "--generate_masks"]
    assert main([*command, "--dataset_spec", spec]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 records of 1 images, 1 masks, 1 damaged entries skipped",
        f"{out}-fold-000-of-001",
    ]
    status = (tmp_path / "records" / "status.json").read_text().splitlines()
    assert [json.loads(line)["status"] for line in status] == ["STARTED", "SUCCESS"]
