"""Time and memory of a scene that is larger than memory.

    python benchmarks/scenes.py --size 20000
    python benchmarks/scenes.py --size 20000 --model segformer_mit-b0_8xb2-160k_cityscapes-1024x1024
    python benchmarks/scenes.py --size 100000 --sparse --nodata
    python benchmarks/scenes.py --size 20000 --block 4 --kill 3 --shards 2 --ray --tilings

A GeoTIFF of three bands is made, in tiles, and segmented into 19 classes by a process of its own, whose peak resident
memory is read at its end, beside what it was when the model had seen one tile. Without a recipe the network is one
convolution of 8 x 8 with stride 8, so that what is measured is everything else. With --sparse only a corner of the
scene is in the file, which GDAL reads as zeros elsewhere; all of it is predicted, or with --nodata read, found to be
empty, and written as such.

--kill ends the process so many times, each after its share of the blocks, and starts it again. --shards has so many
processes share the blocks out. --ray has a local Ray cluster compute them, one of whose workers is killed half way.
Each of these results must have the same bytes as one that was left alone. --tilings predicts the scene by tiles of
another size, and prints on how many pixels farther than a tile's overlap from the border both agree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from segue.config import Config  # noqa: E402
from segue.inference.load import load  # noqa: E402
from segue.inference.predictor import Predictor  # noqa: E402
from segue.inference.scenes import run  # noqa: E402
from segue.inference.scenes.network import Network  # noqa: E402
from segue.inference.scenes.settings import Settings  # noqa: E402
from segue.inference.scenes.write import gdal  # noqa: E402
from segue.models.seg_data_preprocessor import SegDataPreProcessor  # noqa: E402

CLASSES = 19


class Plain(torch.nn.Module):
    """One convolution."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = torch.nn.Conv2d(3, CLASSES, 8, stride=8)
        self.data_preprocessor = SegDataPreProcessor(mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True)
        self.head, self.test = SimpleNamespace(align_corners=False), SimpleNamespace(mode="whole")
        self.num_classes = CLASSES

    def encode_decode(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits at an eighth."""
        return self.backbone(inputs)


def predictor(recipe: str | None) -> Predictor:
    """The model, with random weights."""
    if recipe is not None:
        return load(recipe)
    pipeline = [{"type": "LoadImageFromFile"}, {"type": "PackSegInputs"}]
    names = [f"class {i}" for i in range(CLASSES)]
    palette = [[i * 13, 255 - i * 13, i] for i in range(CLASSES)]
    return Predictor(Plain(), Config({"model": {"type": "Plain"}, "test_pipeline": pipeline}), names, palette)


def make_scene(path: Path, size: int, sparse: bool, nodata: int | None = None) -> None:
    """A tiled GeoTIFF of waves and noise, row of tiles by row of tiles."""
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 3, "dtype": "uint8", "photometric": "RGB"}
    profile |= {
        "nodata": nodata,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "interleave": "pixel",
        "bigtiff": "IF_SAFER",
    }
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 60, (3, 512, size), np.uint8)
    side = min(size, 4096) if sparse else size
    with gdal() as rasterio:
        place = {"crs": "EPSG:32632", "transform": rasterio.Affine(0.5, 0, 7e5, 0, -0.5, 5e6), "sparse_ok": True}
        with rasterio.open(path, "w", **profile, **place) as file:
            for top in range(0, side, 512):
                rows = min(512, side - top)
                y, x = np.mgrid[top : top + rows, 0:side].astype(np.float32)
                wave = np.stack([np.sin(x / 97) * np.cos(y / 61), np.sin((x + y) / 150), np.cos(x / 40 - y / 130)])
                pixels = ((wave + 1) * 90).astype(np.uint8) + noise[:, :rows, :side]
                file.write(pixels, window=((top, top + rows), (0, side)))


def peak() -> float:
    """Peak resident memory of this process in GB; on Linux without what the one that started it held."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def work(args: argparse.Namespace) -> None:
    """What the process of its own does: predict, and print what it took."""
    model = predictor(args.model)
    settings = Settings(args.tile, args.overlap, args.blend, batch_size=args.batch_size, block=args.block)
    with torch.inference_mode():
        Network(model).warm((args.tile, args.tile), args.batch_size)
    before, begin = peak(), time.perf_counter()
    shard = None if args.share is None else (args.share, args.shards)
    where = "local" if args.ray else None
    result = run.predict_scenes(model, [args.scene], args.out, settings, shard=shard, ray=where)
    seconds = time.perf_counter() - begin
    facts = {"before": before, "peak": peak(), "total": seconds, "blocks": result.blocks, "computed": result.computed}
    print(json.dumps(facts | {"seconds": result.seconds, "megabytes": result.read_bytes / 1e6}))


def main() -> None:
    """Make the scene, predict it, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4000, help="side of the scene in pixels")
    parser.add_argument("--model", help="a recipe; by default one convolution")
    parser.add_argument("--tile", type=int, default=1024)
    parser.add_argument("--overlap", type=int, default=128)
    parser.add_argument("--blend", default="gaussian")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--block", type=int)
    parser.add_argument("--sparse", action="store_true", help="only a corner of the scene is in the file")
    parser.add_argument("--nodata", action="store_true", help="zeros are no data: of --sparse, all but the corner")
    parser.add_argument("--kill", type=int, default=0, help="times that the process is ended half way")
    parser.add_argument("--shards", type=int, default=0, help="processes that share the blocks out")
    parser.add_argument(
        "--ray", action="store_true", help="compute on a local Ray cluster, and kill one of its workers"
    )
    parser.add_argument("--tilings", action="store_true", help="compare with tiles of three quarters the size")
    parser.add_argument("--folder", type=Path, help="where scene and result are, and stay")
    parser.add_argument("--scene", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.scene is not None:
        work(args)
        return
    with tempfile.TemporaryDirectory() as own:
        folder = args.folder or Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        scene = folder / "scene.tif"
        make_scene(scene, args.size, args.sparse, 0 if args.nodata else None)
        seen = folder / "seen.tif"
        facts = measured(args, scene, seen)
        blocks = facts["blocks"]
        print(f"scene {args.size} x {args.size} x 3, {CLASSES} classes, {blocks} blocks, {os.cpu_count()} cores")
        print(f"{args.model or 'one convolution'}, tile {args.tile}, overlap {args.overlap}, {args.blend}")
        rate = facts["megabytes"] / facts["seconds"]
        print(f"blocks {facts['seconds']:.1f} s, {rate:.1f} MB/s; with the GeoTIFF {facts['total']:.1f} s")
        print(f"peak memory {facts['peak']:.2f} GB, with the model alone {facts['before']:.2f} GB", flush=True)
        with gdal() as rasterio, rasterio.open(seen) as file:
            print(f"rasterio: {file.driver}, {file.crs}, {file.width} x {file.height}, overviews {file.overviews(1)}")
        again = folder / "again.tif"
        if args.kill:
            for count in range(args.kill):
                kill_half_way(args, scene, again, blocks * (count + 1) // (args.kill + 1))
            found = measured(args, scene, again)
            compare(f"killed {args.kill} times, {found['computed']} blocks were left", again, seen)
        if args.shards:
            started = [
                start(args, scene, again, "--share", i, "--shards", args.shards) for i in range(1, args.shards + 1)
            ]
            statuses = [process.wait() for process in started]
            found = measured(args, scene, again)
            text = f"{args.shards} shards at once (statuses {statuses}), then {found['computed']} blocks"
            compare(text, again, seen)
        if args.ray:
            process = start(args, scene, again, "--ray")
            killed = kill_worker(process, again, blocks // 2)
            compare(f"Ray, its worker {killed} killed half way, status {process.wait()}", again, seen)
        if args.tilings:
            other = argparse.Namespace(**vars(args) | {"tile": args.tile * 3 // 4})
            measured(other, scene, again)
            share = agreement(seen, again, args.overlap)
            print(f"tiles of {args.tile} and of {other.tile} agree on {share:.3%} of the pixels", flush=True)


def compare(text: str, again: Path, seen: Path) -> None:
    """Print whether two results have the same bytes, and remove the second."""
    print(f"{text}; bytes equal: {digest(again) == digest(seen)}", flush=True)
    again.unlink()


def agreement(seen: Path, again: Path, border: int) -> float:
    """Share of pixels with one label, but for a border of so many pixels."""
    equal = count = 0
    with gdal() as rasterio, rasterio.open(seen) as one, rasterio.open(again) as other:
        for top in range(border, one.height - border, 512):
            place = ((top, min(top + 512, one.height - border)), (border, one.width - border))
            same = one.read(1, window=place) == other.read(1, window=place)
            equal, count = equal + int(same.sum()), count + same.size
    return equal / count


def start(args: argparse.Namespace, scene: Path, out: Path, *more: object) -> subprocess.Popen[bytes]:
    """The process of its own, under way."""
    return subprocess.Popen(command(args, scene, out) + [str(part) for part in more], stdout=subprocess.DEVNULL)


def command(args: argparse.Namespace, scene: Path, out: Path) -> list[str]:
    """What starts the process of its own."""
    given = {"--scene": scene, "--out": out, "--tile": args.tile, "--overlap": args.overlap, "--blend": args.blend}
    given |= {"--batch-size": args.batch_size, "--block": args.block, "--model": args.model}
    options = [str(part) for name, value in given.items() if value is not None for part in (name, value)]
    return [sys.executable, __file__, *options]


def measured(args: argparse.Namespace, scene: Path, out: Path) -> dict[str, Any]:
    """Run it to its end."""
    done = subprocess.run(command(args, scene, out), check=True, stdout=subprocess.PIPE, text=True)
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def wait_for(process: subprocess.Popen[bytes], out: Path, count: int) -> None:
    """Until so many blocks are there, or the process has ended."""
    blocks = out.with_name(out.name + ".blocks")
    while process.poll() is None and len(list(blocks.rglob("labels_*.tif"))) < count:
        time.sleep(0.02)


def kill_half_way(args: argparse.Namespace, scene: Path, out: Path, count: int) -> None:
    """Kill it when so many blocks are there."""
    process = start(args, scene, out)
    wait_for(process, out, count)
    process.kill()
    process.wait()


def kill_worker(process: subprocess.Popen[bytes], out: Path, count: int) -> int | None:
    """Kill a process of the cluster that computes a block, when so many are there; its number, if there was one."""
    wait_for(process, out, count)
    while process.poll() is None:
        for place in Path("/proc").iterdir():
            if place.name.isdigit() and _is_worker_of(int(place.name), process.pid):
                os.kill(int(place.name), signal.SIGKILL)
                return int(place.name)
        time.sleep(0.02)
    return None


def _is_worker_of(number: int, owner: int) -> bool:
    """Whether a process computes a block, in the cluster that ``owner`` started."""
    try:
        if not Path(f"/proc/{number}/cmdline").read_bytes().startswith(b"ray::_block"):
            return False
        while number > 1:
            number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
            if number == owner:
                return True
    except OSError:  # it has ended
        pass
    return False


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            found.update(part)
    return found.hexdigest()


if __name__ == "__main__":
    main()
