"""Every transform of mmseg and mmcv: arguments, an image, what comes out; what is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import cv2
import numpy as np

from tests.compat.reference.facts import attributes, look, named, seed_all, tried


def image(seed: int = 0, dtype: Any = np.uint8) -> dict[str, Any]:
    """(24, 32) with labels 0..3 in blocks, and some ignored."""
    drawn = np.random.RandomState(seed)
    labels = np.kron(drawn.randint(0, 4, (6, 8)), np.ones((4, 4), int)).astype(np.uint8)
    labels[0, :5] = 255
    picture = drawn.randint(0, 256, (24, 32, 3)).astype(dtype)
    return {"img": picture, "gt_seg_map": labels, "seg_fields": ["gt_seg_map"], "img_shape": (24, 32),
            "ori_shape": (24, 32), "img_path": "a/b.png", "seg_map_path": "a/b_mask.png"}  # fmt: skip


def volume() -> dict[str, Any]:
    """(C, Z, Y, X) float32 with labels (Z, Y, X)."""
    drawn = np.random.RandomState(1)
    return {"img": drawn.rand(2, 6, 8, 10).astype(np.float32), "gt_seg_map": drawn.randint(0, 3, (6, 8, 10)),
            "seg_fields": ["gt_seg_map"], "img_shape": (6, 8, 10)}  # fmt: skip


@cache
def folder() -> str:
    """Files to load."""
    root = Path(mkdtemp())
    made = image(3)
    cv2.imwrite(str(root / "a.png"), made["img"])
    cv2.imwrite(str(root / "gray.png"), made["img"][:, :, 0])
    cv2.imwrite(str(root / "mask.png"), made["gt_seg_map"])
    cv2.imwrite(str(root / "depth.png"), (made["img"][:, :, 0].astype(np.uint16) * 200))
    data = np.concatenate([volume()["img"], volume()["gt_seg_map"][None].astype(np.float32)])
    np.save(root / "volume.npy", data)
    np.save(root / "scan.npy", data[0])
    np.save(root / "labels.npy", data[2])
    return str(root)


def load(**given: Any) -> Callable[[], dict[str, Any]]:
    """A sample of paths, each in the folder of files."""

    def sample() -> dict[str, Any]:
        paths = {key: f"{folder()}/{value}" if key.endswith("path") else value for key, value in given.items()}
        return {"seg_fields": [], **paths}

    return sample


MASK = {"img_path": "a.png", "seg_map_path": "mask.png", "reduce_zero_label": False, "label_map": None}
INPUTS: dict[str, Callable[[], dict[str, Any]]] = {
    "image": image,
    "16": lambda: image(dtype=np.uint16),
    "float": lambda: image(dtype=np.float32),
    "gray": lambda: {**image(), "img": image()["img"][:, :, 0].copy()},
    "plain": lambda: {"img": image()["img"], "img_shape": (24, 32)},
    "pair": lambda: {**image(), "img2": image(5)["img"]},
    "list": lambda: {"images": [image()["img"], image(5)["img"], image(6)["img"]], "labels": [image()["gt_seg_map"]]},
    "depth": lambda: {**image(), "gt_depth_map": image(5)["img"][:, :, 0] / np.float32(25.0)},
    "labels": lambda: {"gt_seg_map": image()["gt_seg_map"], "gt_edge_map": image()["gt_seg_map"] % 2},
    "volume": volume,
    "mosaic": lambda: {**image(), "mix_results": [image(seed) for seed in (1, 2, 3)]},
    "scaled": lambda: {**image(), "scale": (40, 20)},
    "flipped": lambda: {**image(), "flip": True, "flip_direction": "horizontal", "pad_shape": (24, 32),
                        "scale_factor": (1.0, 1.0), "reduce_zero_label": False},
    "edges": lambda: {**image(), "gt_edge_map": image()["gt_seg_map"] % 2},
    "file": load(img_path="a.png"),
    "gray file": load(img_path="gray.png"),
    "gone": load(img_path="none.png"),
    "mask": load(**MASK),
    "mask reduced": load(**{**MASK, "reduce_zero_label": True}),
    "mask mapped": load(**{**MASK, "label_map": {1: 0, 2: 1, 3: 1, 0: 2}}),
    "depths": load(depth_map_path="depth.png"),
    "volume file": load(img_path="volume.npy"),
    "scan": load(img_path="scan.npy"),
    "scan labels": load(seg_map_path="labels.npy"),
    "array": lambda: {"img": image()["img"]},
    "path to infer": lambda: f"{folder()}/a.png",  # type: ignore[dict-item,return-value]
    "array to infer": lambda: image()["img"],
}  # fmt: skip
BOTH = {"img": 7, "seg": 200}
FLIP = {"type": "RandomFlip", "prob": 1.0}
RESIZE = {"type": "Resize", "scale": (16, 12)}
HALF = {"type": "RandomFlip", "prob": 0.5}
CROP = {"type": "RandomCrop", "crop_size": (10, 12)}
TWO = {"mapping": {"img": ["img", "img2"]}}
#: class -> why it has no cases
LEFT = {
    "LoadSingleRSImageFromFile": "the reference reads with GDAL's Python module",
    "LoadMultipleRSImageFromFile": "likewise",
    "MultiScaleFlipAug": "its call fails in the reference, which looks for ``data_sample``",
}
#: class -> the package that it is made of
NEEDS = {"Albu": "albumentations"}
#: class -> arguments and the kind of sample of each case; how many draws where not one
CASES: dict[str, list[tuple[Any, ...]]] = {
    "LoadImageFromFile": [({}, "file"), ({"to_float32": True}, "file"), ({"color_type": "grayscale"}, "file"),
                          ({}, "gray file"), ({"color_type": "unchanged"}, "gray file"), ({}, "gone"),
                          ({"ignore_empty": True}, "gone"), ({"imdecode_backend": "pillow"}, "file"),
                          ({"backend_args": {"backend": "local"}}, "file")],
    "LoadAnnotations": [({}, "mask"), ({"reduce_zero_label": True}, "mask"), ({"reduce_zero_label": True},
                        "mask reduced"), ({"imdecode_backend": "cv2"}, "mask"), ({}, "mask mapped"),
                        ({"reduce_zero_label": False}, "mask"), ({"backend_args": {"backend": "local"}}, "mask")],
    "LoadImageFromNDArray": [({}, "array"), ({"to_float32": True}, "array")],
    "LoadBiomedicalImageFromFile": [({"decode_backend": "numpy"}, "scan"),
                                    ({"decode_backend": "numpy", "to_xyz": True}, "scan"),
                                    ({"decode_backend": "numpy", "to_float32": False}, "scan"), ({}, None)],
    "LoadBiomedicalAnnotation": [({"decode_backend": "numpy"}, "scan labels"),
                                 ({"decode_backend": "numpy", "to_xyz": True}, "scan labels"), ({}, None)],
    "LoadBiomedicalData": [({"with_seg": True}, "volume file"), ({"with_seg": False, "to_xyz": True}, "volume file"),
                           ({"with_seg": True, "decode_backend": "numpy", "to_xyz": True}, "volume file")],
    "InferencerLoader": [({}, "path to infer"), ({}, "array to infer")],
    "LoadDepthAnnotation": [({}, "depths"), ({"depth_rescale_factor": 1e-3}, "depths"), ({"to_float32": False}, None)],
    "Compose": [({"transforms": [RESIZE, FLIP]}, "image"), ({"transforms": []}, "image")],
    "KeyMapper": [({"transforms": [RESIZE], "mapping": {"img": "picture", "gt_seg_map": ...}, "auto_remap": False},
                   None), ({"transforms": [RESIZE], "mapping": {"img": "img2"}}, "pair"),
                  ({"transforms": [RESIZE], "mapping": {"img": "img2"}, "remapping": {"img": "out", "img_shape": "size",
                    "keep_ratio": ...}}, "pair"), ({"transforms": [RESIZE], "mapping": {"img": "img", "gt_seg_map":
                    "none"}, "auto_remap": True, "allow_nonexist_keys": True}, "pair")],
    "TransformBroadcaster": [
        ({"transforms": [RESIZE], **TWO}, "pair"),
        ({"transforms": [HALF], **TWO, "auto_remap": True}, "pair", 4),
        ({"transforms": [HALF], **TWO, "auto_remap": True, "share_random_params": True}, "pair", 4),
        ({"transforms": [CROP], **TWO, "auto_remap": True, "share_random_params": True}, "pair", 2),
        ({"transforms": [CROP, HALF], "mapping": {"img": "images"}, "remapping": {"img": "out", "flip": "flipped"}},
         "list", 3),
        ({"transforms": [CROP, HALF], "mapping": {"img": "images"}, "auto_remap": True, "share_random_params": True},
         "list", 3),
        ({"transforms": [RESIZE], "mapping": {"img": ["img", "img2"], "img_shape": ["img_shape", ...]}, "auto_remap":
          True}, "pair"),
    ],
    "RandomChoice": [({"transforms": [[FLIP], [RESIZE]]}, "image", 4),
                     ({"transforms": [[FLIP], [RESIZE]], "prob": [0.2, 0.8]}, "image", 4)],
    "RandomApply": [({"transforms": [FLIP], "prob": 0.5}, "image", 4)],
    "Normalize": [({"mean": [10.0, 20.0, 30.0], "std": [5.0, 6.0, 7.0]}, "image"),
                  ({"mean": [10.0, 20.0, 30.0], "std": [5.0, 6.0, 7.0], "to_rgb": False}, "image"),
                  ({"mean": [10.0, 20.0, 30.0], "std": [5.0, 6.0, 7.0]}, "float")],
    "Resize": [({"scale": (16, 12)}, "image"), ({"scale": (20, 18), "keep_ratio": True}, "image"),
               ({"scale_factor": 0.5}, "image"), ({"scale_factor": (1.5, 0.5)}, "image"),
               ({"scale": 12, "keep_ratio": False}, "image"), ({"scale": (16, 12), "interpolation": "nearest"},
               "image"), ({"scale": (16, 12), "interpolation": "area"}, "float"), ({"scale": (64, 64)}, "plain"),
               ({"scale": (16, 12), "backend": "pillow"}, "image"), ({"scale": (9, 7), "clip_object_border": False},
               "image"), ({"scale": (16, 12), "interpolation": "bicubic"}, "16")],
    "Pad": [({"size": (40, 48)}, "image"), ({"size_divisor": 20}, "image"), ({"pad_to_square": True}, "image"),
            ({"size": (40, 48), "pad_val": BOTH}, "image"), ({"size": (30, 40), "pad_val": 9}, "image"),
            ({"size": (30, 40), "padding_mode": "reflect"}, "image"), ({"size": (30, 40), "padding_mode": "edge"},
            "plain"), ({"size_divisor": 5, "pad_to_square": True}, "image"),
            ({"size": (40, 48), "pad_val": {"img": (1, 2, 3), "seg": 0}}, "image")],
    "CenterCrop": [({"crop_size": 12}, "image"), ({"crop_size": (10, 20)}, "image"), ({"crop_size": (40, 40)},
                   "image"), ({"crop_size": (40, 40), "auto_pad": True, "pad_cfg": {"type": "Pad", "pad_val": BOTH}},
                   "image")],
    "RandomGrayscale": [({"prob": 1.0}, "image"), ({"prob": 1.0, "keep_channels": True, "channel_weights":
                        (1.0, 2.0, 1.0)}, "image"), ({"prob": 0.5}, "image", 4)],
    "TestTimeAug": [({"transforms": [[{"type": "Resize", "scale_factor": s} for s in (0.5, 1.0)], [FLIP, {**FLIP,
                      "prob": 0.0}], [{"type": "PackSegInputs"}]]}, "image")],
    "RandomChoiceResize": [({"scales": [(16, 12), (20, 10)]}, "image", 3),
                           ({"scales": [(16, 12), (20, 10)], "resize_type": "Resize", "keep_ratio": True}, "image", 2)],
    "RandomFlip": [({"prob": 1.0}, "image"), ({"prob": 0.0}, "image"), ({"prob": 0.5}, "image", 4),
                   ({"prob": 1.0, "direction": "vertical"}, "image"), ({"prob": 1.0, "direction": "diagonal"}, "image"),
                   ({"prob": [0.3, 0.5], "direction": ["horizontal", "vertical"]}, "image", 4),
                   ({"prob": 0.9, "direction": ["horizontal", "vertical", "diagonal"]}, "image", 4),
                   ({"prob": 1.0, "swap_seg_labels": [(0, 1), (2, 3)]}, "image")],
    "RandomResize": [({"scale": (16, 12), "ratio_range": (0.5, 2.0)}, "image", 3),
                     ({"scale": [(16, 12), (32, 24)],
                      "keep_ratio": True}, "image", 3), ({"scale": (16, 12), "ratio_range": (0.5, 2.0), "keep_ratio":
                      True, "resize_type": "Resize"}, "image", 3)],
    "ToTensor": [({"keys": ["img", "gt_seg_map"]}, "image"), ({"keys": ["img", "none"]}, "image")],
    "ImageToTensor": [({"keys": ["img"]}, "image"), ({"keys": ["img"]}, "gray")],
    "PackSegInputs": [({}, "image"), ({}, "flipped"), ({"meta_keys": ("img_path", "flip")}, "flipped"),
                      ({}, "plain"), ({}, "gray"), ({"meta_keys": ["ori_shape"]}, "edges"), ({}, "depth"),
                      ({}, "labels")],
    "ResizeToMultiple": [({}, "image"), ({"size_divisor": 10}, "image"), ({"size_divisor": 8, "interpolation":
                         "nearest"}, "image")],
    "Rerange": [({}, "image"), ({"min_value": 10, "max_value": 20}, "image")],
    "CLAHE": [({}, "image"), ({"clip_limit": 2.0, "tile_grid_size": (4, 4)}, "image")],
    "RandomCrop": [({"crop_size": (8, 12)}, "image", 3), ({"crop_size": 10}, "image", 2), ({"crop_size": (40, 10)},
                   "image"), ({"crop_size": (6, 6), "cat_max_ratio": 0.75}, "image", 4),
                   ({"crop_size": (6, 6), "cat_max_ratio": 0.75, "ignore_index": 0}, "image", 3)],
    "RandomRotate": [({"prob": 1.0, "degree": 30.0}, "image", 2), ({"prob": 1.0, "degree": (10.0, 20.0), "pad_val": 0,
                     "seg_pad_val": 7}, "image"), ({"prob": 1.0, "degree": 45.0, "auto_bound": True}, "image"),
                     ({"prob": 1.0, "degree": 45.0, "center": (5.0, 6.0)}, "image"), ({"prob": 0.0, "degree": 5},
                     "image")],
    "RGB2Gray": [({}, "image"), ({"out_channels": 1, "weights": (0.5, 0.3, 0.2)}, "image"), ({"out_channels": 4},
                 "image"), ({"weights": (0.1, 0.2, 0.7)}, "image")],
    "AdjustGamma": [({}, "image"), ({"gamma": 1.2}, "image"), ({"gamma": 0.5}, "image")],
    "SegRescale": [({"scale_factor": 0.5}, "image"), ({}, "image"), ({"scale_factor": 2}, "image")],
    "PhotoMetricDistortion": [({}, "image", 4), ({"brightness_delta": 10, "contrast_range": (0.8, 1.2),
                              "saturation_range": (0.9, 1.1), "hue_delta": 5}, "image", 4), ({"saturation_range":
                              (1.0, 1.0)}, "image", 2)],
    "RandomCutOut": [({"prob": 1.0, "n_holes": 3, "cutout_shape": (4, 5)}, "image"),
                     ({"prob": 1.0, "n_holes": (1, 4), "cutout_shape": [(3, 4), (6, 2)], "fill_in": (9, 8, 7),
                       "seg_fill_in": 255}, "image", 2),
                     ({"prob": 1.0, "n_holes": 2, "cutout_ratio": (0.1, 0.2), "seg_fill_in": 1}, "image"),
                     ({"prob": 1.0, "n_holes": 2, "cutout_ratio": [(0.1, 0.2), (0.3, 0.1)]}, "image"),
                     ({"prob": 0.0, "n_holes": 1, "cutout_shape": (2, 2)}, "image")],
    "RandomRotFlip": [({"rotate_prob": 0.0, "flip_prob": 1.0}, "image", 4), ({"rotate_prob": 0.0, "flip_prob": 0.0},
                      "image"), ({"rotate_prob": 1.0, "flip_prob": 0.0, "degree": 20}, None), ({}, None)],
    "RandomMosaic": [({"prob": 1.0, "img_scale": (20, 24)}, "mosaic", 2), ({"prob": 0.0}, "mosaic"),
                     ({"prob": 1.0, "img_scale": (16, 16), "center_ratio_range": (0.8, 1.2), "pad_val": 3,
                       "seg_pad_val": 9}, "mosaic")],
    "GenerateEdge": [({}, "image"), ({"edge_width": 1}, "image"), ({"edge_width": 5, "ignore_index": 0}, "image")],
    "ResizeShortestEdge": [({"scale": 12, "max_size": 40}, "image"), ({"scale": (12, 20), "max_size": 14}, "image")],
    "BioMedical3DRandomCrop": [({"crop_shape": (4, 4, 4), "keep_foreground": False}, "volume", 2), ({"crop_shape": 4},
                               None)],
    "BioMedicalGaussianNoise": [({"prob": 1.0}, "volume"), ({"prob": 1.0, "mean": 0.5, "std": 0.2}, "volume"),
                                ({"prob": 0.0}, "volume")],
    "BioMedicalGaussianBlur": [({"prob": 1.0, "prob_per_channel": 1.0}, "volume"),
                               ({"prob": 1.0, "prob_per_channel": 0.5, "different_sigma_per_channel": False,
                                 "different_sigma_per_axis": False, "sigma_range": (0.3, 0.6)}, "volume"),
                               ({"prob": 1.0, "different_sigma_per_axis": False}, "volume")],
    "BioMedicalRandomGamma": [({"prob": 1.0}, "volume", 2), ({"prob": 1.0, "gamma_range": (0.7, 2), "invert_image":
                              True, "retain_stats": True}, "volume")],
    "BioMedical3DPad": [({"pad_shape": (6, 8, 10)}, "volume"), ({"pad_shape": (8, 8, 10), "pad_val": 0.5,
                        "seg_pad_val": 2}, None)],
    "BioMedical3DRandomFlip": [({"prob": 1.0, "axes": (0, 1, 2)}, "volume", 2),
                               ({"prob": 1.0, "axes": (1,), "swap_label_pairs": [(1, 2)]}, "volume"),
                               ({"prob": 0.0, "axes": (0,)}, "volume")],
    "Albu": [({"transforms": [{"type": "HorizontalFlip", "p": 1.0}]}, "image"), ({"transforms": [{"type":
             "VerticalFlip", "p": 1.0}, {"type": "Transpose", "p": 1.0}], "update_pad_shape": True}, "image"),
             ({"transforms": [{"type": "OneOf", "transforms": [{"type": "ToGray", "p": 1.0}], "p": 1.0}], "keymap":
              {"img": "image", "gt_seg_map": "mask"}}, "image"), ({"transforms": [{"type": "PadIfNeeded",
              "min_height": 30, "min_width": 40, "fill_mask": 255, "p": 1.0}]}, "image")],
    "ConcatCDInput": [({}, "pair"), ({"input_keys": ("img2", "img")}, "pair")],
    "RandomDepthMix": [({"prob": 1.0}, "depth", 2), ({"prob": 1.0, "mix_scale_ratio": 0.5}, "depth"),
                       ({"prob": 0.0}, "depth")],
}  # fmt: skip
#: class -> arguments that are tried for being refused, with a sample where the call is what may refuse
BAD: dict[str, list[tuple[Any, ...]]] = {
    "Albu": [({"transforms": 3},), ({"transforms": [{"p": 1.0}]},), ({"transforms": [3]},)],
    "Resize": [({},), ({"scale_factor": "a"},)],
    "Pad": [({},), ({"size": (4, 4), "size_divisor": 2},), ({"pad_to_square": True, "size": (4, 4)},),
            ({"size": (4, 4), "pad_val": []},), ({"size": (4, 4), "padding_mode": "none"},)],
    "RandomFlip": [({"prob": 1.5},), ({"prob": 0.5, "direction": "around"},), ({"prob": "a"},),
                   ({"prob": [0.5, 0.6], "direction": ["horizontal", "vertical"]},),
                   ({"prob": [0.5], "direction": ["horizontal", "vertical"]},), ({"prob": 0.5, "direction": 1},),
                   ({"prob": 1.0, "swap_seg_labels": [(0, 1, 2)]}, "image")],
    "RandomCrop": [({"crop_size": (-1, 0)},), ({"crop_size": (8, 8, 8)},), ({"crop_size": 0},), ({"crop_size": "a"},)],
    "RandomRotate": [({"prob": -0.5, "degree": 10},), ({"prob": 0.5, "degree": -10},), ({"prob": 0.5, "degree":
                     (10.0, 20.0, 30.0)},)],
    "RGB2Gray": [({"out_channels": -1},), ({"out_channels": 1, "weights": 1},)],
    "AdjustGamma": [({"gamma": -0.5},), ({"gamma": "a"},), ({"gamma": 0},)],
    "Rerange": [({"min_value": "a"},), ({"min_value": 1, "max_value": 0},), ({"min_value": 1, "max_value": 1},),
                ({"min_value": []},)],
    "CLAHE": [({"clip_limit": None},), ({"tile_grid_size": (8.0, 8.0)},), ({"tile_grid_size": (9, 9, 9)},),
              ({"tile_grid_size": 8},)],
    "RandomCutOut": [({"prob": 1.5, "n_holes": 1, "cutout_shape": (2, 2)},), ({"prob": 1, "n_holes": (1, 2, 3),
                     "cutout_shape": (2, 2)},), ({"prob": 1, "n_holes": (5, 3), "cutout_shape": (2, 2)},),
                     ({"prob": 1, "n_holes": 1},), ({"prob": 1, "n_holes": 1, "cutout_shape": (2, 2), "cutout_ratio":
                     (0.1, 0.1)},), ({"prob": 1, "n_holes": 1, "cutout_shape": (2, 2), "seg_fill_in": "a"},),
                     ({"prob": 1, "n_holes": 1, "cutout_shape": (2, 2), "seg_fill_in": 256},)],
    "RandomRotFlip": [({"rotate_prob": 1.5, "flip_prob": 0.5},), ({"rotate_prob": 0.5, "flip_prob": 1.5},),
                      ({"degree": (10.0, 20.0, 30.0)},), ({"degree": -10},)],
    "RandomMosaic": [({"prob": 1.5},), ({"prob": 1, "img_scale": 640},), ({"prob": -1},)],
    "BioMedical3DRandomCrop": [({"crop_shape": (-2, -1, 0)},), ({"crop_shape": (4, 4)},)],
    "BioMedicalGaussianNoise": [({"prob": -1.5},), ({"prob": 0.5, "std": -1},)],
    "BioMedicalGaussianBlur": [({"prob": -1},), ({"prob_per_channel": -1},), ({"sigma_range": (0.3, 0.2, 0.1)},),
                               ({"sigma_range": 1.0},)],
    "BioMedicalRandomGamma": [({"prob": -1},), ({"prob": 1.5},), ({"gamma_range": 1.0},), ({"gamma_range": (1.0,)},),
                              ({"invert_image": 1},), ({"per_channel": 1},),
                              ({"retain_stats": 1},)],
    "BioMedical3DPad": [({"pad_shape": None},)],
    "BioMedical3DRandomFlip": [({"prob": 1.5, "axes": (0, 1)},), ({"prob": "a", "axes": (0, 1)},),
                               ({"prob": 0.5, "axes": (0, 3)},)],
    "PhotoMetricDistortion": [({"contrast_range": 1.0},)],
    "CenterCrop": [({"crop_size": -1},), ({"crop_size": "a"},), ({"crop_size": (1, 2, 3)},)],
    "RandomGrayscale": [({"prob": 2.0},), ({"color_format": "xyz"},)],
    "RandomResize": [({},)],
    "RandomChoiceResize": [({},), ({"scales": 0.5},)],
    "RandomChoice": [({"transforms": [[FLIP], [RESIZE]], "prob": [1.0]},)],
    "KeyMapper": [({"transforms": [RESIZE], "mapping": {"img": "none"}, "auto_remap": True}, "image"), ({"transforms":
                  [RESIZE], "mapping": {"img": "img2"}, "remapping": {"img": "out"}, "auto_remap": True},),
                  ({"transforms": [RESIZE], "auto_remap": True},)],
    "TransformBroadcaster": [({"transforms": [RESIZE], "mapping": {"img": "img"}, "auto_remap": True}, "image"),
                             ({"transforms": [RESIZE], "mapping": {"img": "images", "gt_seg_map": "labels"},
                               "auto_remap": True}, "list"), ({"transforms": [RESIZE], "mapping": {"img": ["img",
                             "none"]}, "auto_remap": True}, "image")],
    "LoadAnnotations": [({}, "gone")],
    "ResizeToMultiple": [({"size_divisor": "a"}, "image")],
    "SegRescale": [({"scale_factor": "a"}, "image")],
    "ResizeShortestEdge": [({"scale": 12},)],
    "RandomDepthMix": [({"prob": 1.0}, "image")],
}  # fmt: skip
#: ``class/number/path`` -> why Segue gives something else; docs/differences.md has each of them
DESIGNED: dict[str, str] = {
    "KeyMapper/bad 0": "no image is refused by Resize, which there does nothing",
    "Albu/*.keymap_*": "the map is kept as given",
    "Albu/[0-9].repr": "not given a text of its own",
    "Albu/*.img_shape*": "the size after the steps",
    "BioMedical3DPad/0.results*": "X is padded by X, labels too",
    "LoadBiomedical*/*.seg_fields": "labels are listed as what moves with the image",
    "RGB2Gray/*": "float32 and (H, W)",
    "Rerange/*.dtype": "float32",
    "RandomMosaic/*.*_shape": "(H, W)",
    "RandomRot*/*.img_shape*": "the size after the rotation",
    "LoadImageFromFile/5.error": "a DataError that names the file",
}


def observe(name: str, module: str) -> dict[str, Any]:
    """What a transform shows by each of its cases."""
    made_by = named(module, name)
    found: dict[str, Any] = {}
    for number, (arguments, kind, *draws) in enumerate(CASES[name]):
        found[str(number)] = tried(lambda: seen(made_by, arguments, kind, *draws))  # noqa: B023
    for number, (arguments, *kind) in enumerate(BAD.get(name, ())):
        found[f"bad {number}"] = tried(lambda: seen(made_by, arguments, *(kind or [None])))  # noqa: B023
    return found


def seen(made_by: Any, arguments: dict[str, Any], kind: str | None, draws: int = 1) -> dict[str, Any]:
    """Its text, its attributes, and its results."""
    step = made_by(**arguments)
    found: dict[str, Any] = {"repr": repr(step), "attributes": attributes(step)}
    if " object at 0x" in found["repr"]:
        del found["repr"]
    if kind is not None:
        found["results"] = []
        for seed in range(draws):
            seed_all(seed)
            made = step(INPUTS[kind]())
            made = {key: value for key, value in made.items() if key != "mix_results"} if made else made
            found["results"].append(look(made))
    return found
