"""What each converter makes of values, colors, splits and names, against the arrays that the miniatures are made of."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segue.convert.dataset import Converted, convert_dataset
from segue.errors import DataError, LabelError
from segue.images.read import read_image
from segue.masks.decode import read_mask
from tests.convert.datasets import miniatures
from tests.convert.datasets.miniatures import SIZE, encoded, labels, picture, pixels, values, write


def converted(name: str, layout: miniatures.Layout, tmp_path: Path, **how: Any) -> Converted:
    return convert_dataset(name, [write(layout, tmp_path / "in")], tmp_path / "out", workers=1, **how)


def mask(done: Converted, path: str) -> np.ndarray:
    return read_mask(done.out / path)


def image(done: Converted, path: str) -> np.ndarray:
    """RGB."""
    return read_image(done.out / path)[..., ::-1]


def names(done: Converted, folder: str) -> list[str]:
    return sorted(path.name for path in (done.out / folder).iterdir())


def decoded(data: bytes) -> np.ndarray:
    """RGB of an image file, as the datasets read it."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found[..., ::-1]


def test_chase_db1(tmp_path: Path) -> None:
    """The first ten children are for training: Image_10R is, Image_11L is not."""
    done = converted("chase_db1", miniatures.chase_db1(), tmp_path)
    for split, stem in (("training", "Image_10R"), ("validation", "Image_11L")):
        np.testing.assert_array_equal(image(done, f"images/{split}/{stem}.png"), decoded(picture(stem, ".jpg")))
        for observer in ("1stHO", "2ndHO"):
            found = mask(done, f"annotations/{split}/{stem}_{observer}.png")
            np.testing.assert_array_equal(found, values((stem, observer), (0, 255)) == 255)
    assert done.notes == []


def test_drive(tmp_path: Path) -> None:
    done = converted("drive", miniatures.drive(), tmp_path)
    np.testing.assert_array_equal(image(done, "images/training/21.png"), pixels(21))
    np.testing.assert_array_equal(mask(done, "annotations/training/21_manual1.png"), values((21, 1), (0, 255)) == 255)
    np.testing.assert_array_equal(mask(done, "annotations/validation/01_manual2.png"), values((1, 2), (0, 255)) == 255)
    assert done.notes[0] == "3 images of training; the whole dataset has 20: is the download complete?"


def test_drive_without_masks_of_the_test_set(tmp_path: Path) -> None:
    """As it is handed out today."""
    done = converted("drive", miniatures.drive(manual_test=False), tmp_path)
    assert names(done, "images/validation") == ["01.png", "20.png"]
    assert not (done.out / "annotations" / "validation").exists()
    assert any(note.startswith("test/1st_manual is not there") for note in done.notes)


def test_a_mask_is_split_at_128_and_one_of_0_and_1_is_refused(tmp_path: Path) -> None:
    """Some masks are scans: 127 is background and 128 a vessel. Of 0 and 1 the vessels would be lost without a word."""
    layout = miniatures.drive()
    training: Any = layout["training.zip"]
    training["training/1st_manual/21_manual1.gif"] = labels(1, (0, 127, 128, 255), ".gif")
    done = converted("drive", layout, tmp_path / "a")
    expected = values(1, (0, 127, 128, 255)) >= 128
    np.testing.assert_array_equal(mask(done, "annotations/training/21_manual1.png"), expected)
    training["training/1st_manual/21_manual1.gif"] = labels(1, (0, 1), ".gif")
    with pytest.raises(LabelError, match=r"21_manual1.gif: a mask of 0 and 255 is expected, .* the values 0 \(.* 1 \("):
        converted("drive", layout, tmp_path / "b")


