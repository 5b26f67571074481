"""What the reference gets wrong in these transforms, and we do not; and refusals that depend on the image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segue.errors import InputError
from segue.transforms.biomedical_3d_pad import BioMedical3DPad
from segue.transforms.biomedical_3d_random_crop import BioMedical3DRandomCrop
from segue.transforms.biomedical_random_gamma import BioMedicalRandomGamma
from segue.transforms.clahe import CLAHE
from segue.transforms.concat_cd_input import ConcatCDInput
from segue.transforms.generate_edge import GenerateEdge
from segue.transforms.image_to_tensor import ImageToTensor
from segue.transforms.normalize import Normalize
from segue.transforms.random_cutout import RandomCutOut
from segue.transforms.random_depth_mix import RandomDepthMix
from segue.transforms.random_mosaic import RandomMosaic
from segue.transforms.random_rot_flip import RandomRotFlip
from segue.transforms.rerange import Rerange
from segue.transforms.rgb2gray import RGB2Gray
from segue.transforms.seg_rescale import SegRescale
from segue.transforms.to_tensor import ToTensor
from tests.transforms.conftest import banded


def test_rotated_labels_are_labels():
    """Oracle: classes 0 and 7 cannot give a third one but "ignored"; the reference interpolates between them."""
    labels = np.zeros((30, 30), np.uint8)
    labels[:, 15:] = 7
    np.random.seed(0)
    result = RandomRotFlip(1.0, degree=(15, 20))({"img": banded(3, "uint8", 30, 30), "gt_seg_map": labels})
    assert set(np.unique(result["gt_seg_map"])) == {0, 7, 255}


def test_cropped_volumes_keep_foreground():
    """Oracle: the only voxel of class 1 is in every crop; the reference misses it in most."""
    labels = np.zeros((9, 20, 20), np.uint8)
    labels[7, 15, 3] = 1
    for seed in range(30):
        np.random.seed(seed)
        volume = np.zeros((1, 9, 20, 20), np.float32)
        result = BioMedical3DRandomCrop((3, 6, 6))({"img": volume, "gt_seg_map": labels})
        assert result["gt_seg_map"].sum() == 1
        assert result["img"].shape == (1, 3, 6, 6)
    empty = BioMedical3DRandomCrop(50)({"img": volume, "gt_seg_map": labels * 0})
    assert empty["img"].shape == volume.shape


def test_padded_volumes_keep_labels():
    """Oracle: halves before and after, X by X; the reference drops the labels and pads X by Y."""
    given = {"img": np.ones((1, 2, 3, 4), np.float32), "gt_seg_map": np.ones((2, 3, 4), np.uint8)}
    result = BioMedical3DPad((4, 3, 7), pad_val=5, seg_pad_val=9)(given)
    assert result["pad_shape"] == result["gt_seg_map"].shape == (4, 3, 7)
    np.testing.assert_array_equal(result["gt_seg_map"] == 9, result["img"][0] == 5)
    assert (result["gt_seg_map"][1:3, :, 1:5] == 1).all()


def test_gamma_per_channel_keeps_each_range():
    """Oracle: smallest and largest value of a channel stay; the reference fails with a NameError."""
    volume = np.random.default_rng(0).normal(size=(3, 4, 5, 6)) * np.array([1, 10, 100]).reshape(3, 1, 1, 1)
    result = BioMedicalRandomGamma(1.0, per_channel=True)({"img": volume})["img"]
    np.testing.assert_allclose(result.min(axis=(1, 2, 3)), volume.min(axis=(1, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(result.max(axis=(1, 2, 3)), volume.max(axis=(1, 2, 3)), rtol=1e-5)
    assert (result != volume).any()


def test_sixteen_bits_are_not_wrapped_by_clahe():
    """Oracle: equalizing 257 times the values gives 257 times the result, but for rounding."""
    eight, sixteen = (CLAHE(2.0, (2, 2))({"img": banded(3, dtype)})["img"] for dtype in ("uint8", "uint16"))
    assert sixteen.max() > 60000
    assert np.corrcoef(eight.ravel(), sixteen.ravel())[0, 1] > 0.95


def test_image_dependent_refusals(sample):
    four = {"img": banded(4, "uint8")}
    with pytest.raises(InputError, match="Normalize: mean must be 4 numbers for an image of 4 bands"):
        Normalize([1.0] * 3, [1.0] * 3)(dict(four))
    with pytest.raises(InputError, match="Normalize: to_rgb must be False for an image of 4 bands, got True"):
        Normalize([1.0] * 4, [1.0] * 4)(dict(four))
    with pytest.raises(InputError, match="RGB2Gray: weights must be 4 numbers for an image of 4 bands"):
        RGB2Gray()(dict(four))
    with pytest.raises(InputError, match=r"RandomCutOut: fill_in must be 4 numbers for an image of 4 bands"):
        RandomCutOut(1.0, 1, (3, 3), fill_in=(1, 2, 3))(dict(four))
    with pytest.raises(InputError, match=r"Rerange: x.png has the value 3 everywhere, which cannot be stretched"):
        Rerange()({"img": np.full((2, 2), 3, np.uint8), "img_path": "x.png"})
    with pytest.raises(InputError, match=r"ConcatCDInput: img, img2 differ in size \(H, W\): \[\(20, 26\), \(4, 4\)\]"):
        ConcatCDInput()({**four, "img2": np.zeros((4, 4, 4), np.uint8)})
    with pytest.raises(
        InputError, match=r"RandomDepthMix: needs 'gt_depth_map' of the image's size \(20, 26\), got None"
    ):
        RandomDepthMix()(sample())
    with pytest.raises(
        InputError, match="RandomMosaic: needs three more samples; use it in the pipeline of MultiImageMix"
    ):
        RandomMosaic(1.0)(sample())
    with pytest.raises(InputError, match="RandomMosaic: the four images differ in bands or dtype"):
        RandomMosaic(1.0)(sample(mix_results=[sample(), dict(four), sample()]))
    with pytest.raises(
        InputError, match=r"SegRescale: scale_factor must be large enough for a map \(20, 26\), got 0.01"
    ):
        SegRescale(0.01)(sample())


def test_edges():
    """Oracle: by hand; a pixel beside or diagonal to another class; the border of an ignored pixel is none."""
    labels = np.array([[0, 0, 1], [0, 0, 1], [255, 2, 2]], np.uint8)
    edges = GenerateEdge(1)({"img": np.zeros((3, 3, 3), np.uint8), "gt_seg_map": labels})["gt_edge_map"]
    assert edges.tolist() == [[0, 1, 1], [1, 1, 1], [0, 1, 1]]


def test_tensors(sample):
    """Oracle: values and shapes of numpy."""
    given = ToTensor(["img", "meta.score", "gt_seg_map"])(sample(meta={"score": 0.5}))
    assert given["img"].shape == (20, 26, 3)
    assert given["meta"]["score"].item() == 0.5
    assert given["gt_seg_map"].dtype == torch.uint8
    assert ImageToTensor(["img"])(sample())["img"].shape == (3, 20, 26)
    with pytest.raises(InputError, match=r"ToTensor: the sample has no 'meta.score' \(keys: img, "):
        ToTensor(["meta.score"])(sample())
    with pytest.raises(InputError, match="ToTensor: 'img_path' cannot become a tensor"):
        ToTensor(["img_path"])(sample())
