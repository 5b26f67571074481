"""HRF: 45 retinas of high resolution: healthy (h), with glaucoma (g), with diabetic retinopathy (dr)."""

from __future__ import annotations

from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.pictures import foreground_png, image_png

_TRAINING = 5  # of the 15 of each kind


def plan(plan: Plan) -> None:
    """Images and masks of the vessels; those of the field of view are called 01_h_mask.tif and left out."""
    images, masks = {}, {}
    for kind in ("h", "g", "dr"):
        images.update(plan.by_name(plan.find(f"images *_{kind}", f"*_{kind}.jpg"), lambda member: member.stem))
        masks.update(plan.by_name(plan.find(f"masks *_{kind}", f"*_{kind}.tif"), lambda member: member.stem))
    plan.expect(45, len(images), "images")
    for key, member, mask in plan.pairs(images, masks):
        split = "training" if int(key.split("_")[0]) <= _TRAINING else "validation"
        plan.file(f"images/{split}/{key}.png", partial(image_png, member))
        plan.file(f"annotations/{split}/{key}.png", partial(foreground_png, mask))


CONVERTER = Converter(
    title="HRF",
    dataset="HRFDataset",
    page="https://www5.cs.fau.de/research/data/fundus-images",
    download=(
        "healthy.zip, healthy_manualsegm.zip, glaucoma.zip, glaucoma_manualsegm.zip, diabetic_retinopathy.zip, "
        "diabetic_retinopathy_manualsegm.zip"
    ),
    layout="01_h.jpg and 01_h.tif, 01_g.jpg and 01_g.tif, 01_dr.JPG and 01_dr.tif ...",
    makes="{images,annotations}/{training,validation}: 15 and 30 images, masks of 0 and 1",
    folder="HRF",
    plan=plan,
)
