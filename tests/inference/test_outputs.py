"""Every output is read back and compared with what it is made of."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segue.errors import InputError
from segue.inference.logits import Held, Resized
from segue.inference.outputs import KINDS, Outputs, Saving
from segue.inference.prediction import Prediction
from segue.inference.probabilities import Probabilities
from segue.masks.draw import polygon
from segue.masks.labelme import LabelmeReader
from segue.masks.names import Names

CLASSES = ("background", "road", "tree")
PALETTE = [[0, 0, 0], [200, 10, 20], [30, 200, 40]]


@pytest.fixture
def result() -> Prediction:
    """Probabilities decide the labels, as in a prediction."""
    coarse = torch.randn(3, 10, 14, generator=torch.Generator().manual_seed(3)) * 3
    logits = Probabilities([Resized(Held(coarse), (40, 56), False)], 3, False)
    image = np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)
    return Prediction(logits.whole().argmax(axis=0), CLASSES, PALETTE, image, Path("photos/a.jpg"), "a", logits)


def saved(result: Prediction, folder: Path, *kinds: str, **how: object) -> Path:
    outputs = Outputs(folder, Saving(kinds, **how), CLASSES)  # type: ignore[arg-type]
    outputs.note(outputs.save(result, "a"))
    outputs.close()
    return folder


def test_all_at_once_and_which_files(result: Prediction, tmp_path: Path) -> None:
    folder = saved(result, tmp_path / "out", *KINDS)
    pictures = {"a.png", "a_color.png", "a_overlay.png", "a_confidence.png", "a_entropy.png"}
    arrays = {"a_probabilities.npy", "a_probabilities_uint8.npy"}
    others = {"shares.csv", "polygons.json", "a.json", "a.geojson", "montage.html"}
    assert {path.name for path in folder.iterdir()} == pictures | arrays | others
    assert {path.name for path in saved(result, tmp_path / "few", "confidence").iterdir()} == {"a_confidence.png"}


def test_pictures(result: Prediction, tmp_path: Path) -> None:
    folder = saved(result, tmp_path, "labels", "color", "overlay", "confidence", "entropy")

    def read(name: str) -> np.ndarray:
        return cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED)

    np.testing.assert_array_equal(read("a.png"), result.labels)
    np.testing.assert_array_equal(read("a_color.png")[..., ::-1], np.array(PALETTE, np.uint8)[result.labels])
    np.testing.assert_array_equal(read("a_overlay.png")[..., ::-1], result.overlay())
    shares = result.probabilities
    assert read("a_confidence.png").dtype == np.uint16
    np.testing.assert_allclose(read("a_confidence.png") / 65535, shares.max(axis=0), atol=1e-5)
    entropy = -(shares * np.log(shares)).sum(axis=0) / np.log(3)
    np.testing.assert_allclose(read("a_entropy.png") / 65535, entropy, atol=1e-4)


def test_probabilities_decide_the_labels(result: Prediction, tmp_path: Path) -> None:
    folder = saved(result, tmp_path, "probabilities", "probabilities-uint8")
    half, bytes_ = np.load(folder / "a_probabilities.npy"), np.load(folder / "a_probabilities_uint8.npy")
    assert (half.dtype, bytes_.dtype) == (np.float16, np.uint8)
    np.testing.assert_allclose(half, result.probabilities, atol=5e-4)
    assert (bytes_.astype(int).sum(axis=0) == 255).all()
    sure = np.sort(result.probabilities, axis=0)[-1] - np.sort(result.probabilities, axis=0)[-2] > 0.01
    np.testing.assert_array_equal(half.argmax(axis=0)[sure], result.labels[sure])
    np.testing.assert_array_equal(bytes_.argmax(axis=0)[sure], result.labels[sure])


def test_shares(result: Prediction, tmp_path: Path) -> None:
    [row] = csv.DictReader((saved(result, tmp_path, "share") / "shares.csv").read_text().splitlines())
    assert row["image"] == "a" and list(row)[1:] == list(CLASSES)
    counted = [np.mean(result.labels == number) for number in range(3)]
    np.testing.assert_allclose([float(row[name]) for name in CLASSES], counted, atol=1e-6)


def test_polygons_of_every_format(result: Prediction, tmp_path: Path) -> None:
    """COCO and labelme through Segue's own readers, GeoJSON drawn ring by ring."""
    folder = saved(result, tmp_path, "polygons-coco", "polygons-labelme", "polygons-geojson")
    features = json.loads((folder / "a.geojson").read_text())["features"]
    drawn = np.full(result.labels.shape, -1)
    assert any(len(feature["geometry"]["coordinates"]) > 1 for feature in features), "no hole is tested"
    for feature in features:
        rings = [np.array(ring) for ring in feature["geometry"]["coordinates"]]
        polygon(rings, drawn.shape).paint(drawn, feature["properties"]["id"])
    np.testing.assert_array_equal(drawn, result.labels)
    document = json.loads((folder / "polygons.json").read_text())
    assert [image["file_name"] for image in document["images"]] == ["a.jpg"]
    assert [one["name"] for one in document["categories"]] == list(CLASSES)
    drawn[:] = 0
    for entry in document["annotations"]:
        [flat] = entry["segmentation"]
        polygon([np.array(flat).reshape(-1, 2)], drawn.shape).paint(drawn, entry["category_id"] - 1)
    np.testing.assert_array_equal(drawn, result.labels)
    cv2.imwrite(str(tmp_path / "a.jpg"), result.image)
    read = LabelmeReader(str(folder), Names(CLASSES)).read(str(folder / "a.json"), str(tmp_path / "a.jpg"))
    np.testing.assert_array_equal(read, result.labels)