def test_stare(tmp_path: Path) -> None:
    done = converted("stare", miniatures.stare(), tmp_path)
    assert names(done, "images/training")[-1] == "im0139.png"
    assert names(done, "images/validation")[0] == "im0162.png"
    np.testing.assert_array_equal(image(done, "images/training/im0001.png"), pixels("im0001"))
    for observer in ("ah", "vk"):
        found = mask(done, f"annotations/validation/im0324.{observer}.png")
        np.testing.assert_array_equal(found, values(("im0324", observer), (0, 255)) == 255)


def test_hrf(tmp_path: Path) -> None:
    """Five of each kind are for training; the masks of the field of view are not taken for vessels."""
    layout = miniatures.hrf()
    layout["healthy_fovmasks.zip"] = {"01_h_mask.tif": labels("fov", (0, 255), ".tif")}
    done = converted("hrf", layout, tmp_path)
    assert len(names(done, "images/training")) == 15
    assert names(done, "annotations/training") == names(done, "images/training")
    np.testing.assert_array_equal(mask(done, "annotations/training/05_dr.png"), values("05_dr", (0, 255)) == 255)
    np.testing.assert_array_equal(mask(done, "annotations/validation/06_h.png"), values("06_h", (0, 255)) == 255)


def test_refuge(tmp_path: Path) -> None:
    """0 is the cup, 128 the disc, 255 the rest; the oracle is the owners' description."""
    done = converted("refuge", miniatures.refuge(), tmp_path)
    for split, stem, seed in (
        ("training", "n0002", "n0002"),
        ("validation", "V0001", ("V", 1)),
        ("test", "T0002", ("T", 2)),
    ):
        stored = values(seed, (0, 128, 255))
        found = mask(done, f"annotations/{split}/{stem}.png")
        np.testing.assert_array_equal(found, np.select([stored == 0, stored == 128], [1, 2], 0))
        np.testing.assert_array_equal(image(done, f"images/{split}/{stem}.png"), decoded(picture(seed, ".jpg")))


def test_refuge_without_a_split(tmp_path: Path) -> None:
    layout = miniatures.refuge()
    del layout["REFUGE-Test400.zip"]
    with pytest.raises(DataError, match=r"(?s)REFUGE: no images of test \(.*found: .*REFUGE-Training400"):
        converted("refuge", layout, tmp_path)


def test_refuge_refuses_other_values(tmp_path: Path) -> None:
    layout = miniatures.refuge()
    masks: Any = layout["REFUGE-Test-GT.zip"]
    masks["REFUGE-Test-GT/Disc_Cup_Masks/N/T0002.bmp"] = labels("other", (0, 127, 255), ".bmp")
    with pytest.raises(
        LabelError, match=r"T0002.bmp: the labels 127 \(\d+ pixels\) are none of this dataset's 3 values"
    ):
        converted("refuge", layout, tmp_path)


def test_loveda(tmp_path: Path) -> None:
    done = converted("loveda", miniatures.loveda(), tmp_path)
    assert names(done, "img_dir/train") == ["0.png", "1.png", "2.png", "3.png"]
    assert names(done, "img_dir/test") == ["10.png", "11.png", "8.png", "9.png"]
    np.testing.assert_array_equal(mask(done, "ann_dir/val/6.png"), values(6, range(8)))


def test_coco_stuff_ids_move_together(tmp_path: Path) -> None:
    """11 ids of COCO are in no image. In 10k ids start at 1 and 0 is unlabeled, in 164k they start at 0 and 255 is."""
    done = converted("coco_stuff10k", miniatures.coco_stuff10k(), tmp_path / "a")
    stem = "COCO_train2014_000000000077"
    stored = values(stem, (0, 1, 11, 13, 25, 27, 92, 182))
    expected = np.select([stored == v for v in (1, 11, 13, 25, 27, 92, 182)], [1, 11, 12, 24, 25, 81, 171], 0)
    np.testing.assert_array_equal(mask(done, f"annotations/train2014/{stem}_labelTrainIds.png"), expected)
    assert names(done, "images/test2014") == ["COCO_train2014_000000000081.jpg"]

    done = converted("coco_stuff164k", miniatures.coco_stuff164k(), tmp_path / "b")
    stem = "000000000139"
    stored = values(stem, (0, 10, 12, 24, 26, 91, 181, 255))
    expected = np.select([stored == v for v in (10, 12, 24, 26, 91, 181, 255)], [10, 11, 23, 24, 80, 170, 255], 0)
    np.testing.assert_array_equal(mask(done, f"annotations/val2017/{stem}_labelTrainIds.png"), expected)
    assert (done.out / f"images/val2017/{stem}.jpg").read_bytes() == picture(stem, ".jpg")


