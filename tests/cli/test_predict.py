"""``segue predict`` on many mixed images, videos and patterns, with every output, and what it refuses."""

from __future__ import annotations

import csv
import gc
import json
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import segue
from segue.checkpoints import save_weights
from segue.cli import main
from segue.config import Config
from segue.errors import SomeFailedError
from segue.inference.outputs import Outputs, Saving
from segue.inference.write import write_all

from .project import make_project

DAMAGED = (3, 17, 31)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file that holds its config, whose preprocessor pads to multiples of 32."""
    folder = tmp_path_factory.mktemp("project")
    cfg = Config.fromfile(make_project(folder))
    cfg.model.data_preprocessor.test_cfg = {"size_divisor": 32}
    model = segue.load(cfg).model
    meta = {"cfg": cfg.pretty_text, "dataset_meta": {"classes": ["dark", "gray", "bright"]}}
    return save_weights(folder / "w.safetensors", model.state_dict(), meta)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """40 images of many sizes and three formats, three of them damaged."""
    draw = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(40):
        size = (int(draw.integers(33, 90)), int(draw.integers(33, 90)))
        picture = cv2.resize(draw.integers(0, 255, (5, 5, 3), np.uint8), size)
        path = folder / f"{number:02d}{('.png', '.jpg', '.bmp')[number % 3]}"
        cv2.imwrite(str(path), picture)
        if number in DAMAGED:
            path.write_bytes(path.read_bytes()[:40])
    return folder


def test_forty_images_of_which_three_are_damaged(
    weights: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = "labels,color,overlay,probabilities,confidence,entropy,share,polygons-coco,montage"
    out = {size: tmp_path / f"out{size}" for size in (1, 4)}
    for size, folder in out.items():
        command = ["predict", str(weights), str(photos), "--out", str(folder), "--batch-size", str(size)]
        assert main([*command, "--save", kinds]) == 1
        said = capsys.readouterr()
        assert "40 images found" in said.out and f"37 results ({kinds.replace(',', ', ')})" in said.out
        assert "3 of 40 images failed, the others are in" in said.err
        for number in DAMAGED:
            assert f"{number:02d}{('.png', '.jpg', '.bmp')[number % 3]}: " in said.err
    names = [f"{number:02d}" for number in range(40) if number not in DAMAGED]
    files = sorted(path.name for path in out[1].iterdir())
    assert len(files) == 37 * 6 + 3
    differing = [name for name in files if (out[1] / name).read_bytes() != (out[4] / name).read_bytes()]
    assert not [name for name in differing if "_" not in name], f"labels depend on the batch: {differing}"
    rows = list(csv.DictReader((out[4] / "shares.csv").read_text().splitlines()))
    assert [row["image"] for row in rows] == names, "rows are not in the order of the images"
    document = json.loads((out[4] / "polygons.json").read_text())
    assert [Path(image["file_name"]).stem for image in document["images"]] == names
    for name in names[:5]:
        size = cv2.imread(str(out[4] / f"{name}.png"), cv2.IMREAD_UNCHANGED).shape
        for other in ("color", "overlay", "confidence", "entropy"):
            assert cv2.imread(str(out[4] / f"{name}_{other}.png")).shape[:2] == size
        shares = np.load(out[4] / f"{name}_probabilities.npy").astype(np.float64)
        assert shares.shape == (3, *size) and np.abs(shares.sum(axis=0) - 1).max() < 1e-3


def test_a_video_and_a_pattern(weights: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter_fourcc(*"FFV1"), 10, (64, 48))
    for value in range(6):
        film.write(np.full((48, 64, 3), 40 * value, np.uint8))
    film.release()
    out = tmp_path / "out"
    sources = [str(tmp_path / "film.avi"), str(photos / "0[0-2].*")]
    command = ["predict", str(weights), *sources, "--out", str(out)]
    assert main([*command, "--frames", "4", "--save", "labels"]) == 0
    assert "3 images and 1 video found" in capsys.readouterr().out
    assert sorted(path.stem for path in out.iterdir()) == ["00", "01", "02", *(f"film_{i:06d}" for i in range(4))]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--save", "label"], "nothing is saved as 'label'; did you mean 'labels'"),
        (["--save", "labels", "--legend"], "legend and background are about overlays"),
        (["--frames", "3"], "--frames: only for videos, cameras and streams; there is none"),
        (["--engine", "openvino", "--precision", "fp16"], "computes in fp32 or bf16 here, not in fp16"),
        (["--windows", "gaussian"], "looks at images whole; set model.test_cfg.mode='slide'"),
        (["--least-area", "5"], "least_area is about polygons"),
    ],
)
def test_what_would_do_nothing_is_refused(
    options: list[str], message: str, weights: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(weights), str(photos), *options]) == 1
    assert message in capsys.readouterr().err


def test_images_are_not_written_over(weights: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    assert main(["predict", str(weights), str(photos), "--out", str(photos)]) == 1
    assert "00.png is an image there, and labels would be written over it" in capsys.readouterr().err.replace("\n", " ")
    assert {path.name: path.read_bytes() for path in photos.iterdir()} == before


def test_windows_and_precision(weights: Path, photos: Path, tmp_path: Path) -> None:
    """Gaussian windows and bfloat16 change few labels, and change something at all."""
    slide = ["model.test_cfg.mode=slide", "model.test_cfg.crop_size=(32,32)", "model.test_cfg.stride=(16,16)"]
    found = {}
    for name, options in {
        "plain": [],
        "gaussian": ["--windows", "gaussian"],
        "bf16": ["--precision", "bf16"],
    }.items():
        out = tmp_path / name
        command = ["predict", str(weights), str(photos / "00.png"), "--save", "probabilities", "--out", str(out)]
        assert main([*command, *options, "--cfg-options", *slide]) == 0
        found[name] = np.load(out / "00_probabilities.npy").astype(np.float32)
    for name in ("gaussian", "bf16"):
        change = np.abs(found[name] - found["plain"]).max()
        assert 0 < change < 0.2, f"{name} changes probabilities by {change}"


def test_a_slow_writer_holds_up_the_rest(
    weights: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With writing held up, predicting stops after as many images as the queues hold; nothing is lost then."""
    predictor = segue.load(weights)
    go, begun, predicted = threading.Event(), threading.Event(), 0
    save = Outputs.save

    def slow(self: Outputs, result: object, name: str) -> object:
        begun.set()
        assert go.wait(300)
        return save(self, result, name)

    def count(module: object, inputs: object, output: object) -> None:
        nonlocal predicted
        predicted += 1

    monkeypatch.setattr(Outputs, "save", slow)
    predictor.model.backbone.register_forward_hook(count)
    results: list[object] = []

    def run() -> None:
        try:
            write_all(predictor, sorted(photos.iterdir()), tmp_path / "out")
        except SomeFailedError as error:
            results.extend(error.results)

    work = threading.Thread(target=run)
    work.start()
    assert begun.wait(300)
    work.join(timeout=3)
    held = predicted
    go.set()
    work.join(timeout=300)
    assert held <= 9, f"{held} images were predicted while none was written"
    assert len(results) == predicted == 37


