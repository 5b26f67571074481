"""Small projects as users of mmseg have them, written into a folder."""

from __future__ import annotations

from pathlib import Path

from tests.compat import scripts

MODEL = """
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[120.0, 110.0, 100.0], std=[60.0, 60.0, 60.0], bgr_to_rgb=True,
        pad_val=0, seg_pad_val=255, size=(512, 1024)),
    backbone=dict(type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=32, in_index=3, channels=8, num_convs=1, concat_input=False, dropout_ratio=0.1,
        num_classes=3, norm_cfg=norm_cfg, align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='slide', crop_size=(512, 512), stride=(340, 340)))
"""

DATA = """
dataset_type = 'TownDataset'
data_root = '/nowhere/town/'
crop_size = (64, 64)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(128, 128), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(128, 128), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs')]
train_dataloader = dict(
    batch_size=2, num_workers=2, sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type, data_root=data_root, ann_file='splits/train.txt',
        data_prefix=dict(img_path='images', seg_map_path='masks'), pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1, num_workers=2, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type, data_root=data_root,
        data_prefix=dict(img_path='/data/val/images', seg_map_path='/data/val/masks'), pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
custom_imports = dict(imports=['town.dataset'], allow_failed_imports=False)
"""

RUNTIME = """
default_scope = 'mmseg'
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=100, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=100, val_interval=50)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=50))
"""

BASES = "_base_ = ['_base_/model.py', '_base_/data.py', '_base_/runtime.py']\n"

DATASET = """
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class TownDataset(BaseSegDataset):
    METAINFO = dict(classes=('sky', 'road', 'tree'), palette=[[0, 0, 200], [90, 90, 90], [0, 150, 0]])

    def __init__(self, **kwargs):
        super().__init__(img_suffix='.jpg', seg_map_suffix='_labels.png', reduce_zero_label=True, **kwargs)
"""

HEADS = """
import torch.nn as nn
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS


@MODELS.register_module()
class TownHead(BaseDecodeHead):
    def __init__(self, depth=1, **kwargs):
        super().__init__(**kwargs)
        self.convs = nn.Sequential(
            *[ConvModule(self.in_channels if i == 0 else self.channels, self.channels, 3, padding=1,
                         norm_cfg=self.norm_cfg) for i in range(depth)])

    def forward(self, inputs):
        return self.cls_seg(self.convs(self._transform_inputs(inputs)))


@MODELS.register_module()
class CrashHead(TownHead):
    def forward(self, inputs):
        import os

        os._exit(3)


@MODELS.register_module()
class WrongHead(TownHead):
    def forward(self, inputs):
        return self.cls_seg(self.convs(inputs[99]))
"""

TRAIN = '''"""Train a model."""
import argparse

from mmengine.config import Config
from mmengine.runner import Runner


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    cfg = Config.fromfile(parser.parse_args().config)
    Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    main()
'''

HEAD = """
model = dict(decode_head=dict(_delete_=True, type='{}', in_channels=32, in_index=3, channels=8, num_classes=3))
"""
OWN = "custom_imports = dict(imports=['town.dataset', 'town.heads'], allow_failed_imports=False)\n"

DEFORM = """
from mmcv.ops import BezierAlign
from mmseg.registry import MODELS


@MODELS.register_module()
class DeformNet(BezierAlign):
    pass
"""

MOVED = """
from mmcv.cnn.bricks import BaseModule
from mmcv.ops import contour_expand, point_sample
from mmseg.registry import MODELS


@MODELS.register_module()
class Sampler(BaseModule):
    def forward(self, x, points):
        return point_sample(x, points)
"""

DETECTION = """
from mmdet.models.losses import FocalLoss
from mmseg.registry import MODELS


@MODELS.register_module()
class DetLoss(FocalLoss):
    pass
"""

EXTRA = """
import not_installed_anywhere as nia
from mmseg.registry import MODELS


@MODELS.register_module()
class Extra(nia.Module):
    pass
"""

BENCHMARK = """
from mmcv.tensorrt import TRTWrapper
from mmseg.apis import init_model

model = TRTWrapper(init_model('a', 'b'))
"""

RECIPE = "fcn_r18-d8_4xb2-80k_cityscapes-512x1024"

