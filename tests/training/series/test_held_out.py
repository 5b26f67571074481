"""The config of a fold, through every wrapper, and the file that says which images it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from torch.utils.data import Dataset

from segue.config import Config
from segue.config.builder.build import build_dataset
from segue.config.builder.register import registered
from segue.datasets.base_seg import BaseSegDataset
from segue.errors import ConfigError, DataError, InputError
from segue.training.series.folds import Fold, fold_of, folds_of
from segue.training.series.held_out import divided, split_here, with_fold

LOADS = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}]
TRAIN, VAL = (
    [*LOADS, {"type": "RandomFlip", "prob": 1.0}, {"type": "PackSegInputs"}],
    [*LOADS, {"type": "PackSegInputs"}],
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten images in two folders; class c is in image 0 alone."""
    for i in range(10):
        folder = tmp_path / "data" / ("one" if i < 6 else "two")
        labels = np.zeros((8, 8), np.uint8)
        labels[: 1 + i % 4] = 1
        labels[7, 7] = 2 if i == 0 else 0
        for kind, array in (("images", np.full((8, 8, 3), 20 * i, np.uint8)), ("masks", labels)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / kind / f"ä {i}.png"), array)
    return tmp_path / "data"


def leaf(root: Path, name: str, **more: Any) -> dict[str, Any]:
    kind = {"type": "FolderDataset", "data_root": str(root / name), "classes": ["a", "b", "c"], "pipeline": TRAIN}
    return kind | more


def config(dataset: Any, **more: Any) -> Config:
    loader = {"batch_size": 2, "num_workers": 0, "dataset": dataset}
    return Config(
        {"train_dataloader": loader, "test_pipeline": VAL, "test_dataloader": {"dataset": "untouched"}, **more}
    )


