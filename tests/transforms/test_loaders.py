"""Loading: remote sensing, depths, volumes, arrays in memory. All files are written here."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segue.errors import DataError, InputError, LabelError
from segue.transforms.inferencer_loader import InferencerLoader
from segue.transforms.load_biomedical_annotation import LoadBiomedicalAnnotation
from segue.transforms.load_biomedical_data import LoadBiomedicalData
from segue.transforms.load_biomedical_image_from_file import LoadBiomedicalImageFromFile
from segue.transforms.load_depth_annotation import LoadDepthAnnotation
from segue.transforms.load_image_from_ndarray import LoadImageFromNDArray
from segue.transforms.load_multiple_rs_image_from_file import LoadMultipleRSImageFromFile
from segue.transforms.load_single_rs_image_from_file import LoadSingleRSImageFromFile
from tests.images.test_tiff import tiff
from tests.transforms.conftest import banded


@pytest.mark.parametrize("bands", [1, 3, 4, 13])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_remote_sensing(tmp_path, bands, dtype):
    """Oracle: the bands that were written, in their order (RGB stays RGB, as GDAL reads it)."""
    if bands > 3:
        pytest.importorskip("rasterio", reason="an optional extra: geo")
    pixels = banded(bands, dtype)
    (tmp_path / "a.tif").write_bytes(tiff(pixels, photometric=2 if bands == 3 else 1))
    np.save(tmp_path / "a.npy", pixels)
    for name in ("a.tif", "a.npy"):
        sample = LoadSingleRSImageFromFile(to_float32=False)({"img_path": str(tmp_path / name)})
        assert sample["img"].dtype == dtype
        np.testing.assert_array_equal(sample["img"], pixels)
        assert sample["img_shape"] == sample["ori_shape"] == (20, 26)
    assert LoadSingleRSImageFromFile()({"img_path": str(tmp_path / "a.tif")})["img"].dtype == np.float32


def test_two_pictures(tmp_path):
    np.save(tmp_path / "a.npy", banded(3, "uint8"))
    np.save(tmp_path / "b.npy", banded(4, "uint8"))
    paths = {"img_path": str(tmp_path / "a.npy"), "img_path2": str(tmp_path / "a.npy")}
    sample = LoadMultipleRSImageFromFile()(paths)
    np.testing.assert_array_equal(sample["img"], sample["img2"])
    with pytest.raises(DataError, match=r"a.npy is \(20, 26, 3\) and .*b.npy \(20, 26, 4\) \(H, W, bands\); the two"):
        LoadMultipleRSImageFromFile()({**paths, "img_path2": str(tmp_path / "b.npy")})
    with pytest.raises(InputError, match="has no 'img_path2'; use a change dataset"):
        LoadMultipleRSImageFromFile()({"img_path": "a.npy"})


def test_depth(tmp_path):
    """Oracle: millimetres as 16 bits to metres; float TIFFs and arrays as they are."""
    millimetres = (np.arange(20).reshape(4, 5) * 500).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), millimetres)
    (tmp_path / "a.tif").write_bytes(tiff((millimetres / 1000).astype(np.float32)[:, :, None]))
    np.save(tmp_path / "a.npy", millimetres / 1000)
    for name, factor in (("a.png", 0.001), ("a.tif", 1.0), ("a.npy", 1.0)):
        path = str(tmp_path / name)
        sample = LoadDepthAnnotation(depth_rescale_factor=factor)({"depth_map_path": path, "ori_shape": (4, 5)})
        np.testing.assert_allclose(sample["gt_depth_map"], millimetres / 1000, rtol=1e-6)
        assert sample["gt_depth_map"].dtype == np.float32
        assert sample["seg_fields"] == ["gt_depth_map"]
    with pytest.raises(LabelError, match=r"a.npy: the depth map is 5 x 4 pixels, its image x.jpg 4 x 5; they must be"):
        LoadDepthAnnotation()({"depth_map_path": path, "img_path": "x.jpg", "ori_shape": (5, 4)})
    with pytest.raises(DataError, match=r"x.jpg: has no 'depth_map_path': name the folder of depth maps"):
        LoadDepthAnnotation()({"img_path": "x.jpg"})
    np.save(tmp_path / "rgb.npy", np.zeros((4, 5, 3)))
    with pytest.raises(LabelError, match=r"rgb.npy: a depth map has one band, this file has the shape \(4, 5, 3\)"):
        LoadDepthAnnotation()({"depth_map_path": str(tmp_path / "rgb.npy")})


def test_volume_and_labels(tmp_path):
    """Oracle: axes by hand; labels keep to the dataset's classes."""
    volume, labels = np.random.default_rng(0).normal(size=(2, 3, 4, 5)), np.arange(60).reshape(3, 4, 5) % 3
    np.save(tmp_path / "v.npy", volume)
    np.save(tmp_path / "l.npy", labels)
    given = {"img_path": str(tmp_path / "v.npy"), "seg_map_path": str(tmp_path / "l.npy"), "num_classes": 3}
    sample = LoadBiomedicalAnnotation("numpy")(LoadBiomedicalImageFromFile("numpy")(dict(given)))
    np.testing.assert_array_equal(sample["img"], volume.astype(np.float32))
    np.testing.assert_array_equal(sample["gt_seg_map"], labels)
    assert sample["img_shape"] == (3, 4, 5)
    turned = LoadBiomedicalImageFromFile("numpy", to_xyz=True, to_float32=False)(dict(given))
    np.testing.assert_array_equal(turned["img"], volume.transpose(0, 3, 2, 1))
    with pytest.raises(LabelError, match=r"l.npy: has the shape \(3, 4, 5\), its image .*v.npy \(5, 4, 3\)"):
        LoadBiomedicalAnnotation("numpy")(turned)
    with pytest.raises(LabelError, match=r"l.npy: label 2 \(20 pixels\) outside the 2 classes 0..1"):
        LoadBiomedicalAnnotation("numpy")({**given, "num_classes": 2})
    with pytest.raises(LabelError, match=r"v.npy: labels have one channel, this file has 2"):
        LoadBiomedicalAnnotation("numpy")({"seg_map_path": given["img_path"]})


