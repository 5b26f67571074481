"""All converters: a miniature of each dataset, converted, is what the dataset's class, recipe and check expect.

The oracle of the layout is the recipe of the dataset, which follows the reference's configs.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from segue.cli import main
from segue.config.builder.find import find
from segue.convert.dataset import converters
from segue.doctor import check_config
from segue.recipes import data as recipe
from segue.transforms.load_annotations import LoadAnnotations
from segue.transforms.load_depth_annotation import LoadDepthAnnotation
from segue.transforms.load_image_from_file import LoadImageFromFile
from tests.convert.datasets import miniatures

#: Options of the command, so that tiny pictures are cut.
OPTIONS = {
    "isaid": ["--tile", "8", "--overlap", "3"],
    "levir": ["--tile", "8"],
    "potsdam": ["--tile", "8"],
    "vaihingen": ["--tile", "8"],
}
#: Recipes that read the results; where they are not called like the converter.
RECIPES = {"voc_aug": ["voc12aug", "voc12"], "pascal_context": ["pascal_context", "pascal_context_59"]}
#: Samples for training and validation in the miniature.
COUNTS = {
    **{"chase_db1": (20, 8), "cityscapes": (2, 1), "coco_stuff10k": (2, 1), "coco_stuff164k": (2, 1), "drive": (3, 2)},
    **{"hrf": (15, 30), "isaid": (26, 6), "levir": (12, 6), "loveda": (4, 4), "nyu": (2, 1), "pascal_context": (2, 1)},
    **{"potsdam": (24, 12), "refuge": (4, 2), "stare": (10, 10), "synapse": (6, 3), "vaihingen": (24, 24)},
    "voc_aug": (5, 2),
}
#: Where the folders of unpacked archives go before the results are added to them.
IN_PLACE = {
    "cityscapes": {f"{name}_trainvaltest/{name}": name for name in ("leftImg8bit", "gtFine")},
    "coco_stuff10k": {f"cocostuff-10k-v1/{name}": name for name in ("images", "annotations", "imageLists")},
    "coco_stuff164k": {
        **{f"{split}/{split}": f"images/{split}" for split in ("train2017", "val2017")},
        "stuffthingmaps_trainval2017": "annotations",
    },
    "pascal_context": {
        "VOCtrainval_03-May-2010/VOCdevkit/VOC2010": "VOC2010",
        "trainval_merged.json": "trainval_merged.json",
    },
    "voc_aug": {"VOCtrainval_11-May-2012/VOCdevkit/VOC2012": "VOC2012", "benchmark": "benchmark"},
}


def convert(name: str, inputs: Path, out: Path, *more: str) -> int:
    return main(["convert", "dataset", name, str(inputs), "--out", str(out), *OPTIONS.get(name, []), *more])


def needs(name: str) -> None:
    if name == "synapse":
        pytest.importorskip("nibabel", reason="the scans are NIfTI, which the extra 'medical' reads")


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def config(name: str, out: Path) -> dict[str, Any]:
    """The datasets of a recipe, on the results."""
    data = importlib.import_module(f"segue.recipes.datasets.{name}").DATA
    data = dataclasses.replace(data, root=str(out / "VOC2012" if "voc12" in name else out), repeat=0)
    if "pascal" in name:
        data = dataclasses.replace(data, root=str(out / "VOC2010"))
    steps = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}]
    cfg = {
        "train_dataloader": {"dataset": recipe.train_dataset(data, steps)},
        "val_dataloader": {"dataset": recipe.split(data, data.val, steps)},
    }
    if data.test is not None:
        cfg["test_dataloader"] = {"dataset": recipe.split(data, data.test, steps)}
    return cfg


def samples(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that a dataset of the config reads, checked by its pipeline."""
    if node["type"] == "ConcatDataset":
        return [sample for part in node["datasets"] for sample in samples(part)]
    depth = node["type"] == "NYUDataset"
    steps = [LoadImageFromFile(), LoadDepthAnnotation() if depth else LoadAnnotations()]
    cls = find("datasets", node["type"])
    dataset = cls(**{key: value for key, value in node.items() if key not in ("type", "pipeline")}, pipeline=steps)
    return [dataset[i] for i in range(len(dataset))]


def test_every_converter_has_a_miniature() -> None:
    assert set(COUNTS) == set(converters())
    assert len(COUNTS) == 17


