"""BaseSegDataset on folders written here: what is found, what samples carry, and how faults are reported."""

from __future__ import annotations

import numpy as np
import pytest

from segue.datasets.base_seg import BaseSegDataset
from segue.errors import DataError, InputError, LabelError
from segue.transforms.load_annotations import LoadAnnotations
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.transforms.pack_seg_inputs import PackSegInputs

LOAD = [LoadImageFromFile(), LoadAnnotations(), PackSegInputs()]
THREE = {"classes": ("sky", "road", "tree")}
PREFIX = {"img_path": "img", "seg_map_path": "ann"}
FILES = {"img/b.png": None, "img/u/a.png": None, "ann/b.png": [0, 1], "ann/u/a.png": [2, 255], "img/.hidden.png": None}


class Towns(BaseSegDataset):
    METAINFO = {"classes": ("sky", "road", "tree"), "palette": [[1, 1, 1], [2, 2, 2], [3, 3, 3]]}  # noqa: RUF012
    IMG_SUFFIX = ".png"


def towns(root, **options):
    return Towns(data_root=str(root), data_prefix=PREFIX, **options)


def test_scan_is_recursive_and_sorted(folder):
    """Oracle: the two visible images, by path, with their masks."""
    root = folder(FILES)
    dataset = towns(root)
    assert len(dataset) == 2
    info = dataset.get_data_info(1)
    assert info["img_path"] == str(root / "img/u/a.png")
    assert info["seg_map_path"] == str(root / "ann/u/a.png")
    assert info["label_map"] is None
    assert info["reduce_zero_label"] is False
    assert info["seg_fields"] == []
    assert dataset.metainfo == {
        "classes": ("sky", "road", "tree"),
        "palette": [[1, 1, 1], [2, 2, 2], [3, 3, 3]],
        "label_map": None,
        "reduce_zero_label": False,
    }


def test_samples(folder):
    """Oracle: pixel values and labels as written."""
    dataset = towns(folder(FILES), pipeline=LOAD)
    assert (dataset[0]["inputs"] == 90).all()
    assert dataset[0]["data_samples"].gt_sem_seg.tolist() == [[0, 1, 0], [1, 0, 1]]
    assert dataset[-1]["data_samples"].gt_sem_seg.tolist() == [[2, 255, 2], [255, 2, 255]]
    with pytest.raises(IndexError, match="Towns has 2 samples, no sample 2"):
        dataset[2]


def test_ann_file_keeps_its_order(folder):
    root = folder({**FILES, "split.txt": "u/a\n\nb\n"})
    dataset = towns(root, ann_file="split.txt")
    assert [info["img_path"] for info in dataset.data_list] == [str(root / "img/u/a.png"), str(root / "img/b.png")]


@pytest.mark.parametrize(("indices", "names"), [(1, ["b"]), (-1, ["a"]), ([1, 0], ["a", "b"])])
def test_indices(folder, indices, names):
    dataset = towns(folder(FILES), indices=indices)
    assert [info["img_path"][-5] for info in dataset.data_list] == names


def test_chosen_classes_become_a_label_map(folder):
    """Oracle: as mmseg: tree and sky in this order, road ignored; the palette follows."""
    dataset = towns(folder(FILES), metainfo={"classes": ["tree", "sky"]}, pipeline=LOAD)
    assert dataset.metainfo["label_map"] == {0: 1, 1: 255, 2: 0}
    assert dataset.metainfo["palette"] == [[3, 3, 3], [1, 1, 1]]
    assert dataset[0]["data_samples"].gt_sem_seg.tolist() == [[1, 255, 1], [255, 1, 255]]


def test_classes_from_a_file_and_generated_palette(folder):
    root = folder({**FILES, "names.txt": "sky\nroad\ntree\n"})
    dataset = BaseSegDataset(
        data_root=str(root), data_prefix=PREFIX, img_suffix=".png", metainfo={"classes": str(root / "names.txt")}
    )
    assert dataset.metainfo["classes"] == ("sky", "road", "tree")
    assert len({tuple(color) for color in dataset.metainfo["palette"]}) == 3


