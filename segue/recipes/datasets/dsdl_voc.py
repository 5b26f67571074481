"""PASCAL VOC 2012 described in DSDL, 21 classes. https://github.com/opendatalab/dsdl-docs"""

from segue.recipes.data import Data, folders

IMAGES = "raw/VOCdevkit/VOC2012"
DATA = Data(
    type="DSDLSegDataset",
    root="data/PASCAL_VOC2012",
    num_classes=21,
    crop=(512, 512),
    scale=(2048, 512),
    train=folders(IMAGES, IMAGES, ann_file="dsdl/dsdl_SemSeg_full/set-train/train.yaml"),
    val=folders(IMAGES, IMAGES, ann_file="dsdl/dsdl_SemSeg_full/set-val/val.yaml"),
    iters=20_000,
    tta=False,
)
