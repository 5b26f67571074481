"""iSAID: aerial images of any size, cut into overlapping patches; test images stay whole and have no labels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import cv2

from segue.convert.dataset import Converter, Plan
from segue.convert.pictures import Array, ids_of_colors, image, image_png, png
from segue.convert.tiles import Tiling
from segue.datasets.isaid import PALETTE

COLORS = [(red, green, blue) for red, green, blue in PALETTE]
_END = "_instance_color_RGB"
_UNLABELED = 255


def plan(plan: Plan) -> None:
    """Patches of images and of semantic masks."""
    for split, whole in (("train", 1411), ("val", 458)):
        images = plan.by_name(plan.find(f"images of {split}", f"{split}/images/**/*.png"), lambda member: member.stem)
        plan.expect(whole, len(images), f"images of {split}")
        found = plan.find(f"masks of {split}", f"{split}/Semantic_masks/**/*{_END}.png")
        masks = plan.by_name(found, lambda member: member.stem[: -len(_END)])
        for key, member, mask in plan.pairs(images, masks):
            image_name, mask_name = f"img_dir/{split}/{key}", f"ann_dir/{split}/{key}"
            plan.files(image_name, partial(_patches, image_name, "", partial(image, member), plan.tiling, 0))
            plan.files(
                mask_name,
                partial(_patches, mask_name, _END, partial(ids_of_colors, mask, COLORS), plan.tiling, _UNLABELED),
            )
    test = plan.find("images of test", "test/images/**/*.png", optional=True)
    if not test:
        plan.notes.append("without images of test, which have no labels")
    for key, member in plan.by_name(test, lambda member: member.stem).items():
        plan.file(f"img_dir/test/{key}.png", partial(image_png, member))


def _patches(name: str, end: str, make: partial[Array], tiling: Tiling, fill: int) -> Iterator[tuple[str, bytes]]:
    """``NAME_y0_y1_x0_x1END.png``; what is smaller than a patch is filled up below and to the right."""
    array = make()
    down, right = (max(tiling.tile[i] - array.shape[i], 0) for i in range(2))
    array = cv2.copyMakeBorder(array, 0, down, 0, right, cv2.BORDER_CONSTANT, value=(fill, fill, fill))
    for top, left in tiling.windows((array.shape[0], array.shape[1])):
        bottom, side = top + tiling.tile[0], left + tiling.tile[1]
        yield f"{name}_{top}_{bottom}_{left}_{side}{end}.png", png(array[top:bottom, left:side])


CONVERTER = Converter(
    title="iSAID",
    dataset="iSAIDDataset",
    page="https://captain-whu.github.io/iSAID",
    download="the folders train, val and test: images/*.zip and Semantic_masks/images.zip",
    layout="train/images/**/P0000.png, train/Semantic_masks/**/P0000_instance_color_RGB.png ...",
    makes="{img_dir,ann_dir}/{train,val}, img_dir/test: patches of 896 x 896, labels 0..15, 255 for filling",
    folder="iSAID",
    plan=plan,
    tiling=Tiling((896, 896), 384),
)
