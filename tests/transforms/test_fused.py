"""Drawing the crop first gives what the steps give: the same random numbers and labels, and pixels to a gray level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from segue.errors import DataError, LabelError
from segue.packs import Pack, PackRoot
from segue.packs.write import IMAGE, LABELS, PackSource, write_pack
from segue.transforms.compose import Compose
from segue.transforms.load_annotations import LoadAnnotations
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.transforms.pack_seg_inputs import PackSegInputs
from segue.transforms.photo_metric_distortion import PhotoMetricDistortion
from segue.transforms.random_choice_resize import RandomChoiceResize
from segue.transforms.random_crop import RandomCrop
from segue.transforms.random_flip import RandomFlip
from segue.transforms.random_resize import RandomResize
from segue.transforms.resize import Resize
from segue.transforms.resize_shortest_edge import ResizeShortestEdge

HEIGHT, WIDTH = 157, 211
FILES = {  # name of the file, how it is loaded
    "photo.jpg": {},
    "photo.png": {},
    "photo.bmp": {},
    "turned.jpg": {},
    "gray.png": {"color_type": "unchanged"},
    "rgba.png": {"color_type": "unchanged"},
    "deep.png": {"color_type": "unchanged"},
    "many.npy": {"color_type": "unchanged"},
    "float.jpg": {"to_float32": True},
}
RESIZING: dict[str, Any] = {
    "none": lambda: None,
    "ratio": lambda: RandomResize((200, 150), (0.5, 2.0), keep_ratio=True),
    "ratio without aspect": lambda: RandomResize((97, 151), (0.5, 2.0)),
    "two scales": lambda: RandomResize(((100, 70), (400, 300))),
    "half": lambda: Resize(scale_factor=0.5),
    "same size": lambda: Resize((WIDTH, HEIGHT)),
    "choice": lambda: RandomChoiceResize([(90, 90), (333, 257), (64, 200)]),
    "choice of short sides": lambda: RandomChoiceResize(
        [(90, 90), (200, 200)], resize_type="ResizeShortestEdge", max_size=400
    ),
    "short side": lambda: ResizeShortestEdge(120, 1000),
    "bicubic": lambda: RandomResize((200, 150), (0.5, 2.0), interpolation="bicubic"),
    "pillow": lambda: RandomResize((200, 150), (0.5, 2.0), backend="pillow"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Every image with hard edges and noise, the hardest case for interpolation, and a label map with large classes."""
    place = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    picture[:, 60:150] = rng.integers(0, 2, (HEIGHT, 90, 1), dtype=np.uint8) * 255
    cv2.imwrite(str(place / "photo.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    (place / "float.jpg").write_bytes((place / "photo.jpg").read_bytes())
    for name in ("photo.png", "photo.bmp"):
        cv2.imwrite(str(place / name), picture)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by a quarter
    Image.fromarray(picture.transpose(1, 0, 2)[::-1].copy()).save(place / "turned.jpg", exif=exif, quality=95)
    cv2.imwrite(str(place / "gray.png"), picture[:, :, 0])
    cv2.imwrite(str(place / "rgba.png"), np.dstack([picture, picture[:, :, 1]]))
    cv2.imwrite(str(place / "deep.png"), picture.astype(np.uint16) * 257)
    np.save(place / "many.npy", np.dstack([picture, picture, picture]))
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[100:] = rng.integers(0, 5, (HEIGHT - 100, WIDTH))
    labels[:20] = 255
    Image.fromarray(labels).save(place / "labels.png")
    return place


def start(folder: Path, name: str, **more: Any) -> dict[str, Any]:
    return {
        "img_path": str(folder / name),
        "seg_map_path": str(folder / "labels.png"),
        "num_classes": 5,
        "void": 255,
        "ignore_index": 255,
        "reduce_zero_label": False,
        "label_map": None,
        "seg_fields": [],
        **more,
    }


def steps(resizing: str, load: dict[str, Any], crop: RandomCrop, *, whole: bool) -> list[Any]:
    resize = RESIZING[resizing]()
    middle = [] if resize is None else [resize]
    flip = RandomFlip([0.3, 0.3, 0.2], ["horizontal", "vertical", "diagonal"])
    return [LoadImageFromFile(whole=whole, **load), LoadAnnotations(), *middle, crop, flip]


def both(folder: Path, name: str, resizing: str, seed: int, crop: RandomCrop, **more: Any) -> tuple[Any, Any, bool]:
    """The sample in one go and step by step, and whether the former was possible."""
    load = FILES[name]
    fused = Compose(steps(resizing, load, crop, whole=False))
    results = []
    for pipeline in (fused, Compose(steps(resizing, load, crop, whole=True))):
        np.random.seed(seed)
        results.append((pipeline(start(folder, name, **more)), np.random.random()))
    (first, next_first), (second, next_second) = results
    assert next_first == next_second, "other random numbers were drawn"
    np.random.seed(seed)
    begun = fused._first_steps()
    return first, second, begun is not None and begun.attempt(start(folder, name, **more)) is not None


def compare(first: dict[str, Any], second: dict[str, Any], levels: float) -> None:
    assert first["img"].dtype == second["img"].dtype
    assert first["img"].shape == second["img"].shape
    assert np.abs(first["img"].astype(float) - second["img"].astype(float)).max() <= levels
    np.testing.assert_array_equal(first["gt_seg_map"], second["gt_seg_map"])
    assert first["gt_seg_map"].dtype == second["gt_seg_map"].dtype
    assert first.keys() == second.keys()
    for key in first.keys() - {"img", "gt_seg_map"}:
        assert first[key] == second[key], key


@pytest.mark.parametrize("resizing", RESIZING)
@pytest.mark.parametrize("name", FILES)
def test_same_as_step_by_step(folder, name, resizing) -> None:
    """Oracle: the steps themselves; one gray level of 8 bits is the issue's limit, 257 of 16 bits."""
    if resizing == "pillow" and name in ("gray.png", "deep.png", "many.npy", "float.jpg"):
        resizing = "ratio"  # Pillow resizes uint8 of 3 or 4 bands only
    for seed in range(6):
        crop = RandomCrop((64, 96), cat_max_ratio=0.75) if seed % 2 else RandomCrop((300, 50))
        first, second, fused = both(folder, name, resizing, seed, crop)
        compare(first, second, 257 if name == "deep.png" else 1)
        assert fused == (resizing not in ("bicubic", "pillow"))


def test_many_scales(folder) -> None:
    """Odd sizes and offsets, with retries for the classes: 150 draws."""
    crop = RandomCrop((41, 53), cat_max_ratio=0.6)
    differing = 0
    for seed in range(150):
        first, second, fused = both(folder, "photo.png", "ratio", seed, crop)
        compare(first, second, 1)
        assert fused
        differing += int((first["img"] != second["img"]).sum())
    assert differing < 150 * 41 * 53 * 3 * 0.02  # a level is the exception


def test_whole_pipeline(folder) -> None:
    """Colors change by table, which widens a level; without a change of size nothing differs at all."""
    for seed in range(8):
        packed = []
        for whole in (False, True):
            np.random.seed(seed)
            first = steps("none", {}, RandomCrop((64, 96), 0.75), whole=whole)
            packed.append(Compose([*first, PhotoMetricDistortion(), PackSegInputs()])(start(folder, "photo.jpg")))
        assert packed[0]["inputs"].equal(packed[1]["inputs"])
        assert packed[0]["data_samples"].gt_sem_seg.equal(packed[1]["data_samples"].gt_sem_seg)


def test_label_rules(folder) -> None:
    """A label map, a void value and reduce_zero_label, as the steps apply them."""
    for more in (
        {"label_map": {0: 0, 1: 0, 2: 3, 3: 3}},
        {"void": 4},
        {"reduce_zero_label": True},
        {"num_classes": None},
        {"ignore_index": 0, "void": 255},
    ):
        first, second, fused = both(folder, "photo.png", "ratio", 1, RandomCrop((64, 96), 0.75), **more)
        compare(first, second, 1)
        assert fused


@pytest.mark.parametrize(("mode", "most_bytes"), [("L", 1 << 20), ("L", 0), ("P", 1 << 20)])
def test_label_maps_seen_before(folder, tmp_path, mode, most_bytes, monkeypatch) -> None:
    """Of them only a part is decoded, and all values are still checked, by what is remembered of the content."""
    monkeypatch.setattr("segue.masks.window._LARGE", 0)
    monkeypatch.setattr("segue.masks.window._EVERY", 16)
    monkeypatch.setattr("segue.masks.window._MOST_BYTES", most_bytes)
    monkeypatch.setattr("segue.images.decoders._SMALL", 0)
    path = tmp_path / "labels.png"
    image = Image.open(folder / "labels.png")
    if mode == "P":
        image = Image.fromarray(np.asarray(image), "P")
        image.putpalette([value % 256 for value in range(0, 768 * 5, 5)])
    image.save(path)
    crop = RandomCrop((41, 53), cat_max_ratio=0.6)
    fused, whole = (Compose(steps("ratio", {}, crop, whole=whole)) for whole in (False, True))
    for seed in range(40):
        samples = []
        for pipeline in (fused, whole):
            np.random.seed(seed)
            samples.append(pipeline(start(folder, "photo.jpg", seg_map_path=str(path), label_map={1: 2, 2: 2})))
        compare(*samples, 1)
    assert fused._first_steps().attempt(start(folder, "photo.jpg", seg_map_path=str(path))) is not None
    with pytest.raises(LabelError, match=r"labels\.png: label 4 \(\d+ pixels\) outside the 4 classes"):
        fused(start(folder, "photo.jpg", seg_map_path=str(path), num_classes=4))
    Image.fromarray(np.full((HEIGHT, WIDTH), 3, np.uint8)).save(path)
    assert set(np.unique(fused(start(folder, "photo.jpg", seg_map_path=str(path)))["gt_seg_map"])) == {3}


@pytest.fixture(scope="module")
def pack(folder, tmp_path_factory) -> PackRoot:
    sources = [PackSource(str(folder / name), name, IMAGE) for name in ("photo.jpg", "photo.png", "turned.jpg")]
    sources.append(PackSource(str(folder / "labels.png"), "labels.png", LABELS))
    out = tmp_path_factory.mktemp("pack") / "pack"
    write_pack(sources, out, workers=1)
    return PackRoot(Pack(out), str(folder))


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "turned.jpg"])
def test_packs_give_the_same(folder, pack, name) -> None:
    """From a pack, in one go and step by step, and from the files."""
    for seed in range(10):
        crop = RandomCrop((64, 96), cat_max_ratio=0.75)
        first, second, fused = both(folder, name, "ratio", seed, crop, pack=pack, label_map={0: 0, 1: 0})
        compare(first, second, 1)
        assert fused
        files, _, _ = both(folder, name, "ratio", seed, crop, label_map={0: 0, 1: 0})
        np.testing.assert_array_equal(first["img"], files["img"])
        np.testing.assert_array_equal(first["gt_seg_map"], files["gt_seg_map"])