def test_volume_with_labels_inside(tmp_path):
    data = np.arange(2 * 8, dtype=np.float32).reshape(2, 2, 2, 2)
    data[1] %= 2
    np.save(tmp_path / "d.npy", data)
    sample = LoadBiomedicalData(with_seg=True)({"img_path": str(tmp_path / "d.npy"), "num_classes": 2})
    np.testing.assert_array_equal(sample["img"], data[:1])
    np.testing.assert_array_equal(sample["gt_seg_map"], data[1])
    assert "gt_seg_map" not in LoadBiomedicalData()({"img_path": str(tmp_path / "d.npy")})
    np.save(tmp_path / "one.npy", data[0])
    with pytest.raises(DataError, match=r"one.npy: needs at least two channels, the last of them labels; it has 1"):
        LoadBiomedicalData()({"img_path": str(tmp_path / "one.npy")})


def test_nifti_as_the_reference_reads_it(tmp_path):
    """Oracle: the reference turns (X, Y, Z) into (1, Z, Y, X)."""
    nibabel = pytest.importorskip("nibabel", reason="an optional extra: medical")
    values = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii.gz")
    path = str(tmp_path / "a.nii.gz")
    sample = LoadBiomedicalAnnotation()(LoadBiomedicalImageFromFile()({"img_path": path, "seg_map_path": path}))
    np.testing.assert_array_equal(sample["img"], values.transpose(2, 1, 0)[None])
    np.testing.assert_array_equal(sample["gt_seg_map"], values.transpose(2, 1, 0))


def test_in_memory(tmp_path):
    image = banded(13, "uint16")
    sample = LoadImageFromNDArray(to_float32=True)({"img": image})
    assert sample["img"].dtype == np.float32
    assert (sample["img_path"], sample["ori_shape"]) == (None, (20, 26))
    np.testing.assert_array_equal(InferencerLoader()(image)["img"], image)
    cv2.imwrite(str(tmp_path / "a.png"), image[:, :, :3])
    assert InferencerLoader(color_type="unchanged")(str(tmp_path / "a.png"))["img"].dtype == np.uint16
    with pytest.raises(InputError, match="InferencerLoader: takes a path, an array or a sample, got int"):
        InferencerLoader()(3)
