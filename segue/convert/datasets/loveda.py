"""LoveDA: land cover of rural and urban areas; the test set is handed out without masks."""

from __future__ import annotations

from segue.convert.dataset import Converter, Plan

SPLITS = (("Train", 2522), ("Val", 1669), ("Test", 1796))


def plan(plan: Plan) -> None:
    """Images and masks of both areas in one folder, as they are: labels 1..7, 0 for no data."""
    for theirs, whole in SPLITS:
        ours = theirs.lower()
        images = plan.by_name(plan.find(f"images of {theirs}", f"{theirs}/**/images_png/*.png"), lambda m: m.stem)
        plan.expect(whole, len(images), f"images of {theirs}")
        for key, member in images.items():
            plan.copy(member, f"img_dir/{ours}/{key}.png")
        if theirs != "Test":
            found = plan.find(f"masks of {theirs}", f"{theirs}/**/masks_png/*.png")
            for key, _, mask in plan.pairs(images, plan.by_name(found, lambda member: member.stem)):
                plan.copy(mask, f"ann_dir/{ours}/{key}.png")


CONVERTER = Converter(
    title="LoveDA",
    dataset="LoveDADataset",
    page="https://github.com/Junjue-Wang/LoveDA",
    download="Train.zip, Val.zip and Test.zip",
    layout="Train/{Rural,Urban}/{images_png,masks_png}/0.png ...",
    makes="img_dir/{train,val,test} and ann_dir/{train,val}: 2522, 1669 and 1796 images, labels 1..7, 0 for no data",
    folder="loveDA",
    plan=plan,
)