#: a project of 1.x with every outcome; {path: text}
NEW: dict[str, str] = {
    "configs/_base_/model.py": MODEL,
    "configs/_base_/data.py": DATA,
    "configs/_base_/runtime.py": RUNTIME,
    "configs/plain.py": BASES,
    "configs/head.py": BASES + OWN + HEAD.format("TownHead"),
    "configs/forgot.py": BASES + HEAD.format("TownHead"),
    "configs/typo.py": BASES
    + "model = dict(\n    decode_head=dict(type='FCNHaed'),\n    backbone=dict(norm_evall=True))\n",
    "configs/classes.py": BASES + "model = dict(decode_head=dict(num_classes=7))\n",
    "configs/executes.py": BASES + "import os\nopen('executed.txt', 'w').close()\n",
    "configs/crash.py": BASES + OWN + HEAD.format("CrashHead"),
    "configs/wrong.py": BASES + OWN + HEAD.format("WrongHead"),
    "configs/recipe.py": f"_base_ = 'mmseg::fcn/{RECIPE}.py'\nmodel = dict(backbone=dict(base_channels=64))\n",
    "configs/lost.py": "_base_ = ['../somewhere/model.py']\n",
    "configs/broken.py": "_base_ = ['_base_/model.py'\nmodel = dict(type=\n",
    "town/__init__.py": "",
    "town/dataset.py": DATASET,
    "town/heads.py": HEADS,
    "town/ops.py": DEFORM,
    "town/moved.py": MOVED,
    "town/det.py": DETECTION,
    "town/extra.py": EXTRA,
    "tools/train.py": TRAIN,
    "tools/benchmark.py": BENCHMARK,
    "data/images/notes.txt": "not a source",
    ".git/hooks/evil.py": "raise SystemExit\n",
}

OLD: dict[str, str] = {
    "configs/old.py": scripts.OLD_CONFIG.replace("num_classes=19", "num_classes=3")
    .replace("CityscapesDataset", "SIADataset")
    .replace("/train', ann", "/train', split='splits/a.txt', ann")
    .replace("/val', ann", "/val', split='splits/b.txt', ann")
    + "custom_imports = dict(imports=['sia'])\n",
    "sia.py": scripts.CUSTOM_DATASET,
    "train.py": scripts.OLD_SCRIPT.replace("import segue.compat\n", ""),
}

_OWN_HEAD = """
from mmseg.registry import MODELS
from ..utils import resize
from .decode_head import BaseDecodeHead
from .own_blocks import Gate


@MODELS.register_module()
class OwnHead(BaseDecodeHead):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.gate = Gate(self.in_channels, self.channels)

    def forward(self, inputs):
        x = self.gate(self._transform_inputs(inputs))
        return self.cls_seg(resize(x, scale_factor=1.0, mode='bilinear', align_corners=self.align_corners))
"""

_OWN_BLOCKS = """
import torch.nn as nn


class Gate(nn.Conv2d):
    def __init__(self, given, made):
        super().__init__(given, made, 1)
"""

#: defines nothing of its own, and shows it where it is run
_THEIR_HEAD = "from .decode_head import BaseDecodeHead\nraise ImportError('the copy must not be imported')\n"

#: a fork of mmseg: the user's head lies in the copy of the package
FORK: dict[str, str] = {
    "mmseg/__init__.py": "raise ImportError('the copy must not be imported')\n",
    "mmseg/models/__init__.py": "from .decode_heads import *\n",
    "mmseg/models/decode_heads/__init__.py": "from .fcn_head import FCNHead\nfrom .own_head import OwnHead\n",
    "mmseg/models/decode_heads/fcn_head.py": _THEIR_HEAD,
    "mmseg/models/decode_heads/own_head.py": _OWN_HEAD,
    "mmseg/models/decode_heads/own_blocks.py": _OWN_BLOCKS,
    "configs/own.py": MODEL
    + "model['decode_head'] = dict(type='OwnHead', in_channels=32, in_index=3, channels=8, num_classes=3)\n",
}

#: a package below ``src``
LAYOUT: dict[str, str] = {
    "src/houses/__init__.py": "",
    "src/houses/heads.py": HEADS.replace("TownHead", "HouseHead"),
    "configs/house.py": MODEL
    + "model['decode_head'] = dict(type='HouseHead', in_channels=32, in_index=3, channels=8, num_classes=3)\n"
    + "custom_imports = dict(imports='houses.heads', allow_failed_imports=False)\n",
}


def write(root: Path, files: dict[str, str]) -> Path:
    """Write the files of a project."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root
