"""Every kind of input reaches the same labels, and many of them one by one or in batches alike."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import segue
from segue.config import Config
from segue.errors import DataError, InputError
from segue.inference.predictor import Predictor
from segue.inference.segment import padded_shape
from segue.inference.sources import Video, is_many, items_of
from tests.models.small import encoder_decoder

SIZES = [(61, 83), (61, 83), (40, 64), (64, 40), (75, 75), (61, 80), (33, 90), (40, 60)]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    prepare = {"type": "SegDataPreProcessor", "mean": [120.0] * 3, "std": [60.0] * 3, "bgr_to_rgb": True}
    prepare["test_cfg"] = {"size_divisor": 32}
    pipeline = [{"type": "LoadImageFromFile"}, {"type": "PackSegInputs"}]
    dataset = {"type": "BaseSegDataset", "metainfo": {"classes": ["background", "b", "c"]}}
    cfg = encoder_decoder() | {"test_pipeline": pipeline, "test_dataloader": {"dataset": dataset}}
    torch.manual_seed(0)
    return segue.load(Config(cfg | {"data_preprocessor": prepare}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    (tmp_path / "photos" / "below").mkdir(parents=True)
    for number, (height, width) in enumerate(SIZES):
        picture = cv2.resize(draw.integers(0, 255, (6, 8, 3), np.uint8), (width, height))
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.png"), picture)
    cv2.imwrite(str(tmp_path / "photos" / "below" / "9.png"), np.zeros((32, 32, 3), np.uint8))
    return tmp_path / "photos"


def test_one_image_in_every_form(predictor: Predictor, folder: Path) -> None:
    path = folder / "0.png"
    bgr = cv2.imread(str(path))
    tensor = torch.from_numpy(bgr[..., ::-1].copy()).permute(2, 0, 1)
    expected = predictor.predict(path)
    assert len(np.unique(expected.labels)) > 1, "the model sees one class only; equality would mean nothing"
    with path.open("rb") as opened:
        forms = {
            "text": predictor.predict(str(path)),
            "bytes": predictor.predict(path.read_bytes()),
            "memory": predictor.predict(io.BytesIO(path.read_bytes())),
            "file": predictor.predict(opened),
            "array": predictor.predict(bgr, rgb=False),
            "tensor": predictor.predict(tensor),
            "float tensor": predictor.predict(tensor.float()),
            "bgr tensor": predictor.predict(tensor.flip(0), rgb=False),
            "pillow": predictor.predict(Image.open(path)),
        }
    for name, found in forms.items():
        np.testing.assert_array_equal(found.labels, expected.labels, err_msg=name)
        np.testing.assert_array_equal(found.image, expected.image, err_msg=name)


def test_several_images_in_every_form(predictor: Predictor, folder: Path) -> None:
    paths = [folder / f"{number}.png" for number in range(len(SIZES))]
    one_by_one = [predictor.predict(path) for path in paths]
    forms = {
        "list": paths,
        "generator": (path for path in paths),
        "bytes in a generator": (path.read_bytes() for path in paths),
        "folder": folder,
        "pattern": str(folder / "*.png"),
        "folder in a list": [str(folder)],
        "mixed": [paths[0], Image.open(paths[1]), *paths[2:]],
    }
    for name, form in forms.items():
        found = predictor.predict(form, batch_size=3)
        assert [one.labels.shape for one in found] == SIZES, name
        for one, expected in zip(found, one_by_one, strict=True):
            np.testing.assert_array_equal(one.labels, expected.labels, err_msg=name)
    assert [one.name for one in predictor.stream(folder)] == [path.stem for path in paths]
    assert len(predictor.predict(folder, recursive=True)) == len(SIZES) + 1
    assert len(predictor.predict(str(folder / "**" / "*.png"))) == len(SIZES) + 1
    stack = torch.stack([torch.full((3, 40, 40), value, dtype=torch.uint8) for value in (0, 200)])
    assert len(predictor.predict(stack)) == 2


def test_images_of_one_padded_size_are_one_batch(predictor: Predictor, folder: Path) -> None:
    """61 x 83, 61 x 80 and 33 x 90 are all padded to 64 x 96, and go through the network together."""
    seen: list[tuple[int, ...]] = []
    hook = predictor.model.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape)))
    try:
        predictor.predict(folder, batch_size=4)
    finally:
        hook.remove()
    assert seen == [(4, 3, 64, 96), (3, 3, 64, 64), (1, 3, 96, 96)]
    image = torch.zeros(3, 61, 83)
    assert padded_shape(predictor.model, image) == (3, 64, 96)


def test_a_video(predictor: Predictor, tmp_path: Path) -> None:
    """Frames written by OpenCV without loss, so that their labels must be those of the arrays."""
    frames = [np.full((48, 64, 3), value, np.uint8) for value in (0, 90, 180)]
    for number, frame in enumerate(frames):
        frame[:, 20 * number : 20 * number + 20] = (200, 30, 90)
    writer = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter_fourcc(*"FFV1"), 10, (64, 48))
    for frame in frames:
        writer.write(frame)
    writer.release()
    found = predictor.predict(tmp_path / "film.avi")
    assert [one.name for one in found] == ["film_000000", "film_000001", "film_000002"]
    for one, frame in zip(found, frames, strict=True):
        assert np.abs(one.image[..., ::-1].astype(int) - frame).max() <= 3
        again = predictor.predict(np.ascontiguousarray(one.image), rgb=True)
        np.testing.assert_array_equal(one.labels, again.labels)
    assert len(predictor.predict(tmp_path / "film.avi", frames=2)) == 2
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    with pytest.raises(DataError, match=r"bad\.mp4: OpenCV cannot open this as a video"):
        predictor.predict(tmp_path / "bad.mp4")


def test_what_does_not_end_is_for_stream(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    for endless in (0, "rtsp://camera/1", [0]):
        with pytest.raises(InputError, match=r"does not end: use Predictor\.stream"):
            predictor.predict(endless)
    with pytest.raises(InputError, match="only video streams are read from an address"):
        predictor.predict("https://example.org/photo.png")
    with pytest.raises(InputError, match="only video streams are read from an address"):
        Video("file:///etc/passwd")
    monkeypatch.setenv("SEGUE_OFFLINE", "1")
    with pytest.raises(InputError, match="needs the network, which --offline forbids"):
        Video("rtsp://camera/1")

    class Camera:
        """Stands for OpenCV's, which has no camera here; it never ends."""

        def __init__(self, address: int) -> None:
            assert address == 7
            self.released = False

        def isOpened(self) -> bool:
            return True

        def read(self) -> tuple[bool, np.ndarray]:
            return True, np.zeros((32, 32, 3), np.uint8)

        def release(self) -> None:
            self.released = True

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    stream = predictor.stream(7)
    assert [next(stream).name for _ in range(3)] == ["camera7_000000", "camera7_000001", "camera7_000002"]
    stream.close()
    assert len(list(predictor.stream(7, frames=4))) == 4


