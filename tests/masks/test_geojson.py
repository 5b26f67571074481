"""GeoJSON on images that know where they lie. Images are written and transformed by rasterio, an optional extra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.errors import DataError, LabelError
from segue.masks.geojson import GeojsonReader
from segue.masks.names import Names
from segue.masks.trace import rings
from tests.masks.scenes import CLASSES, NAMES, SIZE, label_map, write_json

rasterio = pytest.importorskip("rasterio", reason="an optional extra: geo")

TWO = Names(("background", "building"))
#: half a metre, turned a little, in UTM zone 16 north
PLACE = (0.5, 0.01, 733601.0, 0.02, -0.5, 3725139.0)


def image(path: Path, crs: str | None = "EPSG:32616", size: tuple[int, int] = SIZE) -> str:
    profile = {"driver": "GTiff", "height": size[0], "width": size[1], "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", crs=crs, transform=rasterio.Affine(*PLACE), **profile) as file:
        file.write(np.ones((1, *size), np.uint8))
    return str(path)


def on_map(points: Any) -> list[list[float]]:
    a, b, c, d, e, f = PLACE
    return [[a * x + b * y + c, d * x + e * y + f] for x, y in np.asarray(points, float).tolist()]


def collection(
    *features: tuple[dict[str, Any] | None, dict[str, Any]], crs: str | None = "EPSG::32616"
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": geometry, "properties": more} for geometry, more in features],
    }
    if crs is not None:
        found["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:{crs}"}}
    return found


def polygon(*outlines: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [on_map(outline) for outline in outlines]}


SQUARE = [[2, 1], [6, 1], [6, 5], [2, 5], [2, 1]]


def read(
    tmp_path: Path, content: Any, names: Names = TWO, crs: str | None = "EPSG:32616", **options: Any
) -> np.ndarray:
    path = write_json(tmp_path / "b.geojson", content)
    reader = GeojsonReader(path, names, **options)
    return reader.read(reader.place("a.tif"), image(tmp_path / "a.tif", crs))


def test_a_polygon_with_a_hole(tmp_path: Path):
    """Oracle: by hand, 4 x 4 pixels less 1; with one class besides the background features need no label."""
    hole = [[3, 2], [4, 2], [4, 3], [3, 3], [3, 2]]
    mask = read(tmp_path, collection((polygon(SQUARE, hole), {}), (None, {})))
    expected = np.zeros(SIZE, int)
    expected[1:5, 2:6] = 1
    expected[2, 3] = 0
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("seed", range(3))
def test_round_trip_and_rasterio(tmp_path: Path, seed: int):
    """Oracle: the label map, one feature per class with all its borders; and what rasterio makes of the same file."""
    from rasterio.features import rasterize

    labels = label_map(seed, ignore=False)
    features = [(polygon(*rings(labels == value)), {"label": CLASSES[value]}) for value in range(1, 4)]
    features = [f for f in features if f[0]["coordinates"]]
    features.append(({"type": "MultiPolygon", "coordinates": [polygon(SQUARE)["coordinates"]]}, {"label": "tree"}))
    labels[1:5, 2:6] = 3
    mask = read(tmp_path, collection(*features), NAMES)
    np.testing.assert_array_equal(mask, labels)
    shapes = [(geometry, CLASSES.index(more["label"])) for geometry, more in features]
    theirs = rasterize(shapes, SIZE, transform=rasterio.Affine(*PLACE))
    assert (theirs != mask).mean() < 0.01  # centers on a border, up to rounding
    path = str(tmp_path / "b.geojson")
    assert GeojsonReader.labels_in([path]) == tuple(sorted({more["label"] for _, more in features}))


def test_longitude_and_latitude_are_transformed(tmp_path: Path):
    """Oracle: a square of 8 x 6 pixels whose corners PROJ places in WGS 84, which is meant where there is no crs."""
    from rasterio.warp import transform

    outline = [[3.01, 2.01], [11.01, 2.01], [11.01, 8.01], [3.01, 8.01]]
    x, y = zip(*on_map(outline), strict=True)
    points = [list(point) for point in zip(*transform("EPSG:32616", "EPSG:4326", x, y), strict=True)]
    for crs in (None, "OGC:1.3:CRS84"):
        content = collection(({"type": "Polygon", "coordinates": [points]}, {}), crs=crs)
        mask = read(tmp_path, content)
        assert mask[2:8, 3:11].all() and mask.sum() == 48


def test_classes_by_property(tmp_path: Path):
    content = collection(
        (polygon(SQUARE), {"kind": "car", "class": ""}), (polygon([[0, 0], [1, 0], [1, 9], [0, 9]]), {"kind": "road"})
    )
    mask = read(tmp_path, content, NAMES, class_property="kind")
    assert mask[3, 3] == 1 and mask[8, 0] == 2
    with pytest.raises(
        LabelError, match=r"b\.geojson: its features have none of the properties class, label, .*they have kind, class"
    ):
        read(tmp_path, content, NAMES)
    with pytest.raises(DataError, match=r"feature 1: its property 'class' is None, which names no class"):
        read(
            tmp_path,
            collection((polygon(SQUARE), {"class": "car"}), (polygon(SQUARE), {})),
            NAMES,
            class_property="class",
        )


def test_lines_need_a_width(tmp_path: Path):
    content = collection(({"type": "LineString", "coordinates": on_map([[-5, 4], [40, 4]])}, {}))
    with pytest.raises(
        DataError, match=r"feature 0: a LineString has no area; line_width=\.\.\. in mask_format draws it"
    ):
        read(tmp_path, content)
    np.testing.assert_array_equal(np.unique(np.argwhere(read(tmp_path, content, line_width=2))[:, 0]), [3, 4])


def test_a_file_for_each_image(tmp_path: Path):
    write_json(tmp_path / "l/a.geojson", collection((polygon(SQUARE), {})))
    reader = GeojsonReader(str(tmp_path / "l"), TWO)
    assert reader.read(reader.place("a.tif"), image(tmp_path / "a.tif")).sum() == 16


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            collection((polygon(SQUARE), {}), crs="EPSG::99999"),
            "cannot transform from urn:ogc:def:crs:EPSG::99999 to EPSG:32616",
        ),
        (
            collection((polygon(SQUARE), {}), crs=None),
            "and the image: cannot transform from EPSG:4326 to EPSG:32616: PROJ",
        ),
        (collection((polygon(SQUARE), {})) | {"crs": {"type": "link"}}, "its 'crs' has no properties.name such as"),
        (collection(({"type": "Polygon", "coordinates": []}, {})), "feature 0: a polygon is a list of rings, got []"),
        (
            collection(({"type": "Polygon", "coordinates": [[[0, 0], [1, None], [1, 1]]]}, {})),
            "feature 0: ring 0: point 1",
        ),
        (collection(({"type": "Polygon"}, {})), "feature 0: its geometry is no GeoJSON geometry"),
        (collection(({"type": "Point", "coordinates": [1, 2]}, {})), "feature 0: a Point has no area"),
    ],
)
def test_faults(tmp_path: Path, content: Any, message: str):
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert "b.geojson" in str(caught.value) and message in str(caught.value)


def test_an_image_without_a_place(tmp_path: Path):
    with pytest.raises(
        DataError, match=r"a\.tif: has no coordinate reference system, so the polygons of .*b\.geojson cannot"
    ):
        read(tmp_path, collection((polygon(SQUARE), {})), crs=None)
