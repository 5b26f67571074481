"""Scores of folders. Oracles: areas counted on paper, scikit-learn's confusion matrix, and loops in numpy."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import segue
from segue.errors import DataError, InputError
from segue.report.scored_files import match

ROAD_CAR_SKY = ("road", "car", "sky")


def write(folder: Path, name: str, values: object, palette: list[int] | None = None) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.asarray(values, np.uint8))
    if palette is not None:
        picture.putpalette(palette)
    picture.save(file)


def scored(tmp_path: Path, **options: object):
    return segue.score(tmp_path / "seen", tmp_path / "true", **{"classes": ROAD_CAR_SKY, "bootstrap": 0, **options})


def test_by_hand(tmp_path):
    """Road is predicted 3 times and true 2, both 2; car 2, 3 and 2; one pixel does not count. As of IoUMetric."""
    write(tmp_path / "seen", "a.png", [[0, 0, 0], [1, 1, 2]])
    write(tmp_path / "true", "a.png", [[0, 0, 1], [1, 1, 255]])
    found = scored(tmp_path)
    assert found.rows[0] | {"Boundary IoU": 0} == {
        "class": "road", "IoU": 66.67, "Acc": 100.0, "Dice": 80.0, "Fscore": 80.0, "Precision": 66.67,
        "Recall": 100.0, "Boundary IoU": 0,
    }  # fmt: skip
    assert found.summary["aAcc"] == 80.0 and found.summary["mIoU"] == 66.67 and found.summary["mAcc"] == 83.33
    assert math.isnan(found.rows[2]["IoU"]), "sky is nowhere"
    assert found.confusion.tolist() == [[2, 0, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_values_that_are_no_class_are_wrong_on_either_side(tmp_path):
    """Prediction 9 takes a pixel from road; truth 7 makes the predicted car one too many."""
    write(tmp_path / "seen", "a.png", [[0, 9, 1, 255]])
    write(tmp_path / "true", "a.png", [[0, 0, 7, 1]])
    found = scored(tmp_path)
    assert found.confusion.tolist() == [[1, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert [row["IoU"] for row in found.rows[:2]] == [50.0, 0.0]
    assert found.summary["aAcc"] == 25.0
    assert found.outside == {"predictions": {9: 1, 255: 1}, "truth": {7: 1}}


def test_a_truth_without_prediction_is_wrong_and_one_without_truth_is_named(tmp_path, capsys):
    for name in "abc":
        write(tmp_path / "true", f"{name}.png", [[0, 1]])
    for name in "abd":
        write(tmp_path / "seen", f"{name}.png", [[0, 1]])
    found = scored(tmp_path)
    assert found.missing == ["c"] and [path.name for path in found.extra] == ["d.png"]
    assert found.summary["aAcc"] == 66.67 and found.rows[0]["IoU"] == 66.67
    said = capsys.readouterr().out
    assert "1 of 3 truths have no prediction; all their pixels count as wrong: c" in said
    assert "1 predictions have no truth and are not measured" in said


@pytest.fixture
def folders(tmp_path):
    """Five images of 6 classes with void and values that are no class."""
    rng = np.random.default_rng(3)
    pairs = []
    for i in range(5):
        true = np.kron(rng.integers(0, 6, (5, 6)), np.ones((8, 8))).astype(np.uint8)
        seen = np.where(rng.random(true.shape) < 0.8, np.roll(true, 1, axis=1), rng.integers(0, 8, true.shape))
        true[rng.random(true.shape) < 0.1] = 255
        write(tmp_path / "true", f"town/{i}_labelIds.png", true)
        write(tmp_path / "seen", f"town/{i}_seen.png", seen)
        pairs.append((true, np.minimum(seen, 6)))
    return tmp_path, pairs


def test_confusion_as_scikit_learn_has_it(folders):
    metrics = pytest.importorskip("sklearn.metrics", reason="pip install 'segue[test]'")
    tmp_path, pairs = folders
    found = scored(tmp_path, classes=6)
    true, seen = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    counted = true != 255
    expected = metrics.confusion_matrix(true[counted], seen[counted], labels=range(7))
    assert (found.confusion == expected).all()
    f1 = metrics.f1_score(true[counted], seen[counted], labels=range(6), average=None)
    assert [row["Fscore"] for row in found.rows] == [round(100 * value, 2) for value in f1]
    iou = metrics.jaccard_score(true[counted], seen[counted], labels=range(6), average=None)
    assert [row["IoU"] for row in found.rows] == [round(100 * value, 2) for value in iou]


def test_confusion_images_and_borders_as_loops_have_them(folders):
    tmp_path, pairs = folders
    found = scored(tmp_path, classes=6, boundary=0.03)
    expected = np.zeros((7, 7), int)
    for true, seen in pairs:
        np.add.at(expected, (true[true != 255], seen[true != 255]), 1)
    assert (found.confusion == expected).all()
    overlaps = []
    for image, (true, seen) in zip(found.images, pairs, strict=True):
        counted = true != 255
        shares = [
            (counted & (true == k) & (seen == k)).sum() / (counted & ((true == k) | (seen == k))).sum()
            for k in range(6)
            if (counted & ((true == k) | (seen == k))).any()
        ]
        assert image.mean_iou == pytest.approx(np.mean(shares), abs=1e-12), image.name
        overlaps.append(image.mean_iou)
    assert found.summary["mIoU per image"] == round(100 * float(np.mean(overlaps)), 2)
    distance = round(0.03 * math.hypot(40, 48))
    areas = np.zeros((3, 6), int)
    for true, seen in pairs:
        near = []
        for labels in (true, np.where(true == 255, 255, seen)):
            padded = np.pad(labels.astype(int), distance, constant_values=-1)
            squares = np.lib.stride_tricks.sliding_window_view(padded, (2 * distance + 1,) * 2)
            near.append((squares != labels[:, :, None, None]).any(axis=(2, 3)))
        for k in range(6):
            t, p = near[0] & (true == k), near[1] & (seen == k) & (true != 255)
            areas[:, k] += [(t & p).sum(), p.sum(), t.sum()]
    expected_rows = [round(100 * b / (p + t - b), 2) for b, p, t in areas.T.tolist()]
    assert [row["Boundary IoU"] for row in found.rows] == expected_rows


def test_intervals_hold_the_number_and_are_the_same_again(folders):
    tmp_path, _ = folders
    first, again = (scored(tmp_path, classes=6, bootstrap=300) for _ in range(2))
    assert first.intervals == again.intervals
    for name in ("aAcc", "mIoU", "boundary mIoU"):
        low, high = first.intervals[name]
        assert low <= first.summary[name] <= high and low < high, name


@pytest.mark.parametrize("masks", ["index", "palette", "rgb", "rgb with gray classes"])
def test_masks_in_colors_are_read_by_the_palette(tmp_path, masks):
    gray = masks == "rgb with gray classes"
    palette = [(128, 128, 128), (64, 64, 64), (0, 0, 0)] if gray else [(128, 64, 128), (0, 0, 142), (70, 130, 180)]
    true = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    seen = np.array([[0, 1, 1], [2, 1, 0]], np.uint8)
    write(tmp_path / "true", "a.png", true)
    if masks.startswith("rgb"):
        write(tmp_path / "seen", "a.png", np.array(palette, np.uint8)[seen])
    else:
        flat = [part for color in palette for part in color]
        write(tmp_path / "seen", "a.png", seen, flat if masks == "palette" else None)
    found = scored(tmp_path, palette=palette)
    assert found.summary["aAcc"] == 83.33 and not any(found.outside.values())


def test_colors_of_no_class_and_colors_that_do_not_count(tmp_path):
    palette = [(128, 64, 128), (0, 0, 142), (70, 130, 180)]
    write(tmp_path / "true", "a.png", np.array([[palette[0], palette[1], (0, 0, 0), palette[2]]]))
    write(tmp_path / "seen", "a.png", np.array([[palette[0], (1, 2, 3), palette[1], palette[2]]]))
    found = scored(tmp_path, palette=palette, ignore_color=(0, 0, 0))
    assert found.confusion.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
    with pytest.raises(DataError, match=r"a\.png.*give the color of each class: --palette"):
        scored(tmp_path)


def test_ids_that_start_at_one_and_values_that_stand_for_classes(tmp_path):
    write(tmp_path / "true", "a.png", [[0, 1, 2, 3]])
    write(tmp_path / "seen", "a.png", [[2, 0, 1, 0]])
    assert scored(tmp_path, reduce_zero_label="truth").confusion.tolist() == [
        [1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0],
    ]  # fmt: skip
    write(tmp_path / "seen", "a.png", [[2, 1, 2, 0]])
    assert scored(tmp_path, reduce_zero_label="both").summary["aAcc"] == 66.67
    write(tmp_path / "true", "a.png", [[0, 255, 255, 0]])
    write(tmp_path / "seen", "a.png", [[0, 255, 0, 0]])
    found = scored(tmp_path, classes=("background", "vessel"), label_map={0: 0, 255: 1}, ignore_index=-1)
    assert [row["IoU"] for row in found.rows] == [66.67, 50.0]


def test_more_classes_than_a_byte_holds(tmp_path):
    true = np.arange(300, dtype=np.uint16).reshape(10, 30)
    for side, values in (("true", true), ("seen", np.where(true == 299, 298, true))):
        (tmp_path / side).mkdir()
        Image.fromarray(values.astype(np.uint16)).save(tmp_path / side / "a.png")
    found = scored(tmp_path, classes=300, ignore_index=7)
    assert found.confusion.sum() == 299 and np.trace(found.confusion) == 298
    assert found.confusion[299, 298] == 1


def test_sizes_that_differ_are_named_all_at_once(tmp_path):
    for name in "ab":
        write(tmp_path / "true", f"{name}.png", np.zeros((4, 6)))
        write(tmp_path / "seen", f"{name}.png", np.zeros((4, 5)))
    write(tmp_path / "true", "c.png", np.zeros((4, 6)))
    write(tmp_path / "seen", "c.png", np.zeros((4, 6)))
    with pytest.raises(DataError, match=r"2 of 3 cannot be measured(.|\n)*a\.png: 5 x 4 pixels.*6 x 4(.|\n)*b\.png"):
        scored(tmp_path)


def test_names_are_matched(tmp_path):
    for i in range(3):
        write(tmp_path / "seen", f"aachen_{i}_leftImg8bit.png", [[0]])
        write(tmp_path / "seen", f"aachen_{i}_leftImg8bit_overlay.png", [[9]])
        write(tmp_path / "true", f"aachen/aachen_{i}_gtFine_labelTrainIds.png", [[0]])
        write(tmp_path / "true", f"aachen/aachen_{i}_gtFine_color.png", [[5]])
    found = match(tmp_path / "seen", tmp_path / "true", "_leftImg8bit.png", "_gtFine_labelTrainIds.png")
    assert [(name, str(truth.name)) for name, _, truth in found.pairs] == [
        (f"aachen_{i}_leftImg8bit", f"aachen_{i}_gtFine_labelTrainIds.png") for i in range(3)
    ]
    with pytest.raises(DataError, match="--prediction-suffix and --truth-suffix"):
        write(tmp_path / "other", "bochum_0.png", [[0]])
        match(tmp_path / "seen", tmp_path / "other")


def test_classes_are_found(tmp_path, capsys):
    write(tmp_path / "seen", "a.png", [[0, 1]])
    write(tmp_path / "true", "a.png", [[0, 3]])
    assert scored(tmp_path, classes=None).classes == ("class_0", "class_1", "class_2", "class_3")
    (tmp_path / "classes.txt").write_text("road\ncar\n", encoding="utf-8")
    assert scored(tmp_path, classes=None).classes == ("road", "car")
    assert "2 classes" in capsys.readouterr().out
    assert scored(tmp_path, classes=str(tmp_path / "classes.txt")).classes == ("road", "car")
    assert len(scored(tmp_path, classes="cityscapes").classes) == 19
    with pytest.raises(InputError, match=r"did you mean 'cityscapes'"):
        scored(tmp_path, classes="cityscape")


def test_what_is_written(tmp_path):
    write(tmp_path / "seen", "a.png", [[0, 0, 0], [1, 1, 2]])
    write(tmp_path / "true", "a.png", [[0, 0, 1], [1, 1, 255]])
    out = tmp_path / "out"
    scored(tmp_path, out=[out / "s.json", out / "s.csv"], confusion=out / "c.csv", images=out / "i.csv")
    data = json.loads((out / "s.json").read_text())
    assert data["summary"]["mIoU"] == 66.67 and data["classes"][2]["IoU"] is None
    assert data["confusion"]["labels"] == [*ROAD_CAR_SKY, "no class"] and data["confusion"]["pixels"][1] == [1, 2, 0, 0]
    assert (out / "s.csv").read_text().splitlines()[1].startswith("road,66.67,100.0,80.0")
    assert (out / "c.csv").read_text().splitlines()[2] == "car,1,2,0,0"
    assert (out / "i.csv").read_text().splitlines()[1].startswith("a,0.8,0.66")
    with pytest.raises(InputError, match=r"written as \.json or \.csv"):
        scored(tmp_path, out=[out / "s.txt"])
