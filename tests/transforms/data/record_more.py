"""As record.py, for transforms that need more than a picture: ``python record_more.py`` with mmseg 1.2.2 installed.

It writes more.npz beside this file: the arrays ``<i>/<key>`` of the result and, under ``cases``, JSON with name,
arguments, seed, the kind of sample, and the next numbers of numpy's and Python's generators. The test builds its
samples by ``samples`` too.
"""

import copy
import json
import random
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
KEPT = ("img", "gt_seg_map", "gt_edge_map", "gt_depth_map", "img2")
CASES = [
    ("Normalize", {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "to_rgb": True}, 0, "picture"),
    ("Normalize", {"mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0], "to_rgb": False}, 0, "float"),
    ("Rerange", {}, 0, "picture"),
    ("Rerange", {"min_value": -1, "max_value": 1.5}, 0, "float"),
    ("CLAHE", {}, 0, "picture"),
    ("CLAHE", {"clip_limit": 2.0, "tile_grid_size": (3, 4)}, 0, "picture"),
    ("RGB2Gray", {}, 0, "picture"),
    ("RGB2Gray", {"out_channels": 1, "weights": (0.2, 0.3, 0.5)}, 0, "float"),
    ("AdjustGamma", {"gamma": 1.7}, 0, "picture"),
    ("AdjustGamma", {"gamma": 0.4}, 0, "picture"),
    ("SegRescale", {"scale_factor": 0.37}, 0, "picture"),
    ("GenerateEdge", {"edge_width": 4}, 0, "picture"),
    ("GenerateEdge", {"edge_width": 1, "ignore_index": 0}, 0, "picture"),
    *(
        ("RandomCutOut", {"prob": 0.7, "n_holes": (1, 3), "cutout_shape": [(4, 4), (9, 5)]}, s, "picture")
        for s in range(4)
    ),
    (
        "RandomCutOut",
        {"prob": 1.0, "n_holes": 2, "cutout_ratio": (0.3, 0.2), "fill_in": (1, 2, 3), "seg_fill_in": 9},
        0,
        "picture",
    ),
    *(("RandomRotFlip", {"rotate_prob": 0.0, "flip_prob": 0.8}, s, "picture") for s in range(5)),
    *(("RandomRotFlip", {"rotate_prob": 0.8}, s, "unlabeled") for s in range(3)),
    *(("CenterCrop", {"crop_size": size}, 0, "picture") for size in ((10, 13), (40, 9), 100)),
    ("CenterCrop", {"crop_size": (31, 15), "auto_pad": True, "pad_cfg": {"type": "Pad", "pad_val": 7}}, 0, "picture"),
    *(("RandomGrayscale", {"prob": 0.6, "keep_channels": True}, s, "picture") for s in range(3)),
    ("RandomGrayscale", {"prob": 1.0, "channel_weights": [1.0, 2.0, 3.0], "color_format": "hsv"}, 0, "picture"),
    *(("RandomDepthMix", {"prob": 0.6}, s, "depth") for s in range(4)),
    ("RandomDepthMix", {"prob": 1.0, "mix_scale_ratio": 0.3}, 2, "depth"),
    *(("RandomMosaic", {"prob": 0.8, "img_scale": (24, 30)}, s, "four") for s in range(4)),
    ("RandomMosaic", {"prob": 1.0, "img_scale": (10, 10), "pad_val": 3, "seg_pad_val": 4}, 1, "four"),
    ("ConcatCDInput", {}, 0, "pair"),
    ("BioMedical3DRandomCrop", {"crop_shape": (3, 8, 9), "keep_foreground": False}, 0, "volume"),
    ("BioMedical3DRandomCrop", {"crop_shape": 6, "keep_foreground": False}, 1, "volume"),
    ("BioMedical3DPad", {"pad_shape": (8, 16, 15), "pad_val": 2.0}, 0, "voxels"),
    *(("BioMedical3DRandomFlip", {"prob": 0.6, "axes": (0, 1, 2)}, s, "volume") for s in range(3)),
    ("BioMedical3DRandomFlip", {"prob": 1.0, "axes": (1,), "swap_label_pairs": [(1, 2)]}, 0, "volume"),
    *(("BioMedicalGaussianNoise", {"prob": 0.7, "mean": 0.5, "std": 2.0}, s, "volume") for s in range(3)),
    *(("BioMedicalGaussianBlur", {"prob": 0.8, "different_sigma_per_axis": s != 1}, s, "volume") for s in range(3)),
    (
        "BioMedicalGaussianBlur",
        {"prob": 1.0, "prob_per_channel": 1.0, "different_sigma_per_channel": False},
        0,
        "volume",
    ),
    *(
        ("BioMedicalRandomGamma", {"prob": 0.9, "retain_stats": s > 1, "invert_image": s == 1}, s, "volume")
        for s in range(4)
    ),
    ("BioMedicalRandomGamma", {"prob": 1.0, "gamma_range": (1.2, 2.0)}, 5, "volume"),
]


def samples(kind: str) -> dict:
    """A generated sample of a kind that CASES names."""
    y, x = np.mgrid[0:20, 0:26]

    def picture(shift: int) -> np.ndarray:
        return np.stack([(x * 7 + y * 3 + (k + shift) * 31 + (x * y) // 5) % 256 for k in range(3)], -1).astype(
            np.uint8
        )

    labels = ((x // 5 + y // 7) % 5).astype(np.uint8)
    labels[:2] = 255
    if kind in ("volume", "voxels"):
        z, y, x = np.mgrid[0:5, 0:12, 0:12]
        volume = np.stack([np.sin(x + 2 * y + z * (k + 1)) * 40 + x * y for k in range(2)]).astype(np.float32)
        boxes = ((x // 4 + y // 3 + z) % 3).astype(np.uint8)
        return {"img": volume, "gt_seg_map": None if kind == "voxels" else boxes, "img_path": "generated.nii"}
    sample = {"img": picture(0), "gt_seg_map": labels, "img_shape": (20, 26), "seg_fields": ["gt_seg_map"]}
    if kind == "float":
        sample["img"] = sample["img"].astype(np.float32) * np.float32(1.7) - 20
    if kind == "unlabeled":
        del sample["gt_seg_map"]
        sample["seg_fields"] = []
    if kind == "depth":
        sample["gt_depth_map"] = ((x * 37 + y * 91) % 5000).astype(np.float32) * np.float32(0.001)
        sample["depth_rescale_factor"] = 0.001
    if kind == "pair":
        sample["img2"] = picture(2)
    if kind == "four":
        sizes = ((20, 26), (11, 26), (20, 9))
        sample["mix_results"] = [
            {"img": picture(i + 1)[:h, :w].copy(), "gt_seg_map": labels[:h, :w].copy()}
            for i, (h, w) in enumerate(sizes)
        ]
    return sample


def main() -> None:
    from mmseg.registry import TRANSFORMS
    from mmseg.utils import register_all_modules

    register_all_modules()
    arrays, described = {}, []
    for number, (name, arguments, seed, kind) in enumerate(CASES):
        np.random.seed(seed)
        random.seed(seed)
        result = TRANSFORMS.build({"type": name, **copy.deepcopy(arguments)})(samples(kind))
        for key in KEPT:
            if result.get(key) is not None:
                value = result[key]
                arrays[f"{number}/{key}"] = value.astype(np.float32) if value.dtype == np.float64 else value
        next_numbers = [np.random.rand(), random.random()]
        described.append({"name": name, "arguments": arguments, "seed": seed, "kind": kind, "next": next_numbers})
    np.savez_compressed(HERE / "more.npz", cases=np.array(json.dumps(described)), **arrays)


if __name__ == "__main__":
    main()