@pytest.mark.parametrize("packed", [False, True])
def test_wrong_labels_anywhere_are_found(folder, pack, packed) -> None:
    """The message is that of the steps, also where the crop does not show the wrong value."""
    more = {"pack": pack} if packed else {}
    pipeline = Compose(steps("ratio", {}, RandomCrop((8, 8)), whole=False))
    with pytest.raises(LabelError, match=r"labels\.png: label 4 \(\d+ pixels\) outside the 4 classes 0\.\.3"):
        pipeline(start(folder, "photo.jpg", num_classes=4, **more))


def test_errors_are_those_of_the_steps(folder, tmp_path) -> None:
    pipeline = Compose(steps("ratio", {}, RandomCrop((8, 8)), whole=False))
    with pytest.raises(DataError, match=r"gone\.jpg: the file does not exist"):
        pipeline(start(folder, "photo.jpg", img_path=str(tmp_path / "gone.jpg")))
    with pytest.raises(DataError, match="RandomCrop"):
        broken = RandomCrop((8, 8))
        broken.choose = lambda size, labels_of: 1 / 0  # type: ignore[assignment,method-assign]
        Compose([LoadImageFromFile(), LoadAnnotations(), broken])(start(folder, "photo.jpg"))


def test_ignore_empty_drops(folder, tmp_path) -> None:
    pipeline = Compose([LoadImageFromFile(ignore_empty=True), LoadAnnotations(), RandomCrop((8, 8))])
    assert pipeline(start(folder, "photo.jpg", img_path=str(tmp_path / "gone.jpg"))) is None


def test_what_is_not_recognized_runs_step_by_step(folder) -> None:
    """Derived classes, other orders, and samples that bring their own maps."""

    class Mine(RandomCrop):
        pass

    load, annotate, crop = LoadImageFromFile(), LoadAnnotations(), RandomCrop((8, 8))
    for unusual in ([load, annotate, Mine((8, 8))], [load, crop, annotate], [load, annotate], []):
        assert Compose(unusual)._first_steps() is None
    usual = Compose([load, annotate, crop])
    first = usual._first_steps()
    assert first is not None
    depth = np.zeros((HEIGHT, WIDTH), np.float32)
    assert first.attempt(start(folder, "photo.jpg", gt_depth_map=depth)) is None
    assert usual(start(folder, "photo.jpg", gt_depth_map=depth))["gt_depth_map"].shape == (8, 8)


def test_changes_of_the_list_count(folder) -> None:
    pipeline = Compose([LoadImageFromFile(), LoadAnnotations(), RandomCrop((8, 8))])
    assert pipeline(start(folder, "photo.jpg"))["img"].shape == (8, 8, 3)
    pipeline.transforms[2] = RandomCrop((9, 7))
    assert pipeline(start(folder, "photo.jpg"))["img"].shape == (9, 7, 3)
