"""Kinds of files by their first bytes, and what is refused before a decoder sees it."""

from __future__ import annotations

import pytest

from segue.errors import DataError
from segue.images.kinds import check_kind, kind_of
from segue.images.read import read_image
from segue.masks.decode import read_mask
from tests.images import matrix

KINDS = {
    ".png": "png", ".tif": "tiff", ".bmp": "bmp", ".jpg": "jpeg", ".gif": "gif", ".pbm": "pnm", ".pgm": "pnm",
    ".ppm": "pnm", ".npy": "npy", ".webp": "webp", ".jp2": "jpeg2000", ".pam": "", ".pfm": "",
}  # fmt: skip
FOREIGN = {
    "a Radiance picture": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n\0\0\0\0",
    "PostScript, for which Pillow would start a program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n",
    "OpenEXR": b"\x76\x2f\x31\x01\2\0\0\0",
    "AVIF": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
    "a Sun raster": b"\x59\xa6\x6a\x95" + bytes(28),
    "a Photoshop file": b"8BPS\0\1" + bytes(20),
    "text": b"<html>404</html>",
}


def test_kinds_of_the_matrix() -> None:
    """Oracle: the suffixes of files that were made for the matrix."""
    wrong = [variant.name for variant in matrix.variants() if kind_of(variant.data) != KINDS[variant.suffix]]
    assert wrong == []


@pytest.mark.parametrize("read", [read_image, read_mask])
@pytest.mark.parametrize("name", FOREIGN)
def test_other_kinds_are_refused(name, read, tmp_path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(FOREIGN[name])
    with pytest.raises(
        DataError, match=r"a\.png: not an image of a kind that Segue reads, which are PNG, JPEG, .* \(it "
    ):
        read(path)


def test_volumes_are_named() -> None:
    with pytest.raises(DataError, match=r"a.nii.gz: a NIfTI volume; read it with LoadBiomedicalImageFromFile"):
        check_kind(b"\x1f\x8b", "a.nii.gz")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P5\n2 2\n99\n\0\0\0\0", "a portable map of values up to 99: read are those up to 255 and 65535"),
        (b"P5\n# a\n2 2\n# b\n7\n\0\0\0\0", "a portable map of values up to 7"),
        (b"P6\nx", "a portable map without a header"),
        (b"GIF89a\2\0\2\0", "a GIF without a picture"),
        (b"GIF89a\4\0\4\0\0\0\0,\1\0\1\0\2\0\2\0\0", "a GIF whose picture of 2 x 2 pixels does not fill its 4 x 4"),
    ],
)
def test_odd_files_are_refused(data, message) -> None:
    with pytest.raises(DataError, match=rf"^a: .*{message}"):
        check_kind(data, "a")


def test_portable_maps_with_comments() -> None:
    assert check_kind(b"P5 # one\n2 2\n# two\n255\n\0\0\0\0", "a") == "pnm"