def test_small_regions_are_left_out(result: Prediction, tmp_path: Path) -> None:
    folder = saved(result, tmp_path, "polygons-geojson", least_area=60)
    features = json.loads((folder / "a.geojson").read_text())["features"]
    areas = [one.area for one in result.polygons(background=True)]
    assert min(areas) < 60
    assert sorted(feature["properties"]["area"] for feature in features) == sorted(a for a in areas if a >= 60)


def test_montage_is_escaped(result: Prediction, tmp_path: Path) -> None:
    result.name = "<b>.jpg"
    outputs = Outputs(tmp_path, Saving(("montage",)), CLASSES)
    written = outputs.save(result, "<b>")
    outputs.note(written)
    outputs.close()
    page = (tmp_path / "montage.html").read_text()
    assert "&lt;b&gt;" in page and page.count("data:image/jpeg;base64,") == 2 and page.endswith("</html>\n")
    assert not written.shown, "pictures stay in memory after they are written"


def test_a_black_background_is_drawn_when_asked(result: Prediction) -> None:
    plain, drawn = result.overlay(), result.overlay(background=True)
    inside = result.labels == 0
    assert (plain[inside] == result.image[inside]).all(), "a background stays as it is"
    assert drawn[inside].mean() < 0.6 * result.image[inside].mean(), "black is a color like all others"
    legend = result.overlay(legend=True)
    assert legend.shape[1] == 56 and legend.shape[0] > 40
    np.testing.assert_array_equal(legend[:40], plain)


def test_what_a_notebook_shows(result: Prediction) -> None:
    text = result._repr_html_()
    assert "data:image/jpeg;base64," in text and "<td>road</td>" in text


@pytest.mark.parametrize(
    ("kinds", "how", "message"),
    [
        (("overlays",), {}, "nothing is saved as 'overlays'; did you mean 'overlay'"),
        ((), {}, "nothing to save; there are: labels"),
        (("labels",), {"legend": True}, "about overlays; save overlay, too"),
        (("labels",), {"least_area": 9}, "about polygons; save one of polygons-coco"),
        (("polygons-coco",), {"least_area": 0}, "it is a number of pixels"),
    ],
)
def test_what_would_do_nothing_is_refused(kinds: tuple[str, ...], how: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Saving(kinds, **how)  # type: ignore[arg-type]


def test_what_a_model_does_not_give() -> None:
    with pytest.raises(InputError, match="Depth has no color to save, only labels, overlay, share, montage"):
        Saving(("color",)).check(False, True, "Depth")
    with pytest.raises(InputError, match="Own predicts in its own way, which gives no entropy"):
        Saving(("entropy",)).check(True, False, "Own")
    Saving(("labels", "share")).check(False, False, "Depth")