def numbers(cfg: Config, key: str) -> list[int]:
    """Which images a dataset of the config has, by their grays; a mixed picture has several, and 255 is padding."""
    data = build_dataset(cfg, f"{key}_dataloader.dataset")
    return sorted(int(v) // 20 for i in range(len(data)) for v in data[i]["inputs"].unique() if v < 255)


def folded(cfg: Config, fold: str, folder: Path) -> tuple[Config, list[str]]:
    one = fold_of(fold)
    samples, folds = divided(cfg, one.count, folder)
    made, said = with_fold(cfg, one, samples, folds)
    return made, [*folds.said, *said]


def wrapped(root: Path, kind: str) -> Any:
    one, two = leaf(root, "one"), leaf(root, "two")
    both = {"type": "ConcatDataset", "datasets": [one, two]}
    return {
        "plain": one,
        "concat": both,
        "repeat": {"type": "RepeatDataset", "times": 3, "dataset": one},
        "nested": {"type": "ConcatDataset", "datasets": [{"type": "RepeatDataset", "times": 2, "dataset": one}, two]},
        "rare": {"type": "ClassBalancedDataset", "oversample_thr": 0.3, "dataset": both},
        "twice": {"type": "ConcatDataset", "datasets": [one, one]},
        "some": leaf(root, "one", indices=[5, 3, 1, 0]),
        "first": leaf(root, "one", indices=4),
        "last": leaf(root, "one", indices=-4),
        "mixed": {
            "type": "MultiImageMixDataset",
            "dataset": leaf(root, "one", pipeline=LOADS),
            "pipeline": [
                {"type": "RandomMosaic", "prob": 1.0, "img_scale": (8, 8), "pad_val": 255},
                {"type": "PackSegInputs"},
            ],
        },
    }[kind]


@pytest.mark.parametrize(
    "kind", ["plain", "concat", "repeat", "nested", "rare", "twice", "some", "first", "last", "mixed"]
)
def test_through_wrappers(kind: str, root: Path, tmp_path: Path) -> None:
    """Each image is validated on in one fold, once, and never trained on there, mixed pictures included."""
    cfg = config(wrapped(root, kind))
    every = {"some": [0, 1, 3, 5], "first": [0, 1, 2, 3], "last": [2, 3, 4, 5]}.get(kind)
    every = every or list(range(10 if kind in ("concat", "nested", "rare") else 6))
    seen: list[int] = []
    for i in (1, 2, 3):
        made, said = folded(cfg, f"{i}/3", tmp_path / "work")
        held = numbers(made, "val")
        trained = numbers(made, "train")
        assert len(set(held)) == len(held) and not set(held) & set(trained)
        if kind == "mixed":
            assert set(trained) <= set(every) - set(held)
        else:
            assert set(trained) == set(every) - set(held)
        if kind == "repeat":
            assert len(trained) == 3 * len(set(trained))
        assert f"Fold {i} of 3: {len(every) - len(held)} images to train on, {len(held)} for validation" in said
        assert made["test_dataloader"] == {"dataset": "untouched"} and made["val_evaluator"] == {"type": "IoUMetric"}
        assert made["val_cfg"] == {"type": "ValLoop"}
        seen += held
    assert sorted(seen) == every
    assert cfg["train_dataloader"]["dataset"] == wrapped(root, kind), "the given config stays as it is"


def test_validation_has_the_labels_of_training_and_the_pipeline_of_validation(root: Path, tmp_path: Path) -> None:
    own = {"type": "FolderDataset", "data_root": "elsewhere", "pipeline": [*VAL, {"type": "Dummy"}][:3]}
    loader = {"batch_size": 4, "num_workers": 1, "dataset": own}
    cfg = config(leaf(root, "one", label_map={0: 0, 1: 1, 2: 1}), val_dataloader=loader, val_evaluator={"type": "Own"})
    made, said = folded(cfg, "1/2", tmp_path)
    node = made["val_dataloader"]
    assert (
        node["batch_size"] == 4
        and node["dataset"]["label_map"] == {0: 0, 1: 1, 2: 1}
        and node["dataset"]["pipeline"] == VAL
    )
    assert node["sampler"] == {"type": "DefaultSampler", "shuffle": False} and made["val_evaluator"] == {"type": "Own"}
    assert "val_dataloader's own images are not used. test_dataloader stays as it is" in said[-1]


def test_the_file(root: Path, tmp_path: Path) -> None:
    cfg = config(wrapped(root, "concat"))
    samples, first = divided(cfg, 3, tmp_path)
    held = json.loads(first.path.read_text())
    assert first.path.name == "folds_of_3.json" and held["images"] == 10 and held["classes"] == ["a", "b", "c"]
    assert any("Units are placed" in line for line in held["rule"])
    assert held["names"] == [list(row) for row in first.names]
    where = next(i for i, row in enumerate(first.names, 1) if "one/images/ä 0.png" in row)
    assert f"Class c is in fold {where} only: the run that validates it has never seen the class" in first.said
    for row, names in zip(held["shares"][1:], first.names, strict=True):
        total = np.sum([samples.pixels[name] for name in names], axis=0)
        assert list(row["percent"].values()) == pytest.approx(100 * total / total.sum(), abs=1e-3)
    text = first.path.read_text()
    _, again = divided(cfg, 3, tmp_path)
    assert again.names == first.names and again.said == (f"The folds are those of {first.path}",)
    moved = root.with_name("moved äö")  # the data lies elsewhere
    root.rename(moved)
    _, again = divided(config(wrapped(moved, "concat")), 3, tmp_path)
    assert again.names == first.names and first.path.read_text() == text


def test_data_that_has_changed(root: Path, tmp_path: Path) -> None:
    cfg = config(leaf(root, "one"))
    _, folds = divided(cfg, 3, tmp_path)
    mask = root / "one" / "masks" / "ä 2.png"
    cv2.imwrite(str(mask), np.ones((8, 8), np.uint8))
    _, again = divided(cfg, 3, tmp_path)
    assert again.names == folds.names and "Labels have changed since: the images stay in their folds" in again.said[1]
    for kind in ("images", "masks"):
        (root / "one" / kind / "ä 2.png").rename(root / "one" / kind / "new.png")
    with pytest.raises(InputError) as error:
        divided(cfg, 3, tmp_path)
    said = str(error.value)
    assert "the data has changed since the folds were made: 1 images are in no fold (new.png)" in said
    assert "1 of its images are not there any more (ä 2.png)" in said and "folds_of_3.json" in said
    assert divided(cfg, 2, tmp_path)[1].path.name == "folds_of_2.json", "another number has a file of its own"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 1}', '{"format": 1, "folds": 2, "digest": "", "names": [["a"], ["a"]]}']
)
def test_a_damaged_file(text: str, root: Path, tmp_path: Path) -> None:
    (tmp_path / "folds_of_2.json").write_text(text)
    with pytest.raises(
        DataError, match=r"folds_of_2.json: is damaged \(.*without the file the images are divided anew"
    ):
        divided(config(leaf(root, "one")), 2, tmp_path)


