"""FolderDataset: from two folders to samples without a line of code."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.datasets.folder import FolderDataset
from segue.errors import DataError, InputError, LabelError
from segue.images.read import write_png
from segue.transforms.load_annotations import LoadAnnotations
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.transforms.pack_seg_inputs import PackSegInputs

LOAD = [LoadImageFromFile(), LoadAnnotations(), PackSegInputs()]


def labels(dataset, index=0):
    return dataset[index]["data_samples"].gt_sem_seg[0].tolist()


def test_classes_are_found(folder):
    """Oracle: values 0 and 2 in train, 1 only in val: three classes in both; 255 is no class."""
    root = folder(
        {
            "images/train/a.png": None,
            "images/val/b.png": None,
            "masks/train/a.png": [0, 2, 255],
            "masks/val/b.png": [0, 1, 1],
        }
    )
    train = FolderDataset(str(root), "images/train", "masks/train", pipeline=LOAD)
    assert train.metainfo["classes"] == ("class_0", "class_1", "class_2")
    assert train.metainfo["palette"][0] == [0, 0, 0]
    assert train.metainfo["label_map"] is None
    assert labels(train) == [0, 2, 255]
    val = FolderDataset(str(root), "images/val", "masks/val", pipeline=LOAD, test_mode=True)
    assert val.metainfo == train.metainfo
    assert train.notes[0] == "3 classes found in 2 masks: class_0, class_1, class_2"
    assert train.notes[1].startswith("255 (2 pixels, 16.7 %) counts as unlabeled")


def test_binary_masks_need_nothing(folder):
    """Oracle: 0 and 255, and nothing else, is background and foreground."""
    dataset = FolderDataset(str(folder({"images/a.png": None, "masks/a.png": [0, 255, 255]})), pipeline=LOAD)
    assert dataset.metainfo["classes"] == ("background", "foreground")
    assert labels(dataset) == [0, 1, 1]


def test_255_is_a_class_where_nothing_says_that_it_is_void(folder):
    """Oracle: 0, 128 and 255 are evenly spread; an ignore_index that was given says that 255 is none."""
    root = folder({"images/a.png": None, "masks/a.png": [0, 128, 255]})
    dataset = FolderDataset(str(root), pipeline=LOAD)
    assert dataset.metainfo["classes"] == ("class_0", "class_128", "class_255")
    assert labels(dataset) == [0, 1, 2]
    assert "255 (2 pixels, 33.3 %) are evenly spread: are they 3 classes?" in dataset.notes[1]
    dataset = FolderDataset(str(root), ignore_index=255, pipeline=LOAD)
    assert dataset.metainfo["classes"] == ("background", "foreground") and labels(dataset) == [0, 1, 255]


def test_values_that_can_mean_two_things_are_asked_about(folder):
    """Oracle: a few 1s and 7s in masks of 0 and 255 are noise, or 255 is void; nobody but the owner knows."""
    root = folder({"images/a.png": None})
    mask = np.kron([[0, 255], [0, 0]], np.ones((40, 40))).astype(np.uint8)
    mask[0, :3], mask[1, 0] = 1, 7
    write_png(root / "masks/a.png", mask)
    with pytest.raises(LabelError, match=r"(?s)255 \(1,600 pix.*label_map=\{0: 0, 255: 1, 1: 255, 7: 255\}"):
        FolderDataset(str(root))
    assert FolderDataset(str(root), ignore_index=255).metainfo["classes"] == ("class_0", "class_1", "class_7")


def test_values_beside_a_label_map(folder):
    """Oracle: 2 is not listed, and the map makes class 2 of 255; 1 stays what it is where the map makes none of it."""
    root = folder({"images/a.png": None, "masks/a.png": [0, 2, 255]})
    dataset = FolderDataset(str(root), label_map={0: 0, 128: 1, 255: 2}, pipeline=LOAD)
    with pytest.raises(LabelError, match=r"label 2 \(2 pixels\) not in label_map, .*2: 2.* for the class"):
        labels(dataset)
    names = ["a", "b", "c"]
    assert labels(FolderDataset(str(root), classes=names, label_map={7: 255}, pipeline=LOAD)) == [0, 2, 255]


def test_gaps_are_closed(folder):
    """Oracle: 0, 38 and 75 are numbered 0, 1, 2 and keep their values as names."""
    dataset = FolderDataset(str(folder({"images/a.png": None, "masks/a.png": [0, 38, 75]})), pipeline=LOAD)
    assert dataset.metainfo["classes"] == ("class_0", "class_38", "class_75")
    assert labels(dataset) == [0, 1, 2]


def test_gaps_under_reduce_zero_label(folder):
    """Oracle: 0 is unlabeled; 1 and 5 are classes 0 and 1."""
    root = folder({"images/a.png": None, "masks/a.png": [0, 1, 5]})
    dataset = FolderDataset(str(root), reduce_zero_label=True, pipeline=LOAD)
    assert dataset.metainfo["classes"] == ("class_1", "class_5")
    assert labels(dataset) == [255, 0, 1]


def test_given_classes(folder):
    root = folder({"images/a.png": None, "masks/a.png": [0, 1, 11], "names.txt": "sky\nroad\n"})
    for classes in (["sky", "road"], "names.txt"):
        dataset = FolderDataset(str(root), classes=classes, ignore_index=11, pipeline=LOAD)
        assert dataset.metainfo["classes"] == ("sky", "road")
        assert labels(dataset) == [0, 1, 255]
    (root / "names.txt").rename(root / "classes.txt")
    assert FolderDataset(str(root), ignore_index=11).metainfo["classes"] == ("sky", "road")


def test_label_map_names_the_classes(folder):
    root = folder({"images/a.png": None, "masks/a.png": [0, 255, 255]})
    dataset = FolderDataset(str(root), label_map={0: 0, 255: 1}, pipeline=LOAD)
    assert dataset.metainfo["classes"] == ("class_0", "class_1")
    assert labels(dataset) == [0, 1, 1]


def test_names_of_both_sides_differ(folder):
    """Oracle: the layout of DRIVE."""
    root = folder(
        {f"images/{n}_training.png": None for n in (21, 22, 23)}
        | {f"masks/{n}_manual1.png": [0, 255] for n in (21, 22, 23)}
    )
    dataset = FolderDataset(str(root))
    assert [info["seg_map_path"][-14:] for info in dataset.data_list] == [f"{n}_manual1.png" for n in (21, 22, 23)]
    assert "images are named *_training, their masks *_manual1" in dataset.notes


def test_split(folder):
    files = {f"images/{n}.png": None for n in "abc"} | {f"masks/{n}_mask.png": [0, 1] for n in "abc"}
    root = folder({**files, "train.txt": "c\na.png\n", "bad.txt": "a\nz\n"})
    dataset = FolderDataset(str(root), split="train.txt")
    assert [info["img_path"][-5] for info in dataset.data_list] == ["a", "c"]
    with pytest.raises(DataError, match=r"bad.txt: 1 of 2 names are not in .*images: z"):
        FolderDataset(str(root), split="bad.txt")


@pytest.mark.parametrize("ends", [{"mask_suffix": ".png"}, {"image_suffix": ".png", "mask_suffix": ".png"}])
def test_an_end_that_the_other_folder_has_as_well(folder, ends):
    """Ends tell images and masks apart only where they lie together."""
    dataset = FolderDataset(str(folder({"images/a.png": None, "masks/a.png": [0, 1]})), **ends)
    assert [info["seg_map_path"][-11:] for info in dataset.data_list] == ["masks/a.png"]


def test_unused_masks_are_noted(folder):
    dataset = FolderDataset(str(folder({"images/a.png": None, "masks/a.png": [0, 1], "masks/b.png": [0]})))
    assert "1 masks belong to no image: b.png" in dataset.notes


def test_faults(folder):
    root = folder({"images/a.png": None, "images/b.png": None, "masks/a.png": [0, 1], "text/a.txt": "x"})
    with pytest.raises(
        DataError, match=r"images: 1 of 2 images have no mask in .*masks: b.png. That folder has 1 masks"
    ):
        FolderDataset(str(root))
    with pytest.raises(DataError, match=r"text: no images \(.jpg, .* in the folder; it has a.txt"):
        FolderDataset(str(root), images="text")
    with pytest.raises(DataError, match=r"mask: does not exist; .* has images, masks, text"):
        FolderDataset(str(root), masks="mask")
    with pytest.raises(InputError, match=r"both in 'masks'.*: name what the masks end with, such as .*mask_suffix="):
        FolderDataset(str(root), images="masks")


def test_photographs_as_masks(folder):
    root = folder({"images/a.png": None, **{f"masks/{i}.png": list(range(i * 6, i * 6 + 6)) for i in range(60)}})
    with pytest.raises(LabelError, match="different values, too many to be classes"):
        FolderDataset(str(root))


def test_images_without_masks(folder):
    dataset = FolderDataset(str(folder({"images/a.png": None})), masks=None, classes=["sky"], test_mode=True)
    assert "seg_map_path" not in dataset[0]


def test_a_split_of_images_whose_names_go_on_alike(tmp_path: Path) -> None:
    """Three of twelve slices are listed: the masks of the other nine are theirs, no families of the listed ones."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        for i in range(12):
            cv2.imwrite(str(tmp_path / kind / f"patient{i // 3}_slice{i % 3}.png"), np.full((4, 4), i % 3, np.uint8))
    listed = [f"patient1_slice{i}.png" for i in range(3)]
    (tmp_path / "val.txt").write_text("\n".join(listed))
    dataset = FolderDataset(data_root=str(tmp_path), classes=["a", "b", "c"], split="val.txt")
    found = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [Path(one["img_path"]).name for one in found] == [Path(one["seg_map_path"]).name for one in found] == listed
    for i in range(12):  # two masks of each image are still asked about
        name = f"patient{i // 3}_slice{i % 3}"
        (tmp_path / "masks" / f"{name}.png").rename(tmp_path / "masks" / f"{name}_a.png")
        cv2.imwrite(str(tmp_path / "masks" / f"{name}_b.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"each image has 2 masks, which end with _a\.png, _b\.png"):
        FolderDataset(data_root=str(tmp_path), classes=["a", "b", "c"], split="val.txt")