def test_files_of_one_name_from_a_generator(weights: Path, photos: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.png").write_bytes((photos / "00.png").read_bytes())
    paths = (tmp_path / folder / "x.png" for folder in ("a", "b"))
    found = segue.predict(weights, None, paths, tmp_path / "out", save=["labels"])
    assert [one.name for one in found] == ["x", "x_2"] and [one.files[0].exists() for one in found] == [True, True]
    assert set(found[0].shares()) <= {"dark", "gray", "bright"}


def test_memory_does_not_grow_with_the_number_of_images(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 120 images, few results are alive at a time, and none at the end."""
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0
    save = Outputs.save

    def counted(self: Outputs, result: object, name: str) -> object:
        nonlocal most
        alive.append(weakref.ref(result.labels))  # type: ignore[attr-defined]
        most = max(most, sum(one() is not None for one in list(alive)))
        return save(self, result, name)

    monkeypatch.setattr(Outputs, "save", counted)

    def images() -> Iterator[np.ndarray]:
        for number in range(120):
            yield np.full((40 + number % 3, 48, 3), number, np.uint8)

    with pytest.warns(UserWarning, match="taken for BGR"):
        done = write_all(segue.load(weights), images(), tmp_path / "out", batch_size=2)
    gc.collect()
    assert len(done) == 120 and most <= 12, f"{most} results were in memory"
    assert len(alive) == 120 and not any(one() is not None for one in alive)


def test_ctrl_c_leaves_whole_files_and_no_threads(weights: Path, tmp_path: Path) -> None:
    def images() -> Iterator[np.ndarray]:
        for _ in range(20):
            yield np.zeros((40, 40, 3), np.uint8)
        raise KeyboardInterrupt

    saving = Saving(("labels", "share", "polygons-coco", "montage"))
    with pytest.warns(UserWarning, match="taken for BGR"), pytest.raises(KeyboardInterrupt):
        write_all(segue.load(weights), images(), tmp_path / "out", saving=saving)
    rows = list(csv.DictReader((tmp_path / "out" / "shares.csv").read_text().splitlines()))
    document = json.loads((tmp_path / "out" / "polygons.json").read_text())
    assert 0 < len(rows) == len(document["images"]) <= 20
    assert (tmp_path / "out" / "montage.html").read_text().endswith("</html>\n")
    assert not [thread for thread in threading.enumerate() if thread.name == "segue-ahead"]