def test_damaged_files_that_need_a_file_of_the_disk_are_named_by_their_archive(tmp_path: Path) -> None:
    layout = miniatures.coco_stuff10k()
    content: Any = layout["cocostuff-10k-v1.1.zip"]
    content["annotations/COCO_train2014_000000000077.mat"] = b"text"
    with pytest.raises(DataError, match=r"v1.1.zip: annotations/COCO_train2014_000000000077.mat: not a MATLAB file"):
        converted("coco_stuff10k", layout, tmp_path / "a")
    pytest.importorskip("nibabel", reason="the scans are NIfTI, which the extra 'medical' reads")
    layout = miniatures.synapse()
    content = layout["RawData.zip"]
    content["RawData/Training/img/img0001.nii.gz"] = gzip.compress(b"text")
    with pytest.raises(DataError, match=r"RawData.zip: RawData/Training/img/img0001.nii.gz: damaged, or not a NIfTI"):
        converted("synapse", layout, tmp_path / "b")


def test_coco_stuff_refuses_ids_that_no_class_has(tmp_path: Path) -> None:
    layout = miniatures.coco_stuff164k()
    maps: Any = layout["stuffthingmaps_trainval2017.zip"]
    maps["val2017/000000000139.png"] = labels("odd", (0, 11), ".png")
    with pytest.raises(LabelError, match=r"val2017/000000000139.png: the labels 11 \(\d+ pixels\)"):
        converted("coco_stuff164k", layout, tmp_path)


def test_isaid(tmp_path: Path) -> None:
    """Names hold y0_y1_x0_x1; a short image is filled up, its labels with 255; every pixel is in a patch.

    Tiles of 8 x 6 (H x W) would come out turned if height and width were mixed up, as in the reference.
    """
    done = converted("isaid", miniatures.isaid(), tmp_path, tile=[8, 6], overlap=2)
    stored, shown = values("P0000", range(16), (20, 26)), pixels("P0000", (20, 26))
    found = [name for name in names(done, "img_dir/train") if name.startswith("P0000")]
    starts = [(y, x) for y in (0, 6, 12) for x in (0, 4, 8, 12, 16, 20)]
    assert sorted(found) == sorted(f"P0000_{y}_{y + 8}_{x}_{x + 6}.png" for y, x in starts)
    for y, x in starts:
        name = f"P0000_{y}_{y + 8}_{x}_{x + 6}"
        part = np.s_[y : y + 8, x : x + 6]
        np.testing.assert_array_equal(mask(done, f"ann_dir/train/{name}_instance_color_RGB.png"), stored[part])
        np.testing.assert_array_equal(image(done, f"img_dir/train/{name}.png"), shown[part])
    short = mask(done, "ann_dir/train/P0007_0_8_24_30_instance_color_RGB.png")
    np.testing.assert_array_equal(short[:5], values("P0007", range(16), (5, 30))[:, 24:])
    assert (short[5:] == 255).all()
    assert (image(done, "img_dir/train/P0007_0_8_24_30.png")[5:] == 0).all()
    assert image(done, "img_dir/test/P0006.png").shape == (11, 13, 3)
    data = (done.out / "img_dir/train/P0007_0_8_24_30.png").read_bytes()
    assert data.startswith(b"\x89PNG")


