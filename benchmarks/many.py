"""Many images and a video: what fails is named, memory stays flat, reading waits for writing.

    python benchmarks/many.py --images 2000 --damaged 10
    python benchmarks/many.py --images 10000
    python benchmarks/many.py --video 600
    python benchmarks/many.py --images 40 --model segformer_mit-b0_8xb2-160k_ade20k-512x512 --side 512

Images of mixed sizes and formats are drawn, some of them cut off, and ``segue predict`` is run on them in a process of
its own, whose resident memory is read as results appear. The share of drawing and writing is that of the processor time
of the threads that do it. The video goes through `Predictor.stream`, once as fast as it can and once with a reader that
rests after each result: how many frames were decoded ahead of it says whether the queues are bounded.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from street_scenes import street_labels  # noqa: E402

CONFIG = """
norm_cfg = dict(type='BN')
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True,
                           test_cfg=dict(size_divisor=32)),
    backbone=dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, norm_cfg=norm_cfg),
    decode_head=dict(type='FCNHead', in_channels=64, in_index=3, channels=16, num_convs=1, num_classes=19,
                     norm_cfg=norm_cfg),
    test_cfg=dict(mode='whole'))
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
"""
ENDINGS = (".jpg", ".png", ".bmp", ".webp", ".tif")


def picture(size: tuple[int, int], seed: int) -> np.ndarray:
    """(H, W, 3) uint8 of a drawn street."""
    draw = np.random.default_rng(seed)
    colors = draw.integers(0, 256, (256, 3), dtype=np.uint8)
    return cv2.resize(colors[street_labels(128, 256, draw)], size[::-1], interpolation=cv2.INTER_LINEAR)


def write_images(folder: Path, count: int, damaged: int, side: int) -> list[str]:
    """Files of mixed sizes and formats; the names of those that are cut off."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    bad = set(draw.choice(count, damaged, replace=False).tolist())
    names = []
    for number in range(count):
        size = tuple(int(side * draw.uniform(0.6, 1.4)) for _ in range(2))
        path = folder / f"{number:05d}{ENDINGS[number % len(ENDINGS)]}"
        if draw.random() < 0.1:  # of one band
            cv2.imwrite(str(path), picture(size, number % 50)[..., 0])
        else:
            cv2.imwrite(str(path), picture(size, number % 50))
        if number in bad:
            data = path.read_bytes()
            path.write_bytes(data[: len(data) // 3] if number % 2 else b"no image")
            names.append(path.name)
    return names


def resident(number: int) -> float:
    """MB in memory of a process."""
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0


def many(args: argparse.Namespace, folder: Path, model: list[str]) -> None:
    """Predict a folder by the command, and print what became of it."""
    bad = write_images(folder / "photos", args.images, args.damaged, args.side)
    out, table = folder / "seen", folder / "facts.json"
    command = [sys.executable, __file__, "--work", str(table), "--", "predict", *model, str(folder / "photos")]
    command += ["--out", str(out), "--batch-size", str(args.batch_size), "--save", args.save]
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    moments: list[tuple[int, float]] = []
    marks = [args.images * part // 10 for part in range(1, 10)]
    while process.poll() is None:
        done = sum(1 for entry in os.scandir(out)) // len(args.save.split(",")) if out.exists() else 0
        if marks and done >= marks[0]:
            moments.append((done, resident(process.pid)))
            marks = [mark for mark in marks if mark > done]
        time.sleep(0.2)
    seconds = time.perf_counter() - begin
    assert process.stderr is not None
    said = process.stderr.read()
    facts = json.loads(table.read_text())
    named = [name for name in bad if name in said]
    labels = len([path for path in out.glob("*.png") if "_" not in path.stem])
    print(f"{args.images} images of about {args.side} pixels, {args.damaged} damaged, {os.cpu_count()} cores")
    print(f"status {process.returncode}, {labels} results, {len(named)} of {len(bad)} damaged ones named")
    print(f"{seconds:.1f} s with start, {facts['cpu']:.1f} s of a processor; {args.images / seconds:.1f} images/s")
    print("memory in MB after so many results: " + ", ".join(f"{done}: {held:.0f}" for done, held in moments))
    share = facts["writing"] / facts["cpu"]
    print(f"drawing and writing: {share:.1%} of the processor time, {args.save}")
    if not bad:
        print(said.strip()[-500:])


def work(table: Path, command: list[str]) -> int:
    """Run the command with the time of its writers taken."""
    from segue.cli import main as run
    from segue.inference.outputs import Outputs

    spent: list[float] = []
    save = Outputs.save

    def timed(self: Outputs, *given: Any) -> Any:
        begin = time.thread_time()
        try:
            return save(self, *given)
        finally:
            spent.append(time.thread_time() - begin)

    Outputs.save = timed  # type: ignore[method-assign]
    begin = time.process_time()
    status = run(command)
    table.write_text(json.dumps({"cpu": time.process_time() - begin, "writing": sum(spent)}))
    return status


class Counted:
    """A video whose decoded frames are counted."""

    def __init__(self, path: Path) -> None:
        self.path, self.read = path, 0

    def __iter__(self) -> Iterator[np.ndarray]:
        capture = cv2.VideoCapture(str(self.path))
        with contextlib.closing(_Released(capture)):
            while (frame := capture.read())[0]:
                self.read += 1
                yield frame[1]


class _Released:
    def __init__(self, capture: cv2.VideoCapture) -> None:
        self.close = capture.release


def video(args: argparse.Namespace, folder: Path, model: list[str]) -> None:
    """Frames per second, and how far reading gets ahead of a slow reader."""
    import segue

    path = folder / "film.mp4"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (args.side * 2, args.side))
    still = picture((args.side, args.side * 2), 0)
    for number in range(args.video):
        film.write(np.roll(still, 4 * number, axis=1))
    film.release()
    predictor = segue.load(*model)
    predictor.predict(still, rgb=False)
    wall, cpu = time.perf_counter(), time.process_time()
    count = sum(1 for _ in predictor.stream(path, keep_logits=False, batch_size=args.batch_size))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{count} of {args.video} frames of {args.side * 2} x {args.side}: {count / wall:.1f} frames/s, {cpu:.1f} s cpu"
    )
    source, most, held = Counted(path), 0, []
    for number, _ in enumerate(predictor.stream(iter(source), rgb=False, batch_size=args.batch_size)):
        most = max(most, source.read - number)
        if number % max(1, args.video // 8) == 0:
            held.append(resident(os.getpid()))
        time.sleep(args.rest)
    print(f"a reader that rests {args.rest} s after each: at most {most} frames are decoded ahead of it; memory in MB")
    print("  at eight moments: " + ", ".join(f"{value:.0f}" for value in held))


def main() -> None:
    if "--work" in sys.argv[:2]:
        raise SystemExit(work(Path(sys.argv[2]), sys.argv[4:]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=0)
    parser.add_argument("--damaged", type=int, default=0)
    parser.add_argument("--video", type=int, default=0, help="frames of a video")
    parser.add_argument("--side", type=int, default=96, help="of the pictures, about")
    parser.add_argument("--rest", type=float, default=0.02, help="seconds that the slow reader rests")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--save", default="labels,overlay")
    parser.add_argument("--model", help="a recipe, with random weights; by default a small network")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        import torch

        from segue.config import Config
        from segue.config.builder.build import build_model
        from segue.recipes.open import read_config

        config = folder / "config.py"
        config.write_text(CONFIG)
        given = args.model or str(config)
        torch.manual_seed(0)
        cfg = read_config(args.model) if args.model else Config.fromfile(config)
        torch.save({"state_dict": build_model(cfg).state_dict()}, folder / "weights.pth")
        model = [given, str(folder / "weights.pth")]
        if args.images:
            many(args, folder, model)
        if args.video:
            video(args, folder, model)


if __name__ == "__main__":
    main()