@pytest.mark.parametrize("name", COUNTS)
def test_results_are_read_and_pass_the_check(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs(name)
    source = miniatures.write(getattr(miniatures, name)(), tmp_path / "in")
    assert convert(name, source, tmp_path / "out") == 0
    assert f"type='{converters()[name].dataset}'" in capsys.readouterr().out
    for kind in RECIPES.get(name, [name]):
        cfg = config(kind, tmp_path / "out")
        if name not in ("levir", "nyu"):  # two images, and depth: not the check's
            report = check_config(cfg, name=kind)
            assert [finding.message for finding in report.errors] == []
        if kind == "voc12":
            continue
        for split, count in zip(("train", "val"), COUNTS[name], strict=True):
            read = samples(cfg[f"{split}_dataloader"]["dataset"])
            assert len(read) == count
            for sample in read:
                labels = sample["gt_depth_map" if name == "nyu" else "gt_seg_map"]
                assert labels.shape == sample["img"].shape[:2]
    assert not list((tmp_path / "out").rglob("*.segue-part"))


@pytest.mark.parametrize("name", COUNTS)
def test_unpacked_folders_give_the_same(name: str, tmp_path: Path) -> None:
    needs(name)
    layout = getattr(miniatures, name)()
    results = []
    for packed in (True, False):
        source = miniatures.write(layout, tmp_path / f"in{packed}", packed)
        assert convert(name, source, tmp_path / f"out{packed}") == 0
        results.append(files(tmp_path / f"out{packed}"))
    assert results[0] == results[1]


@pytest.mark.parametrize("name", COUNTS)
def test_nothing_of_it_is_an_error_that_names_what_to_download(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "holiday.jpeg").write_bytes(b"photo")
    assert convert(name, tmp_path / "in", tmp_path / "out") == 1
    message = capsys.readouterr().err
    assert f"segue convert: {converters()[name].title}: no " in message
    assert f"expected: {converters()[name].download}, with {converters()[name].layout}" in message
    assert "found: in/*.jpeg (1)" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", IN_PLACE)
def test_results_may_be_added_to_the_folder_itself(name: str, tmp_path: Path) -> None:
    """As the reference does; what was there stays untouched, also with --force."""
    unpacked = miniatures.write(getattr(miniatures, name)(), tmp_path / "unpacked", packed=False)
    root = tmp_path / "in"
    for there, here in IN_PLACE[name].items():
        (root / here).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / there).rename(root / here)
    before = files(root)
    stamps = {path: (root / path).stat().st_mtime_ns for path in before}
    for force in ([], ["--force"], []):
        assert convert(name, root, root, *force) == 0
        after = files(root)
        assert {path: after.get(path) for path in before} == before
        assert {path: (root / path).stat().st_mtime_ns for path in before} == stamps
    assert set(after) > set(before)
    for kind in RECIPES.get(name, [name]):
        assert samples(config(kind, root)["val_dataloader"]["dataset"])


def test_the_list_names_every_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--list"]):
        assert main(["convert", "dataset", *arguments]) == 0
        shown = capsys.readouterr().out
        for name, found in converters().items():
            assert name in shown
            assert f"data/{found.folder}" in shown
    assert "--tile 896 896 --overlap 384" in shown