def test_levir(tmp_path: Path) -> None:
    """--overlap is obeyed: neighbors start every 8 - 3 pixels, the last of a row ends at the edge."""
    done = converted("levir", miniatures.levir(), tmp_path, tile=[8], overlap=3)
    shown = pixels(("test", 1, "B"), (16, 24))
    stored = values(("test", 1), (0, 255), (16, 24)) == 255
    starts = [(x, y) for y in (0, 5, 8) for x in (0, 5, 10, 15, 16)]
    assert names(done, "test/B") == sorted(f"test_1_{x}_{y}_{x + 8}_{y + 8}.png" for x, y in starts)
    for x, y in starts:
        name = f"test_1_{x}_{y}_{x + 8}_{y + 8}.png"
        np.testing.assert_array_equal(image(done, f"test/B/{name}"), shown[y : y + 8, x : x + 8])
        np.testing.assert_array_equal(mask(done, f"test/label/{name}"), stored[y : y + 8, x : x + 8])


@pytest.mark.parametrize(("name", "key", "tile"), [("potsdam", "2_10", "2_10"), ("vaihingen", "area11", 11)])
def test_isprs(name: str, key: str, tile: object, tmp_path: Path) -> None:
    """Black is 0, then the classes in their order; by default tiles do not overlap, as in the published data."""
    done = converted(name, getattr(miniatures, name)(), tmp_path, tile=[8])
    stored, shown = values(tile, range(7), (20, 28)), pixels(tile, (20, 28))
    found = [path for path in names(done, "img_dir/train") if path.startswith(f"{key}_")]
    starts = [(x, y) for y in (0, 8, 12) for x in (0, 8, 16, 20)]
    assert found == sorted(f"{key}_{x}_{y}_{x + 8}_{y + 8}.png" for x, y in starts)
    for x, y in starts:
        at = f"train/{key}_{x}_{y}_{x + 8}_{y + 8}.png"
        np.testing.assert_array_equal(mask(done, f"ann_dir/{at}"), stored[y : y + 8, x : x + 8])
        np.testing.assert_array_equal(image(done, f"img_dir/{at}"), shown[y : y + 8, x : x + 8])


def test_isprs_colors_may_be_slightly_off_but_not_others(tmp_path: Path) -> None:
    """One tile of Potsdam has (252, 255, 0) for cars; magenta is no class, and is counted."""
    layout = miniatures.potsdam()
    masks: Any = layout["5_Labels_all_noBoundary.zip"]
    colors = np.full((8, 8, 3), 255, np.uint8)
    colors[:4] = (252, 255, 0)
    masks["top_potsdam_2_10_label_noBoundary.tif"] = encoded(colors, ".tif")
    done = converted("potsdam", layout, tmp_path / "a")
    found = mask(done, "ann_dir/train/2_10_0_0_8_8.png")
    assert (found[:4] == 5).all()
    assert (found[4:] == 1).all()
    colors[0, :3] = (255, 0, 255)
    masks["top_potsdam_2_10_label_noBoundary.tif"] = encoded(colors, ".tif")
    with pytest.raises(
        LabelError, match=r"2_10_label_noBoundary.tif: the colors \(255, 0, 255\) \(3 pixels\) are none"
    ):
        converted("potsdam", layout, tmp_path / "b")


def test_vaihingen_leaves_out_what_has_no_mask(tmp_path: Path) -> None:
    done = converted("vaihingen", miniatures.vaihingen(), tmp_path)
    assert "without a mask, left out: area9" in done.notes
    assert names(done, "img_dir/val") == ["area2_0_0_28_20.png", "area38_0_0_28_20.png"]


def test_nyu(tmp_path: Path) -> None:
    done = converted("nyu", miniatures.nyu(), tmp_path)
    assert names(done, "images/train") == ["basement_0001a_00000.jpg", "living_room_0020_00017.jpg"]
    depth = read_image(done.out / "annotations/test/bathroom_00045.png", "unchanged")
    assert depth.dtype == np.uint16
    np.testing.assert_array_equal(depth, values(("bathroom", "00045", "depth"), range(500, 9500, 50), dtype=np.uint16))


