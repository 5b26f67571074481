"""Constructors name the argument that cannot be used. Those of older transforms are tested in their own files."""

from __future__ import annotations

import pytest

from segue.config.builder.find import find
from segue.errors import InputError

CASES = [
    ("AdjustGamma", {"gamma": 0}, "gamma must be a positive number, got 0"),
    ("BioMedical3DPad", {"pad_shape": (4, 4)}, r"pad_shape must be three positive integers \(Z, Y, X\), got \(4, 4\)"),
    ("BioMedical3DRandomCrop", {"crop_shape": 0}, r"crop_shape must be a positive integer or three \(Z, Y, X\), got 0"),
    ("BioMedical3DRandomFlip", {"prob": 1, "axes": (3,)}, r"axes must be among 0 \(Z\), 1 \(Y\), 2 \(X\), got \(3,\)"),
    (
        "BioMedical3DRandomFlip",
        {"prob": 1, "axes": None, "swap_label_pairs": [1]},
        "swap_label_pairs must be a list of pairs of class ids",
    ),
    ("BioMedicalGaussianBlur", {"sigma_range": (-1, 1)}, "sigma_range must be from 0"),
    ("BioMedicalGaussianNoise", {"std": -1}, "std must be a number from 0, got -1"),
    ("BioMedicalRandomGamma", {"gamma_range": (0, 1)}, r"gamma_range must be positive, got \(0, 1\)"),
    ("CLAHE", {"clip_limit": "x"}, "clip_limit must be a number from 0, got 'x'"),
    ("CenterCrop", {"crop_size": (0, 4)}, r"crop_size must be at least 1, got \(0, 4\)"),
    ("ConcatCDInput", {"input_keys": "img"}, "input_keys must be a list of keys, got 'img'"),
    ("GenerateEdge", {"edge_width": 0}, "edge_width must be a positive integer, got 0"),
    ("ImageToTensor", {"keys": "img"}, "keys must be a list of keys, got 'img'"),
    ("KeyMapper", {"remapping": {}, "auto_remap": True}, "remapping must be None where auto_remap is set"),
    (
        "LoadBiomedicalData",
        {"decode_backend": "pickle"},
        "decode_backend must be one of 'nifti', 'numpy', got 'pickle'",
    ),
    ("LoadDepthAnnotation", {"depth_rescale_factor": 0}, "depth_rescale_factor must be a positive number, got 0"),
    ("LoadDepthAnnotation", {"backend_args": {"backend": "s3"}}, "backend_args must be None or dict"),
    ("MultiScaleFlipAug", {"transforms": [], "scales": (1, 2), "scale_factor": 1}, "scale_factor must be None where"),
    ("Normalize", {"mean": [1, 2], "std": [1]}, r"std must be 2 positive numbers, as many as mean has, got \[1\]"),
    ("Normalize", {"mean": ["a"], "std": [1]}, r"mean must be one number per band, got \['a'\]"),
    ("RGB2Gray", {"out_channels": 0}, "out_channels must be None or a positive integer, got 0"),
    ("RandomApply", {"transforms": [], "prob": 2}, "prob must be a probability between 0 and 1, got 2"),
    ("RandomChoice", {"transforms": []}, "transforms must be a list of transforms or of lists of them"),
    ("RandomChoice", {"transforms": [[]], "prob": [0.5]}, r"prob must be 1 in total, got \[0.5\]"),
    (
        "RandomChoice",
        {"transforms": [[]], "prob": [0.5, 0.5]},
        "prob must be one probability for each of the 1 entries",
    ),
    ("RandomCutOut", {"prob": 1, "n_holes": 1}, "cutout_shape, cutout_ratio must be given, exactly one of them"),
    ("RandomCutOut", {"prob": 1, "n_holes": (3, 1), "cutout_shape": (1, 1)}, r"n_holes must be in ascending order"),
    (
        "RandomCutOut",
        {"prob": 1, "n_holes": 1, "cutout_ratio": (2, 1)},
        r"cutout_ratio must be shares \(W, H\) between",
    ),
    ("RandomDepthMix", {"mix_scale_ratio": 0}, "mix_scale_ratio must be above 0 and at most 1, got 0"),
    ("RandomGrayscale", {"channel_weights": (0, 0)}, "channel_weights must be numbers from 0, not all 0"),
    ("RandomMosaic", {"prob": 1, "center_ratio_range": (0, 3)}, r"center_ratio_range must be within 0..2, the canvas"),
    ("RandomRotFlip", {"degree": -3}, "degree must be positive if it is one number, got -3"),
    ("Rerange", {"min_value": 3, "max_value": 3}, "max_value must be larger than min_value=3, got 3"),
    ("SegRescale", {"scale_factor": 0}, "scale_factor must be a positive number, got 0"),
    ("ToTensor", {"keys": "img"}, "keys must be a list of keys, got 'img'"),
]


@pytest.mark.parametrize(
    ("name", "arguments", "message"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_refused(name, arguments, message):
    with pytest.raises(InputError, match=f"{name}: {message}"):
        find("transforms", name)(**arguments)
