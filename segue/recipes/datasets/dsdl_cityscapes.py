"""Cityscapes described in DSDL, 19 classes. https://github.com/opendatalab/dsdl-docs"""

from segue.recipes.data import Data, folders

IMAGES = "raw/CityScapes"
LABELS = [
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic_light", "traffic_sign", "vegetation"),
    *("terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
]
DATA = Data(
    type="DSDLSegDataset",
    root="data/CityScapes",
    num_classes=19,
    crop=(512, 1024),
    scale=(2048, 1024),
    train=folders(IMAGES, IMAGES, ann_file="dsdl/dsdl_SemSeg_full/set-train/train.yaml", used_labels=LABELS),
    val=folders(IMAGES, IMAGES, ann_file="dsdl/dsdl_SemSeg_full/set-val/val.yaml", used_labels=LABELS),
    batch=2,
    workers=2,
    iters=40_000,
    tta=False,
)