def test_nyu_list_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    layout = miniatures.nyu()
    content: Any = layout["nyu.zip"]
    content["nyu/nyu_test.txt"] = b"../../etc/passwd bathroom/sync_depth_00045.png 518\n"
    with pytest.raises(
        DataError, match=r"nyu_test.txt lists '../../etc/passwd', which is not there.\n  expected: nyu.zip"
    ):
        converted("nyu", layout, tmp_path)


def test_synapse(tmp_path: Path) -> None:
    """The first axis of the file runs down, the second from right to left; -125..275 HU become 0..255."""
    pytest.importorskip("nibabel", reason="the scans are NIfTI, which the extra 'medical' reads")
    done = converted("synapse", miniatures.synapse(), tmp_path)
    stored = values(1, range(14), miniatures.SYNAPSE_SHAPE)
    organs = {8: 1, 4: 2, 3: 3, 2: 4, 6: 5, 11: 6, 1: 7, 7: 8}
    for number in range(3):
        expected = np.vectorize(lambda value: organs.get(value, 0))(stored[:, ::-1, number])
        np.testing.assert_array_equal(mask(done, f"ann_dir/val/case0001_slice{number:03}.png"), expected)
    scan = np.random.default_rng(6).integers(-1000, 1000, miniatures.SYNAPSE_SHAPE)[:, ::-1, 2]
    expected = (np.clip(scan, -125, 275) + 125) / 400 * 255
    shown = image(done, "img_dir/train/case0006_slice002.jpg")
    assert (shown == shown[..., :1]).all()
    assert np.abs(shown[..., 0] - expected).mean() < 3  # JPEG


def test_synapse_lists_decide(tmp_path: Path) -> None:
    pytest.importorskip("nibabel", reason="the scans are NIfTI, which the extra 'medical' reads")
    layout: miniatures.Layout = {
        **miniatures.synapse(),
        "train.txt": b"img0001.nii.gz\n",
        "val.txt": b"img0005.nii.gz\n",
    }
    done = converted("synapse", layout, tmp_path)
    assert names(done, "ann_dir/val") == [f"case0005_slice00{i}.png" for i in range(3)]
    assert names(done, "ann_dir/train") == [f"case0001_slice00{i}.png" for i in range(3)]
    assert "scans of neither split are left out: 0006, 0061" in done.notes


def test_cityscapes(tmp_path: Path) -> None:
    """Drawn by hand: sky in rows 0-4 and road in rows 6-11, a car over it, a rider, and the rest unlabeled.

    A group of cars is cars, a license plate shows what is below, a deleted object is not drawn.
    """
    done = converted("cityscapes", miniatures.cityscapes(), tmp_path)
    expected = np.full(SIZE, 255)
    expected[:5] = 10
    expected[6:10] = 0
    expected[7:10, 2:6] = 13
    found = mask(done, "gtFine/val/frankfurt/frankfurt_000000_000019_gtFine_labelTrainIds.png")
    rider = found == 12
    assert 10 < rider.sum() < 25
    assert rider[3, 8]
    assert rider[5, 12]
    assert not rider[:, :8].any()
    np.testing.assert_array_equal(np.where(rider, 12, expected), found)
    assert (done.out / "train.txt").read_text() == "aachen/aachen_000000_000019\nbremen/bremen_000000_000019\n"
    assert (done.out / "gtFine/test/berlin/berlin_000000_000019_gtFine_labelIds.png").exists()


def test_cityscapes_without_images_says_so(tmp_path: Path) -> None:
    layout = miniatures.cityscapes()
    del layout["leftImg8bit_trainvaltest.zip"]
    done = converted("cityscapes", layout, tmp_path)
    assert (
        "4 of 4 outlines have no image, such as test/berlin/berlin_000000_000019: give the images too" in done.notes[0]
    )


