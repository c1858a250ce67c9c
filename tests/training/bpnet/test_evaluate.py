import csv
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from converter import InputError
from converter.bodypose import People
from tests.training.bpnet.datasets import COCO_JOINTS, annotation, make_dataset, write_dataset_spec
from tests.training.bpnet.figures import POSE, crowd
from training.bpnet.coco import read_coco
from training.bpnet.dataset_spec import load_dataset_spec
from training.bpnet.evaluate import (
    coco_detections,
    coco_scores,
    evaluate,
    ground_truth,
    joint_sigmas,
    results_csv,
)
from training.bpnet.inference_spec import InferenceSpec


def people(joints, scores=None):
    keypoints = joints[..., :2].astype(np.float32)
    if scores is None:
        scores = np.ones(len(joints), np.float32)
    return People(keypoints, np.ones(joints.shape[:2], np.float32), scores)


def noisy_dataset(root, seed=0):
    """Annotations and detections with misplaced joints, misses and false people."""
    rng = np.random.default_rng(seed)
    scenes = [crowd(2, 2, 100, 120, rng) for _ in range(6)]
    make_dataset(root, scenes, split="val")
    detections = []
    for image_id, joints in enumerate(scenes, start=1):
        moved = joints[: rng.integers(1, 5)].copy()
        moved[..., :2] += rng.normal(
            0, rng.uniform(1, 12, (len(moved), 1, 1)), moved[..., :2].shape
        )
        found = people(moved, rng.random(len(moved)).astype(np.float32))
        detections += coco_detections(image_id, found, POSE, COCO_JOINTS)
    return root / "annotations" / "person_keypoints_val2017.json", detections


def pycocotools_scores(annotations, detections, sigmas=None):
    truth = COCO(str(annotations))
    evaluation = COCOeval(truth, truth.loadRes(detections), "keypoints")
    if sigmas is not None:
        evaluation.params.kpt_oks_sigmas = np.array(sigmas)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_pycocotools_to_the_digit(tmp_path, seed):
    annotations, detections = noisy_dataset(tmp_path, seed)
    found = coco_scores(annotations, detections)
    assert found == pytest.approx(pycocotools_scores(annotations, detections), abs=1e-12)
    assert 0 < found[0] < 1


def test_other_joints_need_and_use_their_sigmas(tmp_path):
    names = ["nose", "left_wrist", "right_wrist"]
    joints = crowd(1, 2, 120, 200)
    entries = [annotation(1, person[:, :2], names) for person in joints]
    make_dataset(tmp_path, [joints], split="val", annotations=entries)
    path = tmp_path / "annotations" / "person_keypoints_val2017.json"
    moved = joints + np.array([6, 0, 0])
    detections = coco_detections(1, people(moved), POSE, names)
    assert len(detections[0]["keypoints"]) == 9
    strict, lax = (coco_scores(path, detections, [sigma] * 3) for sigma in (0.02, 0.2))
    assert strict[0] < lax[0] == pytest.approx(1)
    assert strict == pytest.approx(pycocotools_scores(path, detections, [0.02] * 3), abs=1e-12)
    category = {"name": "person", "keypoints": names}
    spec = load_dataset_spec(write_dataset_spec(tmp_path, categories=[category]))
    with pytest.raises(InputError, match="give their tolerances as 'sigmas'"):
        joint_sigmas(spec)


def test_detections_by_name_with_zeros_for_missing_joints():
    found = people(crowd(1, 1, 100, 200))
    found.joint_scores[0, POSE.joints.index("left_eye")] = 0
    (entry,) = coco_detections(7, found, POSE, COCO_JOINTS)
    triples = np.reshape(entry["keypoints"], (17, 3))
    assert triples[COCO_JOINTS.index("left_eye")].tolist() == [0, 0, 0]
    x, y = found.keypoints[0, POSE.joints.index("nose")]
    assert triples[0].tolist() == [pytest.approx(x, abs=0.01), pytest.approx(y, abs=0.01), 1]
    assert (entry["image_id"], entry["category_id"], entry["score"]) == (7, 1, 1.0)


def test_nobody_found_is_zero_and_nobody_to_be_found_is_minus_one(tmp_path):
    annotations, detections = noisy_dataset(tmp_path)
    found = pycocotools_scores(annotations, detections)
    assert found[4] == found[9] == -1  # the drawn people are all of medium size
    assert coco_scores(annotations, []) == [-1 if score == -1 else 0 for score in found]


