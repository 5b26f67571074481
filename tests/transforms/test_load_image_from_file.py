"""LoadImageFromFile: keys, options and refusals; decoding itself is tested in tests/images/test_read.py."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import DataError, InputError
from segue.images.read import write_png
from segue.transforms.load_image_from_file import LoadImageFromFile


def test_keys(tmp_path, sample):
    """Oracle: PNG is lossless, so the pixels come back; shapes are (H, W)."""
    picture = sample()["img"]
    write_png(tmp_path / "a.png", picture)
    result = LoadImageFromFile()({"img_path": str(tmp_path / "a.png")})
    np.testing.assert_array_equal(result["img"], picture)
    assert result["img_shape"] == result["ori_shape"] == (20, 26)
    assert LoadImageFromFile(to_float32=True)({"img_path": tmp_path / "a.png"})["img"].dtype == np.float32


def test_ignore_empty(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"")
    assert LoadImageFromFile(ignore_empty=True)({"img_path": path}) is None
    with pytest.raises(DataError, match=r"a.png: the file is empty \(0 bytes\)"):
        LoadImageFromFile()({"img_path": path})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"color_type": "rgb"}, "LoadImageFromFile: color_type must be one of 'color', 'grayscale', .*, got 'rgb'"),
        ({"imdecode_backend": "turbojpeg"}, "imdecode_backend must be one of 'cv2', 'pillow', got 'turbojpeg'"),
        ({"backend_args": {"backend": "petrel"}}, r"backend_args must be None or dict\(backend='local'\)"),
        ({"file_client_args": {"backend": "ceph"}}, "file_client_args must be None or"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        LoadImageFromFile(**arguments)


def test_local_backends_are_accepted():
    LoadImageFromFile(file_client_args={"backend": "disk"}, backend_args={"backend": "local"})


def test_no_path():
    with pytest.raises(InputError, match="the sample has no 'img_path'"):
        LoadImageFromFile()({})
