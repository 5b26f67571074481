"""Polygons as a GeoPackage: a database of SQLite, https://www.geopackage.org/spec130/."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float64]
_APPLICATION, _VERSION = 0x47504B47, 10300
_OWN = 100000  # number of a reference system that has none of EPSG's
_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
    organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
    description TEXT DEFAULT '', last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
    srs_id INTEGER, FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
    geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
    PRIMARY KEY (table_name, column_name), UNIQUE (table_name),
    FOREIGN KEY (table_name) REFERENCES gpkg_contents (table_name),
    FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE regions (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POLYGON, class TEXT, class_id INTEGER,
    pixels INTEGER);
"""


def write_geopackage(
    path: Path,
    title: str,
    rows: Iterable[tuple[Sequence[Ring], tuple[str, int, int]]],
    wkt: str | None,
    epsg: int | None,
) -> int:
    """Write the table ``regions`` of polygons with their class, its id and their pixels.

    Args:
        path: a file that is not there.
        title: of the layer.
        rows: (rings (N, 2) x, y, closed, the outer one first; (class, id, pixels)) of each.
        wkt: their reference system; None: pixels.
        epsg: its number, if it has one.

    Returns:
        How many there are.
    """
    number = -1 if wkt is None else epsg or _OWN
    low, high, count = np.full(2, np.inf), np.full(2, -np.inf), 0
    base = sqlite3.connect(path)
    try:
        base.execute(f"PRAGMA application_id = {_APPLICATION}")
        base.execute(f"PRAGMA user_version = {_VERSION}")
        base.executescript(_TABLES)
        systems = [
            ("Undefined Cartesian", -1, "NONE", -1, "undefined", None),
            ("Undefined geographic", 0, "NONE", 0, "undefined", None),
            ("WGS 84", 4326, "EPSG", 4326, _WGS84, None),
        ]
        if wkt is not None and number != 4326:
            name, organization = (f"EPSG:{epsg}", "EPSG") if epsg else ("of the raster", "NONE")
            systems.append((name, number, organization, number, wkt, None))
        base.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", systems)
        for rings, values in rows:
            low, high = np.minimum(low, rings[0].min(0)), np.maximum(high, rings[0].max(0))
            place = (blob(rings, number), *values)
            base.execute("INSERT INTO regions (geom, class, class_id, pixels) VALUES (?, ?, ?, ?)", place)
            count += 1
        # no time, so that equal regions give equal files
        bounds = (*low.tolist(), *high.tolist()) if count else (None, None, None, None)
        base.execute(
            "INSERT INTO gpkg_contents VALUES ('regions', 'features', ?, '', ?, ?, ?, ?, ?, ?)",
            (
                title,
                "1970-01-01T00:00:00.000Z",
                *bounds,
                number,
            ),
        )
        base.execute("INSERT INTO gpkg_geometry_columns VALUES ('regions', 'geom', 'POLYGON', ?, 0, 0)", (number,))
        base.commit()
    finally:
        base.close()
    return count


def blob(rings: Sequence[Ring], system: int) -> bytes:
    """A polygon as the standard's binary: a header with its bounds, then well-known binary."""
    low, high = rings[0].min(0), rings[0].max(0)
    head = b"GP" + struct.pack("<BBi", 0, 0b011, system) + struct.pack("<4d", low[0], high[0], low[1], high[1])
    body = struct.pack("<BII", 1, 3, len(rings))
    return head + body + b"".join(struct.pack("<I", len(ring)) + ring.astype("<f8").tobytes() for ring in rings)


_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]'
)