def test_results_csv():
    rows = list(csv.reader(results_csv([i / 10 for i in range(10)]).splitlines()))
    assert rows[0] == ["metric", "IoU", "area", "maxDets", "score"]
    assert rows[1] == ["Average Precision (AP)", "0.50:0.95", "all", "20", "0.000000"]
    assert rows[10] == ["Average Recall (AR)", "0.50:0.95", "large", "20", "0.900000"]


class Recall:
    """A predictor that remembers who is in which image, by the order of the images."""

    def __init__(self, scenes):
        self.scenes = iter(scenes)
        self.network = self
        self.pose = POSE

    def __call__(self, photo):
        return people(next(self.scenes))


def test_a_perfect_predictor_reaches_one_and_leaves_its_files(tmp_path):
    scenes = [crowd(1, 2, 120, 240), crowd(1, 3, 80, 200)]
    make_dataset(tmp_path, [*scenes, crowd(1, 1, 100, 200)], split="val")
    (tmp_path / "val2017" / "000000000003.png").write_bytes(b"broken")
    spec = load_dataset_spec(write_dataset_spec(tmp_path))
    results = tmp_path / "results"
    results.mkdir()
    outcome = evaluate(Recall(scenes), InferenceSpec(), spec, results)
    assert (outcome.images, outcome.unreadable) == (2, 1)
    # Five of six people: the sixth is in the image that cannot be read.
    assert outcome.scores["AR_0.50:0.95_all"] == pytest.approx(5 / 6)
    assert list(outcome.scores)[:3] == ["AP_0.50:0.95_all", "AP_0.5", "AP_0.75"]
    detections = json.loads((results / "detections.json").read_text())
    assert [len(i.get("keypoints", [])) for i in detections["images"]] == [2, 3, 0]
    assert "keypoints" not in detections["images"][2]
    assert len(json.loads((results / "detections_coco_format.json").read_text())) == 5
    assert (results / "results.csv").is_file()


def without(*keys):
    return lambda entries: [{k: v for k, v in e.items() if k not in keys} for e in entries]


@pytest.mark.parametrize(
    "change",
    [
        without("id", "area", "num_keypoints"),
        lambda entries: [{**entry, "id": 1} for entry in entries],
        lambda entries: [{**entry, "num_keypoints": None} for entry in entries],
        lambda entries: [{**entry, "image_id": str(entry["image_id"])} for entry in entries],
        lambda entries: [*entries, *without("keypoints", "num_keypoints")(entries[:1])],
        lambda entries: [*entries, {**entries[0], "keypoints": None}],
        lambda entries: [*entries, {**entries[0], "keypoints": [1, 2, 2]}],
        lambda entries: [*entries, None],
    ],
)
def test_what_the_reader_accepts_or_skips_can_be_evaluated(tmp_path, change):
    scenes = [crowd(1, 2, 120, 240), crowd(1, 3, 80, 200)]
    entries = make_dataset(tmp_path, scenes, split="val")["annotations"]
    make_again(tmp_path, change(entries))
    spec = load_dataset_spec(write_dataset_spec(tmp_path))
    outcome = evaluate(Recall(scenes), InferenceSpec(), spec, tmp_path)
    assert outcome.scores["AP_0.50:0.95_all"] == pytest.approx(1)


def test_damaged_annotations_are_said(tmp_path, caplog):
    scenes = [crowd(1, 2, 120, 240)]
    entries = make_dataset(tmp_path, scenes, split="val")["annotations"]
    make_again(tmp_path, [*entries, None])
    spec = load_dataset_spec(write_dataset_spec(tmp_path))
    evaluate(Recall(scenes), InferenceSpec(), spec, tmp_path)
    assert "skipped annotations[2]" in caplog.text


def make_again(root, annotations):
    """The annotations of the validation split with others in them, and no categories."""
    path = root / "annotations" / "person_keypoints_val2017.json"
    document = json.loads(path.read_text()) | {"annotations": annotations}
    del document["categories"]
    path.write_text(json.dumps(document))


def test_the_content_scores_as_the_file(tmp_path):
    annotations, detections = noisy_dataset(tmp_path)
    spec = load_dataset_spec(write_dataset_spec(tmp_path))
    content = ground_truth(read_coco(annotations, COCO_JOINTS), spec)
    assert coco_scores(content, detections) == coco_scores(annotations, detections)


def test_no_readable_image_is_an_error(tmp_path):
    make_dataset(tmp_path, [crowd(1, 1, 100, 200)], split="val")
    (tmp_path / "val2017" / "000000000001.png").unlink()
    spec = load_dataset_spec(write_dataset_spec(tmp_path))
    with pytest.raises(InputError, match="none of the 1 test images"):
        evaluate(Recall([]), InferenceSpec(), spec, tmp_path)
