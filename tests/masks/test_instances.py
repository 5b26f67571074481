"""One mask per object."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segue.errors import DataError, LabelError
from segue.images.read import write_png
from segue.masks.instances import InstancesReader
from segue.masks.names import Names
from tests.masks.scenes import CLASSES, NAMES, SIZE, blocks, picture

TWO = Names(("background", "nucleus"))


def objects(labels: np.ndarray) -> list[tuple[int, np.ndarray]]:
    return [(value, (labels == value).astype(np.uint8) * 255) for value in np.unique(labels).tolist() if value]


def test_a_folder_for_every_image(tmp_path: Path):
    """Oracle: the layout of the Data Science Bowl; the union of the masks is class 1."""
    labels = blocks(0)
    image = picture(tmp_path / "x/images/x.png")
    for i, (_, mask) in enumerate(objects(labels)):
        write_png(tmp_path / f"x/masks/{i}abc.png", mask)
    reader = InstancesReader(str(tmp_path), TWO)
    name = "x/images/x.png"
    assert reader.pictures([name, "x/masks/0abc.png"]) == [name]
    place = reader.place(name)
    np.testing.assert_array_equal(reader.read(place, image), labels > 0)
    assert len(reader.files(place, image)) == 3


@pytest.mark.parametrize("seed", range(3))
def test_round_trip_of_named_objects(tmp_path: Path, seed: int):
    """Oracle: the label map; files beside the image carry the names of their classes."""
    labels = blocks(seed)
    image = picture(tmp_path / "s_1.png")
    picture(tmp_path / "s.png")
    for i, (value, mask) in enumerate(objects(labels)):
        write_png(tmp_path / f"s_1_{CLASSES[value]}_{i}.png", mask)
    write_png(tmp_path / "s_car_0.png", np.full(SIZE, 255, np.uint8))
    reader = InstancesReader(str(tmp_path), NAMES)
    assert reader.pictures(["t.png", "t_a.png"]) == ["t.png"]
    places = {name: reader.place(name) for name in ("s.png", "s_1.png")}
    np.testing.assert_array_equal(reader.read(places["s_1.png"], image), labels)
    assert (reader.read(places["s.png"], str(tmp_path / "s.png")) == 1).all()


def test_faults(tmp_path: Path):
    image = picture(tmp_path / "a.png")
    reader = InstancesReader(str(tmp_path), NAMES)
    with pytest.raises(DataError, match=r"a_\*: no masks of .*a\.png there"):
        reader.read(reader.place("a.png"), image)
    write_png(tmp_path / "a_0.png", np.zeros(SIZE, np.uint8))
    reader = InstancesReader(str(tmp_path), NAMES)
    with pytest.raises(LabelError, match=r"a_0\.png: its name must have one of the classes car, road, tree between"):
        reader.read(reader.place("a.png"), image)
    write_png(tmp_path / "a_0.png", np.zeros((3, 4), np.uint8))
    with pytest.raises(LabelError, match=r"a_0\.png: the mask is 4 x 3 pixels, its image .*a\.png 31 x 23"):
        InstancesReader(str(tmp_path), TWO).read(reader.place("a.png"), image)
