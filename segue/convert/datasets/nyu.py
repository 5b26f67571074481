"""NYU Depth v2: rooms with a depth for every pixel, in millimeters."""

from __future__ import annotations

from segue.convert.dataset import Converter, Plan
from segue.errors import DataError


def plan(plan: Plan) -> None:
    """Images and depth maps as they are, by the two lists."""
    for split in ("train", "test"):
        [listing] = plan.by_name(plan.find(f"list of {split}", f"nyu_{split}.txt"), lambda m: m.name).values()
        start = "/".join(listing.folders)
        members = {member.path.removeprefix(f"{start}/"): member for member in plan.sources.members}
        lines = [line.split() for line in listing.text().splitlines() if line.strip()]
        for number, line in enumerate(lines, 1):
            if len(line) < 2:
                raise DataError(f"{listing.where}, line {number}: an image and a depth map are expected")
            picture, depth = (name.lstrip("/") for name in line[:2])
            plan.copy(plan.listed(members, picture, listing), f"images/{split}/{_flat(picture)}")
            plan.copy(plan.listed(members, depth, listing), f"annotations/{split}/{_flat(depth)}")


def _flat(path: str) -> str:
    """``bathroom/rgb_00045.jpg`` and ``bathroom/sync_depth_00045.png`` get one stem, ``bathroom_00045``."""
    return path.replace("/rgb", "").replace("/sync_depth", "").replace("/", "_")


CONVERTER = Converter(
    title="NYU",
    dataset="NYUDataset",
    page="https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html",
    download="nyu.zip, the frames that monocular depth is trained on (not nyu_depth_v2_labeled.mat)",
    layout="nyu_train.txt and nyu_test.txt, bathroom/rgb_00045.jpg, bathroom/sync_depth_00045.png ...",
    makes="{images,annotations}/{train,test}: 24231 and 654 images, depth in millimeters (16 bits)",
    folder="nyu",
    plan=plan,
    also=("NYU Depth v2", "NYUv2"),
)
