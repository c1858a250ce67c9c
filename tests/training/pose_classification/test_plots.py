"""The pictures hold what they should; looked at, not only written."""

from __future__ import annotations

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from training.pose_classification.plots import save_confusion, save_curves


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """The figures that were saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *args, **options):
        figures.append(figure)
        return save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def test_curves(drawn, tmp_path):
    history = [
        {"epoch": i, "lr": 0.1 / (i + 1), "train_loss": 2 - i, "train_acc_1": 0.3 * i}
        for i in range(3)
    ]
    history[1] |= {"val_loss": 1.5, "val_acc_1": 0.5}
    save_curves(history, tmp_path / "curves.png")
    loss, accuracy, rate = drawn[0].axes
    np.testing.assert_allclose(loss.lines[0].get_xydata(), [[0, 2], [1, 1], [2, 0]])
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [0, 30, 60])
    np.testing.assert_allclose(accuracy.lines[1].get_xydata(), [[1, 50]])
    np.testing.assert_allclose(rate.lines[0].get_ydata(), [0.1, 0.05, 0.1 / 3])
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert [p.name for p in tmp_path.iterdir()] == ["curves.png"]
    assert matplotlib.image.imread(tmp_path / "curves.png").std() > 0.05


def test_one_epoch_without_validation_is_a_point(drawn, tmp_path):
    history = [{"epoch": 0, "lr": 0.1, "train_loss": 2.0, "train_acc_1": 0.3}]
    save_curves(history, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
    for axes in drawn[0].axes:
        assert axes.lines[0].get_marker() == "."
        assert all(tick == round(tick) for tick in axes.get_xticks())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("classes", [1, 3, 60])
def test_long_names_leave_room_for_the_matrix(drawn, tmp_path, classes):
    names = [f"{'shaking hands with somebody who ' * 4}{number}" for number in range(classes)]
    save_confusion(np.eye(classes, dtype=np.int64), names, tmp_path / "c.png")
    axes = drawn[0].axes[0]
    width, height = drawn[0].get_size_inches() * drawn[0].dpi
    for label in (*axes.get_yticklabels(), *axes.get_xticklabels()):
        box = label.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    assert len({label.get_text() for label in axes.get_yticklabels()}) == classes
    assert axes.get_window_extent().width > 0.3 * width


def test_confusion(drawn, tmp_path):
    names = ["sitting_down", "getting_up", "walking"]
    save_confusion(np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), names, tmp_path / "c.png")
    axes = drawn[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == names
    assert [label.get_text() for label in axes.get_xticklabels()] == names
    cells = {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in axes.texts}
    assert cells == {(0, 0): "3", (0, 1): "1", (1, 1): "2"}
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]])
    assert axes.get_title() == "5 of 6 right (83.3 %)"


def test_names_of_any_characters(tmp_path, recwarn):
    save_confusion(np.eye(2, dtype=np.int64), ["a$b$c$^$", "坐下"], tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 1000
    assert not recwarn.list


@pytest.mark.parametrize("classes", [2, 60])
def test_labels_stay_inside_the_picture(drawn, tmp_path, classes):
    names = [f"a_rather_long_class_name_{i}" for i in range(classes)]
    save_confusion(np.eye(classes, dtype=np.int64), names, tmp_path / "c.png")
    figure = drawn[0]
    width, height = figure.canvas.get_width_height()
    for label in (*figure.axes[0].get_xticklabels(), *figure.axes[0].get_yticklabels()):
        box = label.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