@pytest.mark.parametrize(
    ("outlines", "message"),
    [
        (
            {"imgWidth": 4, "imgHeight": 4, "objects": [{"label": "unicorn", "polygon": [[0, 0], [1, 1], [1, 0]]}]},
            "'unicorn'",
        ),
        ({"imgWidth": 10**9, "imgHeight": 10**9, "objects": []}, "an image of 1000000000 x 1000000000 pixels"),
        ({"imgWidth": 4, "imgHeight": 4}, "KeyError: 'objects'"),
        ([], "no outlines of Cityscapes"),
    ],
)
def test_cityscapes_names_bad_outlines(outlines: Any, message: str, tmp_path: Path) -> None:
    layout = miniatures.cityscapes()
    path = "gtFine/val/frankfurt/frankfurt_000000_000019_gtFine_polygons.json"
    layout["gtFine_trainvaltest.zip"][path] = json.dumps(outlines).encode()  # type: ignore[index,call-overload]
    with pytest.raises(DataError, match=f"{path}: no outlines of Cityscapes") as caught:
        converted("cityscapes", layout, tmp_path)
    assert message in str(caught.value)


def test_voc_aug(tmp_path: Path) -> None:
    """Of SBD all but VOC's validation images; those of VOC that SBD lacks keep VOC's mask. Lists are sorted."""
    done = converted("voc_aug", miniatures.voc_aug(), tmp_path)
    lists = done.out / "VOC2012/ImageSets/Segmentation"
    assert (lists / "aug.txt").read_text().split() == ["2008_000015", "2008_000019", "2009_000001"]
    assert (lists / "trainaug.txt").read_text().split() == [
        *("2007_000032", "2008_000008", "2008_000015", "2008_000019", "2009_000001"),
    ]
    aug = "VOC2012/SegmentationClassAug"
    np.testing.assert_array_equal(mask(done, f"{aug}/2008_000008.png"), values(("2008_000008", "sbd"), (0, 3, 20)))
    np.testing.assert_array_equal(mask(done, f"{aug}/2007_000032.png"), values("2007_000032", (0, 1, 20, 255)))
    for stem in (lists / "trainaug.txt").read_text().split():
        assert (done.out / aug / f"{stem}.png").exists()
        assert (done.out / f"VOC2012/JPEGImages/{stem}.jpg").exists()


@pytest.mark.parametrize("per_image", [False, True])
def test_pascal_context(per_image: bool, tmp_path: Path) -> None:
    """Of 459 categories 59 are classes: aeroplane (2), person (284) and wood (458) are 1, 37 and 59, others 0."""
    done = converted("pascal_context", miniatures.pascal_context(per_image), tmp_path)
    for stem in ("2008_000002", "2008_000007"):
        stored = values((stem, "context"), (0, *miniatures.CONTEXT_IDS), dtype=np.uint16)
        expected = np.select([stored == 2, stored == 284, stored == 458], [1, 37, 59], 0)
        np.testing.assert_array_equal(mask(done, f"VOC2010/SegmentationClassContext/{stem}.png"), expected)
    lists = done.out / "VOC2010/ImageSets/SegmentationContext"
    assert (lists / "train.txt").read_text() == "2008_000002\n2008_000003\n"
    assert (lists / "val.txt").read_text() == "2008_000007\n"


def test_pascal_context_ids_follow_the_names() -> None:
    """59 different categories, ascending as the alphabetical names of the classes are."""
    from segue.convert.datasets.pascal_context import CATEGORIES
    from segue.datasets.pascal_context import CLASSES

    assert len(set(CATEGORIES)) == len(CLASSES) - 1 == 59
    assert list(CATEGORIES) == sorted(CATEGORIES)
    assert list(CLASSES[1:]) == sorted(CLASSES[1:])
