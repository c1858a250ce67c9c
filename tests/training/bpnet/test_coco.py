import json
import re

import pytest

from converter import InputError
from tests.training.bpnet.datasets import COCO_JOINTS, annotation
from tests.training.bpnet.figures import standing
from training.bpnet.coco import read_coco

IMAGE = {"id": 1, "file_name": "a.jpg", "height": 200, "width": 100}
GOOD = annotation(1, standing(10, 10, 60, 150))


def write(path, images, annotations):
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def test_people_of_images(tmp_path):
    other = {**GOOD, "category_id": 2}
    path = write(tmp_path / "a.json", [IMAGE], [GOOD, other])
    coco = read_coco(path, COCO_JOINTS)
    assert coco.images[1].file_name == "a.jpg"
    (person,) = coco.people[1]
    assert person.keypoints.shape == (17, 3)
    assert person.keypoints[0].tolist() == GOOD["keypoints"][:3]
    assert person.centre == (GOOD["bbox"][0] + GOOD["bbox"][2] / 2, pytest.approx(person.centre[1]))
    assert coco.damaged == []


def test_counts_and_area_are_made_where_missing(tmp_path):
    bare = {key: value for key, value in GOOD.items() if key not in ("num_keypoints", "area")}
    bare["keypoints"] = [*bare["keypoints"][:-1], 0]
    (person,) = read_coco(write(tmp_path / "a.json", [IMAGE], [bare]), COCO_JOINTS).people[1]
    assert person.num_keypoints == 16
    assert person.area == pytest.approx(GOOD["bbox"][2] * GOOD["bbox"][3])


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({**GOOD, "image_id": 9}, "image_id 9"),
        ({**GOOD, "keypoints": [1, 2, 2]}, "3 keypoint numbers instead of 51"),
        ({**GOOD, "bbox": [1, 2, 0, 4]}, "is empty"),
        ({**GOOD, "bbox": "none"}, "bbox"),
        ({**GOOD, "bbox": [1, 2, 1e400, 4]}, "finite|float|range"),
        ("not an object", "object"),
    ],
)
def test_a_damaged_annotation_costs_only_itself(tmp_path, broken, says):
    path = write(tmp_path / "a.json", [IMAGE], [broken, GOOD])
    text = path.read_text().replace("Infinity", "1e400")
    path.write_text(text)
    coco = read_coco(path, COCO_JOINTS)
    assert len(coco.people[1]) == 1
    assert len(coco.damaged) == 1
    assert coco.damaged[0].startswith("annotations[0]")
    assert re.search(says, coco.damaged[0]), coco.damaged[0]


def test_a_damaged_image_entry(tmp_path):
    coco = read_coco(write(tmp_path / "a.json", [IMAGE, {"id": 2}], []), COCO_JOINTS)
    assert list(coco.images) == [1]
    assert coco.damaged[0].startswith("images[1]")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": 2**63}, "2"),
        ({"file_name": ""}, "names no file"),
        ({"file_name": "."}, "names no file"),
        ({"file_name": "b.jpg"}, "id 1 is already that of an earlier image"),
        ({"id": 2}, "file_name 'a.jpg' is already that of image 1"),
        ({"id": 2, "file_name": "./a.jpg"}, "file_name './a.jpg' is already that of image 1"),
    ],
)
def test_an_image_entry_that_cannot_be_used(tmp_path, change, says):
    coco = read_coco(write(tmp_path / "a.json", [IMAGE, {**IMAGE, **change}], [GOOD]), COCO_JOINTS)
    assert coco.images[1].file_name == "a.jpg"
    assert len(coco.people[1]) == 1
    (line,) = coco.damaged
    assert line.startswith("images[1]")
    assert says in line


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.png", "a/../../b.jpg"])
def test_a_file_name_that_leads_out_of_the_folder(tmp_path, name):
    path = write(tmp_path / "a.json", [{**IMAGE, "file_name": name}], [GOOD])
    coco = read_coco(path, COCO_JOINTS)
    assert coco.images == coco.people == {}
    assert "leads out of the image folder" in coco.damaged[0]


@pytest.mark.parametrize("text", ["", "[]", '{"images": []}', '{"images": [1'])
def test_not_coco_at_all(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match="cannot read COCO annotations"):
        read_coco(path, COCO_JOINTS)
    with pytest.raises(InputError, match="cannot read COCO annotations"):
        read_coco(tmp_path / "missing.json", COCO_JOINTS)