def test_the_page_of_the_docs_lists_them() -> None:
    page = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| [`")]
    assert rows == [
        f"| [`{name}`]({found.page}) | {found.download} | `data/{found.folder}` |"
        for name, found in converters().items()
    ]
    for name, found in converters().items():
        assert not (found.in_place or found.tiling) or page.count(f"`{name}`") >= 2


@pytest.mark.parametrize("name", COUNTS)
def test_converters_describe_themselves(name: str) -> None:
    found = converters()[name]
    assert find("datasets", found.dataset).__name__ == found.dataset
    assert found.page.startswith("http")
    assert all((found.title, found.download, found.layout, found.makes, found.folder))
    kind = RECIPES.get(name, [name])[0]
    root = importlib.import_module(f"segue.recipes.datasets.{kind}").DATA.root.rstrip("/")
    assert f"data/{found.folder}" in (root, root.rpartition("/")[0])


def test_resume_repeats_nothing_and_gives_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After an interruption, simulated by the log and the files that it leaves, also in the middle of an image."""
    source = miniatures.write(miniatures.potsdam(), tmp_path / "in")
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert convert("potsdam", source, whole) == 0
    assert convert("potsdam", source, part) == 0
    log = part / ".segue-convert-potsdam.jsonl"
    lines = log.read_text().splitlines()
    done = [json.loads(line) for line in lines if '"job"' in line]
    kept, cut = done[:2], done[2]
    begun = json.dumps({"begun": cut["job"]})
    torn = lines[-1][:20]
    log.write_text("\n".join([lines[0], *(json.dumps(entry) for entry in kept), begun, torn]))
    for entry in done[2:]:
        for file in entry["files"]:
            if entry is not cut or file != cut["files"][0]:
                (part / file).unlink()
    untouched = [*kept[0]["files"], *kept[1]["files"], cut["files"][0]]
    stamps = {file: (part / file).stat().st_mtime_ns for file in untouched}
    capsys.readouterr()
    assert convert("potsdam", source, part) == 0
    assert f"{72 - len(untouched)} files written to {part}, {len(untouched)} were there already" in (
        capsys.readouterr().out
    )
    assert files(part) == files(whole)
    assert {file: (part / file).stat().st_mtime_ns for file in untouched} == stamps
    assert convert("potsdam", source, part) == 0
    assert f"0 files written to {part}, 72 were there already" in capsys.readouterr().out


def test_other_tiles_need_force_and_leave_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = miniatures.write(miniatures.potsdam(), tmp_path / "in")
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    assert convert("potsdam", source, out) == 0
    (out / "img_dir" / "train" / "mine.txt").write_text("mine")
    before = files(out)
    assert main(["convert", "dataset", "potsdam", str(source), "--out", str(out), "--tile", "10"]) == 1
    assert (
        "holds results made with tile=[8, 8] overlap=0, now asked for tile=[10, 10] overlap=0; give another --out, or "
        "--force to replace them"
    ) in capsys.readouterr().err
    assert files(out) == before
    for target in (out, fresh):
        arguments = ["convert", "dataset", "potsdam", str(source), "--out", str(target), "--tile", "10", "--force"]
        assert main(arguments) == 0
    assert files(out) == {**files(fresh), "img_dir/train/mine.txt": b"mine"}


def test_a_damaged_file_stops_with_its_name_and_the_rest_goes_on_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = miniatures.drive()
    good = layout["training.zip"]["training/1st_manual/40_manual1.gif"]  # type: ignore[index,call-overload]
    layout["training.zip"]["training/1st_manual/40_manual1.gif"] = good[:40]  # type: ignore[index,call-overload]
    source = miniatures.write(layout, tmp_path / "in")
    assert convert("drive", source, tmp_path / "out", "--workers", "1") == 1
    assert "training.zip: training/1st_manual/40_manual1.gif" in capsys.readouterr().err
    assert not (tmp_path / "out" / "annotations" / "training" / "40_manual1.png").exists()
    source = miniatures.write(miniatures.drive(), tmp_path / "in")
    assert convert("drive", source, tmp_path / "out") == 0
    miniatures.write(miniatures.drive(), tmp_path / "again")
    assert convert("drive", tmp_path / "again", tmp_path / "other") == 0
    assert files(tmp_path / "out") == files(tmp_path / "other")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hrv", "IN"], "no converter for a dataset 'hrv'; did you mean 'hrf'?"),
        (["hrf"], "HRF: give the archives, or a folder with them: healthy.zip"),
        (["hrf", "nowhere"], "nowhere: does not exist"),
        (["hrf", "IN", "--tile", "3"], "HRF: its images stay whole; leave --tile and --overlap away"),
        (
            ["levir", "IN", "--tile", "3", "4", "5"],
            "--tile takes a size or two, H and W, of at least 1 pixel; got 3 4 5",
        ),
        (["levir", "IN", "--tile", "0"], "--tile takes a size or two, H and W, of at least 1 pixel; got 0"),
        (
            ["levir", "IN", "--overlap", "256"],
            "--overlap must be 0 or more and less than the tile (256 x 256), got 256",
        ),
        (["levir", "IN", "--out", "IN"], "in: the results would be mixed with what is converted; give another --out"),
        (["levir", "IN", "--out", "IN/file.txt"], "in/file.txt: is not a folder; the results go into one"),
    ],
)
def test_mistakes_are_named(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/file.txt").write_text("text")
    assert main(["convert", "dataset", *(argument.replace("IN", "in") for argument in arguments)]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("spelling", ["CHASE_DB1", "chase-db1", "ChaseDB1"])
def test_names_are_found_in_any_spelling(spelling: str) -> None:
    from segue.convert.dataset import find_converter

    assert find_converter(spelling)[0] == "chase_db1"
    assert find_converter("Pascal_Context_59")[0] == "pascal_context"
    assert find_converter("LEVIR-CD")[0] == "levir"
