"""How long a dataset of a million listed pairs takes to start, and what its list costs in memory with 8 workers.

    python benchmarks/startup.py

Empty files are made in a temporary folder (or in --folder, where they stay for the next time). The memory is the
proportional share (PSS, so that what processes share counts once) of this process and its workers after each has read
every entry of the list, less the same sum with a list of one pair. Linux only. The result is printed and written to
benchmarks/results/ with the date.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SUFFIXES = {"images": "_leftImg8bit.png", "labels": "_gtFine_labelTrainIds.png"}
#: how the pairs are found: a text file of stems, or the folders themselves, or two folders of which nothing is known
WAYS = ("ann_file", "folders", "FolderDataset")


def make_files(root: Path, pairs: int) -> None:
    """As Cityscapes names them, a thousand to a folder."""
    stems = [f"town{i // 1000:04d}/town{i // 1000:04d}_{i % 1000:06d}_000019" for i in range(pairs)]
    for part, suffix in SUFFIXES.items():
        for town in sorted({stem.split("/")[0] for stem in stems}):
            (root / part / town).mkdir(parents=True, exist_ok=True)
        for stem in stems:
            os.close(os.open(root / part / f"{stem}{suffix}", os.O_CREAT))
    (root / "train.txt").write_text("\n".join(stems), encoding="utf-8")


def dataset_of(root: Path, way: str, indices: int | None) -> Any:
    if way == "FolderDataset":
        from segue.datasets.folder import FolderDataset

        classes = [f"class {i}" for i in range(19)]
        return FolderDataset(str(root), "images", "labels", classes=classes, indices=indices)
    from segue.datasets.cityscapes import CityscapesDataset

    return CityscapesDataset(
        data_root=str(root),
        ann_file="train.txt" if way == "ann_file" else "",
        data_prefix={"img_path": "images", "seg_map_path": "labels"},
        indices=indices,
    )


def read_all(dataset: Any, ready: Any, go: Any) -> None:
    for index in range(len(dataset)):
        dataset.get_data_info(index)
    ready.release()
    go.acquire()


def shared_memory(processes: list[int]) -> float:
    """Proportional memory of processes, in MB."""
    total = 0
    for process in processes:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
        total += int(found[1]) if found else 0
    return total / 1e3


def serve(args: argparse.Namespace) -> None:
    """One way, in a process of its own."""
    sys.path.insert(0, str(HERE.parent))
    import torch.multiprocessing

    begin = time.perf_counter(), time.process_time()
    dataset = dataset_of(args.folder, args.way, args.indices)
    wall, cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
    context = torch.multiprocessing.get_context(args.start)
    ready, go = context.Semaphore(0), context.Semaphore(0)
    workers = [context.Process(target=read_all, args=(dataset, ready, go)) for _ in range(args.workers)]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    memory = shared_memory([os.getpid(), *(int(worker.pid) for worker in workers)])
    for _ in workers:
        go.release()
    for worker in workers:
        worker.join()
    table = getattr(dataset.data_list, "nbytes", 0) / 1e6
    print(json.dumps({"pairs": len(dataset), "wall": wall, "cpu": cpu, "memory": memory, "table": table}))


def run(args: argparse.Namespace, folder: Path, way: str, indices: int | None) -> dict[str, Any]:
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder), "--workers", str(args.workers)]
    command += ["--start", args.start] + ([] if indices is None else ["--indices", str(indices)])
    return json.loads(subprocess.check_output(command, text=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--start", default="fork", choices=("fork", "spawn", "forkserver"), help="of the workers")
    parser.add_argument("--folder", type=Path, help="folder of the files; made and filled if it does not exist")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--way", help=argparse.SUPPRESS)  # of the processes that this script starts
    parser.add_argument("--indices", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        serve(args)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary) / "files"
        if not folder.exists():
            make_files(folder, args.pairs)
        rows = []
        for way in WAYS:
            found = run(args, folder, way, None)
            found["list"] = found["memory"] - run(args, folder, way, 1)["memory"]
            rows.append({"way": way, **found})
    about = f"{datetime.date.today()}, {args.workers} workers ({args.start}), {os.cpu_count()} cores, load "
    about += f"{os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}"
    lines = [f"# Start of {rows[0]['pairs']:,} pairs", "", "| listed by | seconds | CPU seconds | table MB | list MB |"]
    lines.append("| --- " * 5 + "|")
    for row in rows:
        figures = (row["wall"], row["cpu"], row["table"], row["list"])
        lines.append(f"| {row['way']} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |")
    text = "\n".join([*lines, "", about, "list MB: memory of all processes above that with a list of one pair"]) + "\n"
    print(text)
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / f"startup-{datetime.date.today()}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
