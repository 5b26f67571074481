"""Prediction: Segue and mmseg 1.2.2 in one run, in turns, with the same weights and images.

    python benchmarks/inference.py --reference MMSEG_VENV/bin/python
    python benchmarks/inference.py --reference MMSEG_VENV/bin/python --only SegFormer --rounds 7
    python benchmarks/inference.py --reference MMSEG_VENV/bin/python --engine openvino --precision bf16

Each side runs in a process of its own. Models of mmseg's configs get random weights whose logits are spread out, so
that labels have borders as those of trained ones have. Measured is what lies between pixels in memory and labels; for
many images, between files and files. The MiB are what a process held at most above what it held with its model loaded.
The reference's virtual environment needs mmsegmentation 1.2.2, mmengine 0.10.7 and mmcv or mmcv-lite 2.1.0. A table is
printed, and written to benchmarks/results/ with the date. The IoU update has benchmarks/iou_update.py.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sides import Side, processor, serve, without_operators

HERE = Path(__file__).parent
OCRNET = "ocrnet_hr18_4xb2-160k_cityscapes-512x1024"
PSPNET = "pspnet_r50-d8_4xb2-40k_cityscapes-512x1024"
SEGFORMER = "segformer_mit-b0_8xb2-160k_ade20k-512x512"
#: images that the reference's inferencer is handed at once
CALL = 20
WINDOWED = "pspnet_r18-d8_4xb2-80k_cityscapes-769x769"


@dataclass(frozen=True)
class Case:
    """A row: ``kind`` is model, decision (from a head's logits to labels) or files; ``size`` that of the network's
    input, ``original`` that of the labels.
    """

    title: str
    kind: str
    config: str
    size: tuple[int, int]
    target: float | None
    original: tuple[int, int] | None = None
    images: int = 1
    engine_target: float | None = None


CASES = (
    Case("OCRNet-HR18 512x1024", "model", OCRNET, (512, 1024), 1.4, engine_target=2.2),
    Case("PSPNet-R50-d8 512x1024", "model", PSPNET, (512, 1024), 1.15, engine_target=1.4),
    Case("SegFormer-B0 512x512", "model", SEGFORMER, (512, 512), 1.35, engine_target=1.8),
    Case("150 classes, logits to labels of 1024x2048", "decision", SEGFORMER, (512, 1024), 3.0, (1024, 2048)),
    Case("SegFormer-B0, labels of 1024x2048", "model", SEGFORMER, (512, 1024), None, (1024, 2048)),
    Case("windows of 769 over 1024x2048", "model", WINDOWED, (1024, 2048), 1.5),
    Case("200 mixed images, files to files", "files", SEGFORMER, (512, 512), 2.0, None, 200),
)


def shrunk(case: Case) -> Case:
    """A trial of the script itself."""

    def less(size: tuple[int, int]) -> tuple[int, int]:
        return size if "windows" in case.title else (size[0] // 8, size[1] // 8)

    original = None if case.original is None else less(case.original)
    return Case(case.title, case.kind, case.config, less(case.size), None, original, min(case.images, 4))


def photograph(size: tuple[int, int], seed: int = 0) -> Any:
    """(H, W, 3) uint8 with regions and borders as streets have them."""
    import cv2
    import numpy as np

    sys.path.insert(0, str(HERE))
    from street_scenes import street_labels

    draw = np.random.default_rng(seed)
    labels = street_labels(512, 1024, draw)
    colors = draw.integers(0, 256, (256, 3), dtype=np.uint8)
    picture = cv2.resize(colors[labels], size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(picture.astype(int) + draw.integers(-12, 13, picture.shape), 0, 255).astype(np.uint8)


def coarse_logits(case: Case) -> Any:
    """(1, K, h, w): a class leads in each region, by much within and by little at its borders."""
    import torch

    height, width = case.size[0] // 4, case.size[1] // 4
    regions = torch.randn(1, 150, 9, 17, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(regions * 5, size=(height, width), mode="bicubic")
    return smooth + 0.2 * torch.randn(smooth.shape, generator=torch.Generator().manual_seed(1))


def write_weights(case: Case, path: Path) -> None:
    """Weights for both sides, whose logits of a picture have mean 0 and deviation 1 in every class."""
    sys.path.insert(0, str(HERE.parent))
    import torch

    from segue.config.builder.build import build_model
    from segue.recipes.open import read_config

    torch.manual_seed(0)
    model: Any = build_model(read_config(case.config, ["model.pretrained=None", "model.backbone.init_cfg=None"])).eval()
    image = torch.from_numpy(photograph(case.size)).permute(2, 0, 1)[:, :512, :1024].float()
    with torch.inference_mode():
        logits = model.coarse((image[None] - 120) / 60)[0]
        last = model.head.conv_seg
        spread = logits.std(dim=(1, 2)).clamp_min(1e-6)
        last.weight.div_(spread[:, None, None, None])
        last.bias.copy_((last.bias - logits.mean(dim=(1, 2))) / spread)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    names = [f"class_{i}" for i in range(model.num_classes)]
    meta = {"dataset_meta": {"classes": names, "palette": [[i, i, 255 - i] for i in range(len(names))]}}
    torch.save({"state_dict": state, "meta": meta}, path)


def segue_side(case: Case, data: Path, engine: str, precision: str) -> Callable[[], Any]:
    sys.path.insert(0, str(HERE.parent))
    import torch

    import segue
    from segue.inference.logits import Held, Resized
    from segue.inference.segment import decided, label_maps
    from segue.inference.write import write_all
    from segue.types import SegSample

    predictor = segue.load(case.config, data / "weights.pth", engine=engine, precision=precision)
    if case.kind == "files":
        photos = sorted((data / "photos").iterdir())
        predictor.predict(photos[0])
        return lambda: write_all(predictor, photos, data / "segue", batch_size=4)
    original = case.original or case.size
    if case.kind == "decision":
        coarse = coarse_logits(case)[0]

        def decide() -> Any:
            with torch.inference_mode():
                inner = Resized(Held(coarse), case.size, False)
                return decided(predictor.model, [Resized(inner, original, False)])

        return decide
    image = torch.from_numpy(photograph(case.size)).permute(2, 0, 1).contiguous()
    batch = {"inputs": [image], "data_samples": [SegSample({"ori_shape": original, "img_shape": case.size})]}

    def predict() -> Any:
        with torch.inference_mode():
            return label_maps(predictor.model, batch)[0]

    return predict


def reference_side(case: Case, data: Path) -> Callable[[], Any]:
    import warnings

    without_operators()
    warnings.simplefilter("ignore")
    import mmseg
    import torch
    from mmseg.apis import MMSegInferencer, init_model
    from mmseg.structures import SegDataSample

    configs = Path(mmseg.__file__).parent / ".mim" / "configs"
    config, weights = str(next(configs.rglob(f"{case.config}.py"))), str(data / "weights.pth")
    if case.kind == "files":
        inferencer = MMSegInferencer(config, weights, device="cpu", dataset_name="ade20k")
        photos = [str(path) for path in sorted((data / "photos").iterdir())]
        inferencer(photos[0])  # the first pass is slower on both sides

        def files() -> None:
            # it keeps the logits of all images of a call, so that 200 of them at once take more than 24 GiB
            for first in range(0, len(photos), CALL):
                inferencer(photos[first : first + CALL], out_dir=str(data / "mmseg" / f"{first:04d}"))

        return files
    model = init_model(config, weights, device="cpu")
    original = case.original or case.size
    sample = SegDataSample()
    sample.set_metainfo({"ori_shape": original, "img_shape": case.size, "pad_shape": case.size})
    if case.kind == "decision":
        coarse = coarse_logits(case)

        def decide() -> Any:
            with torch.no_grad():
                sample.set_metainfo({"padding_size": [0, 0, 0, 0]})
                whole = model.decode_head.predict_by_feat(coarse, [sample.metainfo])
                return model.postprocess_result(whole, [sample])[0].pred_sem_seg.data[0]

        return decide
    image = torch.from_numpy(photograph(case.size)).permute(2, 0, 1).contiguous()

    def predict() -> Any:
        with torch.no_grad():
            return model.test_step({"inputs": [image], "data_samples": [sample]})[0].pred_sem_seg.data[0]

    return predict


def serve_side(side: str, case: Case, data: Path, engine: str, precision: str) -> None:
    """Run once for each line on standard input; the last labels are kept."""
    import torch

    def keep(found: Any) -> dict[str, Any]:
        if isinstance(found, torch.Tensor):
            torch.save(found.to(torch.int16), data / f"{side}.pt")
        return {}

    serve(reference_side(case, data) if side == "mmseg" else segue_side(case, data, engine, precision), keep)


def started(python: str, side: str, number: int, args: argparse.Namespace, data: Path) -> Side:
    """A process that runs one side of a case."""
    command = [python, __file__, "--side", side, "--case", str(number), "--data", str(data)]
    return Side([*command, "--engine", args.engine, "--precision", args.precision, *(["--tiny"] if args.tiny else [])])


def measure(number: int, args: argparse.Namespace) -> dict[str, Any]:
    case = shrunk(CASES[number]) if args.tiny else CASES[number]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        write_weights(case, data / "weights.pth")
        if case.kind == "files":
            write_photographs(case, data / "photos")
        if args.engine != "torch":  # its file is made in another process than the measured one
            started(sys.executable, "segue", number, args, data).close()
        sides = [
            started(sys.executable, "segue", number, args, data),
            started(args.reference, "mmseg", number, args, data),
        ]
        rounds = 1 if case.kind == "files" else args.rounds
        for turn in range(-args.warm_up, rounds):
            for side in sides if turn % 2 == 0 else reversed(sides):
                if turn >= 0 or case.kind != "files":
                    side.run(turn >= 0)
        for side in sides:
            side.close()
        ours, theirs = sides
        agree = agreement(case, data)
    ratios = [their / our for their, our in zip(theirs.walls, ours.walls, strict=True)]
    return {
        "case": case.title,
        "target": case.target if args.engine == "torch" else case.engine_target,
        "mmseg_s": statistics.median(theirs.walls),
        "segue_s": statistics.median(ours.walls),
        "ratio": statistics.median(ratios),
        "ratio_cpu": statistics.median(theirs.cpus) / statistics.median(ours.cpus),
        "mmseg_mib": theirs.mib,
        "segue_mib": ours.mib,
        "agreement": agree,
        "torch": [theirs.torch, ours.torch],
    }


def write_photographs(case: Case, folder: Path) -> None:
    import cv2
    import numpy as np

    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(case.images):
        height, width = (int(side * draw.uniform(0.6, 1.4)) for side in case.size)
        cv2.imwrite(str(folder / f"{number:04d}.{'jpg' if number % 2 else 'png'}"), photograph((height, width), number))


def agreement(case: Case, data: Path) -> float:
    """Share of pixels with one label on both sides; of files, over all of them."""
    import cv2
    import numpy as np
    import torch

    if case.kind != "files":
        ours, theirs = (torch.load(data / f"{side}.pt") for side in ("segue", "mmseg"))
        return float((ours == theirs).double().mean())
    shares = []
    written = sorted((data / "mmseg").glob("*/pred/*"))
    for path, other in zip(sorted((data / "photos").iterdir()), written, strict=True):
        ours = cv2.imread(str(data / "segue" / f"{path.stem}.png"), cv2.IMREAD_UNCHANGED)
        theirs = cv2.imread(str(other), cv2.IMREAD_UNCHANGED)
        shares.append(float(np.mean(ours == theirs)) if ours.shape == theirs.shape else 0.0)
    return statistics.mean(shares)


def show(results: list[dict[str, Any]], args: argparse.Namespace) -> str:
    from rich.console import Console
    from rich.table import Table

    heads = ["work", "mmseg s", "Segue s", "ratio", "ratio (CPU time)", "target", "mmseg MiB", "Segue MiB", "equal"]
    rows = [
        [
            one["case"],
            f"{one['mmseg_s']:.3f}",
            f"{one['segue_s']:.3f}",
            f"{one['ratio']:.2f}",
            f"{one['ratio_cpu']:.2f}",
            "" if one["target"] is None else f">= {one['target']}",
            f"{one['mmseg_mib']:.0f}",
            f"{one['segue_mib']:.0f}",
            f"{one['agreement']:.5%}",
        ]
        for one in results
    ]
    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    theirs, ours = results[0]["torch"]
    notes = (
        f"{datetime.date.today().isoformat()}, {processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}; torch {ours}, mmseg's {theirs}; medians of {args.rounds} rounds in "
        f"turns; Segue with {args.engine} in {args.precision}. Ratios are of each round; MiB are above the loaded "
        "model; equal is the share of pixels with one label."
    )
    console = Console(width=160)
    console.print(table)
    console.print(notes, highlight=False)
    lines = ["| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]]
    return "\n".join(["# Prediction against mmseg 1.2.2", "", *lines, "", notes]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", help="the Python of a virtual environment with mmseg 1.2.2")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=5, help="of each row but the one of many images")
    parser.add_argument("--warm-up", type=int, default=2, help="rounds that do not count")
    parser.add_argument("--engine", default="torch", help="of Segue: torch, onnxruntime or openvino")
    parser.add_argument("--precision", default="fp32", help="of Segue: fp32, bf16 or fp16")
    parser.add_argument("--tiny", action="store_true", help="small sizes, to try the script; nothing is written")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for the table")
    parser.add_argument("--side", help=argparse.SUPPRESS)  # of the processes that this script starts
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        case = shrunk(CASES[args.case]) if args.tiny else CASES[args.case]
        serve_side(args.side, case, args.data, args.engine, args.precision)
        return
    if not args.reference:
        parser.error("--reference is needed")
    results = []
    for number, case in enumerate(CASES):
        if args.only in case.title:
            print(f"{case.title} ...", file=sys.stderr, flush=True)
            results.append(measure(number, args))
    if not results:
        parser.error(f"no row's name contains {args.only!r}: {', '.join(case.title for case in CASES)}")
    text = show(results, args)
    if not args.tiny:
        args.results.mkdir(parents=True, exist_ok=True)
        how = "" if (args.engine, args.precision) == ("torch", "fp32") else f"-{args.engine}-{args.precision}"
        path = args.results / f"inference{how}-{datetime.date.today().isoformat()}"
        path.with_suffix(".md").write_text(text, encoding="utf-8")
        path.with_suffix(".json").write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