def test_void_value_and_label_map(folder):
    """Oracle: the file's 11 is ignored; samples always carry 255."""
    root = folder({"img/a.png": None, "ann/a.png": [0, 2, 11]})
    dataset = towns(root, ignore_index=11, pipeline=LOAD)
    assert dataset.ignore_index == 255
    assert dataset[0]["data_samples"].gt_sem_seg.tolist() == [[0, 2, 255]] * 2
    mapped = towns(root, label_map={11: 1}, pipeline=LOAD)
    assert mapped[0]["data_samples"].gt_sem_seg.tolist() == [[0, 2, 1]] * 2


def test_more_than_255_classes(folder):
    """Oracle: class 255 is a class there, so the dataset needs an ignored value of its own."""
    names = {"classes": [str(i) for i in range(300)]}
    root = folder({"img/a.png": None, "ann/a.png": [0, 255, 299, 65535]})
    options = {"data_root": str(root), "data_prefix": PREFIX, "img_suffix": ".png", "metainfo": names, "pipeline": LOAD}
    with pytest.raises(InputError, match="ignore_index=255 is one of the 300 classes; choose another value"):
        BaseSegDataset(**options)
    dataset = BaseSegDataset(**options, ignore_index=65535)
    assert dataset.ignore_index == 65535
    assert set(dataset[0]["data_samples"].gt_sem_seg.flatten().tolist()) == {0, 255, 299, 65535}


def test_dropped_samples_are_replaced(folder):
    """Oracle: only the second image survives the pipeline; in a test a drop is an error."""
    root = folder(FILES)

    def keep_a(sample):
        return sample if sample["img_path"].endswith("a.png") else None

    np.random.seed(0)
    assert towns(root, pipeline=[keep_a])[0]["img_path"].endswith("a.png")
    with pytest.raises(DataError, match=r"b.png: dropped by the pipeline, in a test"):
        towns(root, pipeline=[keep_a], test_mode=True)[0]
    with pytest.raises(DataError, match="the pipeline dropped 4 samples in a row"):
        towns(root, pipeline=[lambda s: None], max_refetch=3)[0]


def test_lazy_init_looks_later(tmp_path):
    dataset = towns(tmp_path / "later", lazy_init=True)
    with pytest.raises(DataError, match="does not exist"):
        len(dataset)


def test_own_layout_and_filter(folder):
    """Oracle: a subclass as mmseg's docs show it; extra keys reach the pipeline."""

    class Own(Towns):
        def load_data_list(self):
            return [{"img_path": f"{i}.png", "city": i} for i in range(5)]

        def filter_data(self):
            return [info for info in self.data_list if info["city"] >= self.filter["least"]]

    dataset = Own(filter={"least": 3}, data_root=str(folder({})))
    assert [dataset[i]["city"] for i in range(len(dataset))] == [3, 4]
    with pytest.raises(DataError, match="Own: no samples are left after filtering"):
        Own(filter={"least": 9})


def test_folders_without_use(folder):
    root = folder({"img/a.jpg": "x", "img/b.jpg": "x", "img/c.txt": "x", "ann/a.png": [0], "empty/.hidden": "x"})
    with pytest.raises(DataError, match=r"imgs: does not exist; .* has ann, empty, img$"):
        Towns(data_root=str(root), data_prefix={"img_path": "imgs"})
    with pytest.raises(
        DataError, match=r"no images ending with .png; the folder has .jpg \(2 files, such as a.jpg\), .txt"
    ):
        towns(root)
    with pytest.raises(DataError, match="empty: the folder of images is empty"):
        Towns(data_root=str(root), data_prefix={"img_path": "empty"})