def test_groups_stay_together(root: Path, tmp_path: Path) -> None:
    class Scenes(BaseSegDataset):
        """Its images belong to three scenes."""

        METAINFO: ClassVar[dict[str, Any]] = {"classes": ("a", "b", "c")}
        IMG_SUFFIX = ".png"

        def load_data_list(self) -> list[dict[str, Any]]:
            found = super().load_data_list()
            return [{**one, "group": i % 3} for i, one in enumerate(found)]

    registered["Scenes"] = Scenes
    try:
        prefix = {"img_path": "images", "seg_map_path": "masks"}
        cfg = config({"type": "Scenes", "data_root": str(root / "one"), "data_prefix": prefix, "pipeline": TRAIN})
        assert {tuple(row) for row in divided(cfg, 3, tmp_path)[1].names} == {
            ("ä 0.png", "ä 3.png"), ("ä 1.png", "ä 4.png"), ("ä 2.png", "ä 5.png"),
        }  # fmt: skip
        with pytest.raises(InputError, match="3 groups of 6 images make 3 folds at most, not 4"):
            divided(cfg, 4, tmp_path)
    finally:
        del registered["Scenes"]


def test_refused(root: Path, tmp_path: Path) -> None:
    class Bare(Dataset[Any]):
        """Tells nothing of its files."""

        def __init__(self, indices: Any = None) -> None:
            self.metainfo: dict[str, Any] = {}

    class Fixed(Dataset[Any]):
        """Always has all."""

    with pytest.raises(InputError, match="6 images make 6 folds at most, not 7"):
        divided(config(leaf(root, "one")), 7, tmp_path)
    assert len(divided(config(leaf(root, "one")), 6, tmp_path)[1].names) == 6, "each image is a fold"
    with pytest.raises(
        ConfigError, match=r"train_dataloader.dataset: folds are made of the training data, which is missing"
    ):
        divided(Config({}), 2, tmp_path)
    cfg = config(leaf(root, "one"))
    del cfg["test_pipeline"]
    with pytest.raises(ConfigError, match="a fold is validated with val_dataloader's pipeline, or test_pipeline"):
        folded(cfg, "1/2", tmp_path)
    registered.update(Bare=Bare, Fixed=Fixed)
    try:
        with pytest.raises(InputError, match="Bare has no get_data_info, by which folds tell images apart"):
            divided(config({"type": "Bare"}), 2, tmp_path)
        with pytest.raises(InputError, match="Fixed takes no indices, by which a fold chooses its images"):
            divided(config({"type": "Fixed"}), 2, tmp_path)
    finally:
        del registered["Bare"], registered["Fixed"]
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        divided(config(leaf(root, "one")), 2, tmp_path / "file")


def test_a_split_that_segue_has_made(root: Path, tmp_path: Path) -> None:
    """What was kept for validation belongs to the folds; what a user has kept does not."""
    lists = {"train": ["ä 0", "ä 1", "ä 2", "ä 3"], "val": ["ä 4", "ä 5"]}
    for split, names in lists.items():
        (tmp_path / f"mine_{split}.txt").write_text("\n".join(names))
    nodes = {split: leaf(root, "one", split=str(tmp_path / f"mine_{split}.txt")) for split in lists}
    cfg = config(nodes["train"], val_dataloader={"batch_size": 1, "dataset": nodes["val"] | {"pipeline": VAL}})
    assert split_here(cfg, tmp_path) and not split_here(cfg, tmp_path / "other")
    seen: list[int] = []
    for i in (1, 2, 3):
        made, said = folded(cfg, f"{i}/3", tmp_path)
        held = numbers(made, "val")
        assert set(numbers(made, "train")) == set(range(6)) - set(held)
        assert not any("own images are not used" in line for line in said)
        seen += held
    assert sorted(seen) == list(range(6))
    for i in (1, 2):
        made, _ = folded(cfg, f"{i}/2", tmp_path / "other")
        assert set(numbers(made, "train")) | set(numbers(made, "val")) == set(range(4))


def test_depths_have_no_classes(root: Path, tmp_path: Path) -> None:
    class Depths(BaseSegDataset):
        """Scenes in place of classes, and no label maps."""

        METAINFO: ClassVar[dict[str, Any]] = {"classes": ("kitchen", "bath")}
        IMG_SUFFIX = ".png"

    registered["Depths"] = Depths
    try:
        dataset = {"type": "Depths", "data_root": str(root / "one"), "data_prefix": {"img_path": "images"}}
        samples, folds = divided(config({**dataset, "pipeline": TRAIN}), 3, tmp_path)
        assert samples.classes == () and [len(row) for row in folds.names] == [2, 2, 2]
    finally:
        del registered["Depths"]
    assert folds_of(samples, 3, tmp_path).names == folds.names and Fold(1, 3).name == "fold_1_of_3"