def test_one_that_fails_is_named_in_its_place(predictor: Predictor, folder: Path) -> None:
    (folder / "2.png").write_bytes(b"no picture")
    items = [folder / "1.png", folder / "2.png", b"neither", folder / "gone.png", np.zeros((40, 40, 3), np.uint8) + 0.5]
    found = list(predictor.attempts(items, batch_size=2, rgb=False))
    assert found[0].labels.shape == SIZES[1]
    for one, words in zip(found[1:], ("2.png", "image_000002: ", "gone.png", "image_000004: .*0 to 255"), strict=True):
        with pytest.raises((DataError, InputError), match=words):
            raise one


def test_what_is_one_and_what_is_many(folder: Path) -> None:
    one = [folder / "0.png", "0.png", b"", io.BytesIO(), np.zeros((2, 2)), torch.zeros(3, 4, 4), Image.new("L", (2, 2))]
    many = [[], (), iter([]), folder, str(folder / "*.png"), "a.mp4", torch.zeros(2, 3, 4, 4), 0, "rtsp://x/y"]
    assert not any(is_many(image) for image in one)
    assert all(is_many(images) for images in many)
    [error] = [item.error for item in items_of(str(folder / "*.gone"))]
    assert isinstance(error, DataError) and "no image or video is named so" in str(error)
    with pytest.raises(InputError, match=r"looks like \(H, W, C\)"):
        from segue.inference.inputs import array_of

        array_of(torch.zeros(40, 50, 3))