def test_missing_masks_are_counted(folder):
    root = folder({**{f"img/{i}.png": None for i in range(5)}, "ann/0.png": [0]})
    with pytest.raises(
        DataError, match=r"ann: 4 of 5 label maps are missing: 1.png, 2.png, 3.png and 1 more; the folder"
    ):
        towns(root)
    with pytest.raises(DataError, match="4 of 5 label maps are missing"):
        towns(root, test_mode=True, pipeline=LOAD)  # validation would fail an hour later
    assert len(towns(root, test_mode=True, pipeline=[LoadImageFromFile()])) == 5  # prediction needs no masks


def test_split_names_missing_images(folder):
    root = folder({**FILES, "split.txt": "b\nzebra\n", "none.txt": "\n"})
    with pytest.raises(DataError, match=r"1 of 2 images of .*split.txt are missing: zebra.png"):
        towns(root, ann_file="split.txt")
    with pytest.raises(DataError, match=r"gone.txt: does not exist"):
        towns(root, ann_file="gone.txt")
    with pytest.raises(DataError, match=r"none.txt: the split is empty"):
        towns(root, ann_file="none.txt")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metainfo": {"classes": ["sea"]}}, "Towns: its classes have no 'sea'; .* chooses from sky, road, tree"),
        ({"metainfo": {"classes": ("sky", "sky")}}, "class names must differ, sky is given twice"),
        ({"metainfo": {"classes": 3}}, "classes must be a list of names or a text file .*, got 3"),
        ({"metainfo": {"palette": [[0, 0, 0]]}}, "the palette has 1 colours for 3 classes"),
        ({"metainfo": {"palette": [[0, 0, 300]] * 3}}, r"palette must be a list of \[red, green, blue\] with 0..255"),
        ({"label_map": {0: 5}}, "label_map sends 0 to class 5, but the 3 classes are numbered 0..2"),
        ({"label_map": {0: 1}, "metainfo": {"classes": ["sky"]}}, "label_map and a choice of classes"),
        ({"indices": [0, 9]}, "indices 9: only 2 samples"),
        ({"backend_args": {"backend": "s3"}}, "backend_args must be None or"),
    ],
)
def test_refused_arguments(folder, options, message):
    with pytest.raises(InputError, match=message):
        towns(folder(FILES), **options)


def test_test_mode_needs_classes(folder):
    with pytest.raises(InputError, match=r"BaseSegDataset: needs classes to test: metainfo=dict\(classes="):
        BaseSegDataset(data_root=str(folder(FILES)), data_prefix=PREFIX, img_suffix=".png", test_mode=True)


def test_out_of_range_label_names_the_mask(folder):
    root = folder({"img/a.png": None, "ann/a.png": [0, 3]})
    with pytest.raises(LabelError, match=r"^\S*ann/a.png: label 3 \(3 pixels\) outside the 3 classes"):
        towns(root, pipeline=LOAD)[0]


def test_links_back_do_not_loop(folder):
    root = folder(FILES)
    (root / "img" / "u" / "back").symlink_to(root / "img")
    assert len(towns(root)) == 2


@pytest.mark.parametrize("test_mode", [True, False])
def test_a_pipeline_without_annotations_needs_no_label_maps(folder, test_mode):
    """A config inherits ``seg_map_path``; the folder is not there."""
    root = folder({name: value for name, value in FILES.items() if name.startswith("img")})
    dataset = towns(root, pipeline=[LoadImageFromFile(), PackSegInputs()], test_mode=test_mode)
    assert len(dataset) == 2 and dataset[0]["inputs"].shape == (3, 2, 3)
    with pytest.raises(DataError, match="ann: does not exist"):
        len(towns(root, pipeline=LOAD, test_mode=test_mode))


def test_a_step_of_the_user_s_may_read_label_maps(folder):
    class Reads:
        def __call__(self, sample):
            return sample

    root = folder({name: value for name, value in FILES.items() if name.startswith("img")})
    with pytest.raises(DataError, match="ann: does not exist"):
        len(towns(root, pipeline=[LoadImageFromFile(), Reads()]))
    assert len(towns(root, pipeline=[LoadImageFromFile(), Reads()], test_mode=True)) == 2
