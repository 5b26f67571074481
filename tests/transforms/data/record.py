"""Record what the reference's transforms do: run with mmseg 1.2.2 installed, ``python record.py``.

It writes reference.npz beside this file: the arrays ``<i>/img`` and ``<i>/seg`` and, under ``cases``, JSON with name,
arguments, seed, the other recorded keys and the next number of numpy's generator.
"""

import copy
import importlib.util
import json
import random
from pathlib import Path

import numpy as np
from mmseg.registry import TRANSFORMS
from mmseg.utils import register_all_modules

HERE = Path(__file__).parent
SCALES = ((44, 22), (23, 37), (30, 11), (26, 20))
CASES = [
    *(("Resize", {"scale": scale, "keep_ratio": keep}, 0) for scale in SCALES for keep in (True, False)),
    *(("Resize", {"scale": (25, 20), "interpolation": kind}, 0) for kind in ("nearest", "bicubic", "area", "lanczos")),
    ("Resize", {"scale": (25, 20), "backend": "pillow"}, 0),
    ("Resize", {"scale_factor": 0.37}, 0),
    ("Resize", {"scale_factor": (1.3, 0.9), "keep_ratio": True}, 0),
    *(("RandomResize", {"scale": (36, 18), "ratio_range": (0.5, 2.0), "keep_ratio": True}, s) for s in range(4)),
    *(("RandomResize", {"scale": [(36, 18), (40, 20)], "keep_ratio": False}, s) for s in range(2)),
    *(("RandomChoiceResize", {"scales": [(36, 18), (40, 20), (20, 20)], "keep_ratio": True}, s) for s in range(3)),
    ("RandomChoiceResize", {"scales": [24, 35, 20], "resize_type": "ResizeShortestEdge", "max_size": 45}, 1),
    ("ResizeShortestEdge", {"scale": (20, 20), "max_size": 100}, 0),
    ("ResizeShortestEdge", {"scale": (40, 35), "max_size": 45}, 0),
    ("ResizeToMultiple", {"size_divisor": 16}, 0),
    *(
        ("RandomCrop", {"crop_size": (12, 12), "cat_max_ratio": ratio}, s)
        for ratio in (1.0, 0.75, 0.3)
        for s in range(4)
    ),
    ("RandomCrop", {"crop_size": (12, 100), "cat_max_ratio": 0.75}, 0),
    *(("RandomFlip", {"prob": 0.5}, s) for s in range(4)),
    *(("RandomFlip", {"prob": 0.7, "direction": ["horizontal", "vertical", "diagonal"]}, s) for s in range(5)),
    *(("RandomFlip", {"prob": [0.3, 0.5], "direction": ["horizontal", "vertical"]}, s) for s in range(4)),
    ("RandomFlip", {"prob": 1.0, "swap_seg_labels": [(1, 2)]}, 0),
    *(("PhotoMetricDistortion", {}, s) for s in range(8)),
    ("Pad", {"size": (40, 30)}, 0),
    ("Pad", {"size_divisor": 16}, 0),
    ("Pad", {"pad_to_square": True, "size_divisor": 32}, 0),
    ("Pad", {"size": (50, 40), "pad_val": {"img": (1, 2, 3), "seg": 4}}, 0),
    *(("Pad", {"size": (40, 30), "padding_mode": mode}, 0) for mode in ("edge", "reflect", "symmetric")),
]
KEPT = ("scale", "scale_factor", "img_shape", "pad_shape", "flip", "flip_direction", "keep_ratio", "scale_idx")


def main() -> None:
    spec = importlib.util.spec_from_file_location("generated", HERE.parent / "conftest.py")
    generated = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generated)
    register_all_modules()
    arrays, described = {}, []
    for number, (name, arguments, seed) in enumerate(CASES):
        np.random.seed(seed)
        random.seed(seed)
        image, labels = generated.picture(), generated.label_map()
        step = TRANSFORMS.build({"type": name, **copy.deepcopy(arguments)})
        result = step({"img": image, "gt_seg_map": labels, "img_shape": image.shape[:2], "seg_fields": ["gt_seg_map"]})
        arrays[f"{number}/img"], arrays[f"{number}/seg"] = result["img"], result["gt_seg_map"]
        keys = {key: result[key] for key in KEPT if key in result}
        described.append({"name": name, "arguments": arguments, "seed": seed, "keys": keys, "next": np.random.rand()})
    text = json.dumps(described, default=int)
    np.savez_compressed(HERE / "reference.npz", cases=np.array(text), **arrays)


if __name__ == "__main__":
    main()
