"""What the CRF does to borders, and how near its approximation is to the exact mean field.

    python benchmarks/crf.py --images IMAGES --labels LABELS --classes camvid --ignore-index 11
    python benchmarks/crf.py ... --config my_config.py --checkpoint last.ckpt

Held-out images are segmented without and with the CRF, and both are scored by boundary IoU. Without a checkpoint the
probabilities are made from the labels, as of a network with output stride 8, in one of two ways (--made): from the
classes' shares in blocks of 8 x 8 pixels, or from their logarithms, which are surer of themselves; with noise, enlarged
bilinearly. That says what the CRF can do about coarse borders, and nothing about a model. The error
is measured on the same probabilities at a size that has all pairs computed. Processor seconds of one thread.
"""

from __future__ import annotations

import argparse
import datetime
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from segue.images.read import read_image, write_png  # noqa: E402
from segue.inference.crf import CRF, crf_from  # noqa: E402
from segue.inference.load import load  # noqa: E402
from segue.masks.decode import read_mask  # noqa: E402
from segue.report.score import measure  # noqa: E402
from segue.report.scored_classes import settle  # noqa: E402
from segue.report.scored_files import Side, match  # noqa: E402

NEAR = (0.005, 0.02)  # of the diagonal


def degraded(labels: np.ndarray, classes: int, seed: int, made: str) -> torch.Tensor:
    """(C, H, W) probabilities of a network that sees in blocks of 8 pixels."""
    rng = np.random.default_rng(seed)
    height, width = labels.shape
    there = torch.from_numpy(np.stack([labels == k for k in range(classes)]).astype(np.float32))[None]
    blocks = torch.nn.functional.avg_pool2d(there, 8, ceil_mode=True)
    if made == "shares":
        blocks = 5 * (blocks + torch.from_numpy(rng.normal(0, 0.15, blocks.shape).astype(np.float32)))
    else:
        blocks = torch.log(0.97 * blocks / blocks.sum(1, keepdim=True).clamp(min=1e-3) + 0.03 / classes)
        blocks += torch.from_numpy(rng.normal(0, 0.7, blocks.shape).astype(np.float32))
    logits = torch.nn.functional.interpolate(blocks, size=(height, width), mode="bilinear", align_corners=False)[0]
    return torch.softmax(logits, dim=0)


class Recorder(CRF):
    """Hands the probabilities of a model out."""

    def __call__(self, probabilities: torch.Tensor, image: Any) -> torch.Tensor:
        object.__setattr__(self, "seen", probabilities.float())
        return probabilities


def all_probabilities(args: argparse.Namespace, files: list[Any], classes: int) -> Iterator[tuple[str, Any, Any]]:
    """Name, picture and probabilities of each held-out image."""
    predictor = load(args.config, args.checkpoint) if args.checkpoint else None
    for number, (name, image_file, label_file) in enumerate(files):
        picture = np.ascontiguousarray(read_image(image_file)[..., ::-1])
        if predictor is None:
            shares = degraded(read_mask(label_file), classes, number, args.made)
        else:
            recorder = Recorder()
            predictor.predict(image_file, crf=recorder)
            shares = recorder.seen  # type: ignore[attr-defined]
        yield name, picture, shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", required=True, help="folder of held-out images")
    parser.add_argument("--labels", required=True, help="folder of their labels")
    parser.add_argument("--classes", default="camvid")
    parser.add_argument("--ignore-index", type=int, default=255)
    parser.add_argument("--config", help="of a model, with --checkpoint")
    parser.add_argument("--checkpoint", help="weights of the model")
    parser.add_argument("--made", choices=("shares", "logits"), default="logits", help="how probabilities are made")
    parser.add_argument("--crf-options", nargs="+", default=[], metavar="KEY=VALUE")
    parser.add_argument("--every", type=int, default=1, help="take each n-th image")
    args = parser.parse_args()
    torch.set_num_threads(1)
    crf = crf_from(args.crf_options)
    files = match(args.images, args.labels).pairs[:: args.every]
    found = settle(args.classes, args.labels, match(args.labels, args.labels), args.ignore_index)
    seconds, errors = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, picture, shares) in enumerate(all_probabilities(args, files, len(found.names))):
            begin = time.process_time()
            refined = crf(shares, picture)
            seconds += time.process_time() - begin
            for side, values in (("before", shares), ("after", refined)):
                write_png(Path(folder, side, f"{Path(name).name}.png"), values.argmax(dim=0).numpy().astype(np.uint8))
            if number % max(1, len(files) // 8) == 0:
                errors.append(error_of(crf, shares, picture))
        rows = {}
        for side in ("before", "after"):
            pairs = match(Path(folder, side), args.labels)
            kept = type(pairs)([pair for pair in pairs.pairs if pair[1] is not None], [])
            sides = Side(found.names), Side(found.names, void=(args.ignore_index,))
            scores = [measure(kept, *sides, boundary=near, resamples=0).summary for near in NEAR]
            rows[side] = [scores[0]["aAcc"], scores[0]["mIoU"], *(score["boundary mIoU"] for score in scores)]
    of = (
        f"{Path(args.config).stem}, {Path(args.checkpoint).name}"
        if args.checkpoint
        else f"labels made coarse and noisy ({args.made})"
    )
    height, width = picture.shape[:2]
    mean, most, agree = np.mean(errors, axis=0)
    lines = [
        f"CRF on {len(files)} held-out images of {width} x {height}, {len(found.names)} classes; probabilities: {of};",
        f"{crf}", "",
        "| | aAcc | mIoU | boundary mIoU at 0.5 % | boundary mIoU at 2 % |", "|---|---|---|---|---|",
        *(f"| {side} | " + " | ".join(f"{value:.2f}" for value in row) + " |" for side, row in rows.items()), "",
        f"{seconds / len(files):.2f} s of one core per image.",
        f"Lattice against all pairs at 72 x 54 pixels ({len(errors)} images): probabilities differ by {mean:.4f} on",
        f"average and {most:.2f} at most, {agree:.2%} of the labels agree.",
    ]  # fmt: skip
    print("\n".join(lines))
    kind = "model" if args.checkpoint else args.made
    out = HERE / "results" / f"crf_{kind}-{datetime.date.today()}.md"
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def error_of(crf: CRF, shares: torch.Tensor, picture: np.ndarray) -> tuple[float, float, float]:
    """Mean and largest difference of probabilities, and the share of equal labels, on the image made small; widths in
    place shrink with it.
    """
    small = cv2.resize(picture, (72, 54), interpolation=cv2.INTER_AREA)
    shares = torch.nn.functional.interpolate(shares[None], size=(54, 72), mode="bilinear", antialias=True)[0]
    shares = shares / shares.sum(dim=0)
    scale = math.sqrt(picture.shape[0] * picture.shape[1] / 3888)
    settings = vars(crf) | {"sxy": crf.sxy / scale, "smooth_sxy": max(1.0, crf.smooth_sxy / scale)}
    exact, near = (CRF(**settings | {"method": method})(shares, small) for method in ("exact", "lattice"))
    difference = (exact - near).abs()
    agree = (exact.argmax(dim=0) == near.argmax(dim=0)).float().mean()
    return float(difference.mean()), float(difference.max()), float(agree)


if __name__ == "__main__":
    main()
