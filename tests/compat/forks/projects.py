"""Small projects that hold a changed copy of mmseg, in the manner of published ones; written here, for these tests.

A copy has the files that the project added or changed, and ``__init__`` files that must not be run as they stand.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.compat.project.cases import make_data

#: 0.x's own programs end like this
TRAIN = """
import argparse
import copy
import os.path as osp
import time

import mmcv
from mmcv.runner import init_dist
from mmcv.utils import Config, DictAction, get_git_hash

from mmseg import __version__
from mmseg.apis import set_random_seed, train_segmentor
from mmseg.datasets import build_dataset
from mmseg.models import build_segmentor
from mmseg.utils import collect_env, get_root_logger


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    parser.add_argument('--work-dir')
    parser.add_argument('--options', nargs='+', action=DictAction)
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    if args.options is not None:
        cfg.merge_from_dict(args.options)
    cfg.work_dir = args.work_dir or osp.join('work_dirs', osp.splitext(osp.basename(args.config))[0])
    cfg.gpu_ids = range(1)
    mmcv.mkdir_or_exist(osp.abspath(cfg.work_dir))
    set_random_seed(0)
    model = build_segmentor(cfg.model, train_cfg=cfg.get('train_cfg'), test_cfg=cfg.get('test_cfg'))
    datasets = [build_dataset(cfg.data.train)]
    model.CLASSES = datasets[0].CLASSES
    train_segmentor(model, datasets, cfg, distributed=False, validate=True, meta=dict(CLASSES=datasets[0].CLASSES))
    print('TRAINED', type(model.backbone).__module__, type(model.decode_head).__name__)


if __name__ == '__main__':
    main()
"""

SCHEDULE = """
data_root = 'data/'
norm = dict(mean=[120.0, 110.0, 100.0], std=[60.0, 60.0, 60.0], to_rgb=True)
train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(64, 64), ratio_range=(0.8, 1.2)), dict(type='RandomCrop', crop_size=(32, 32)),
    dict(type='RandomFlip', prob=0.5), dict(type='Normalize', **norm),
    dict(type='Pad', size=(32, 32), pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'), dict(type='Collect', keys=['img', 'gt_semantic_seg'])]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='MultiScaleFlipAug', img_scale=(64, 64), flip=False, transforms=[
        dict(type='Resize', keep_ratio=True), dict(type='RandomFlip'), dict(type='Normalize', **norm),
        dict(type='ImageToTensor', keys=['img']), dict(type='Collect', keys=['img'])])]
data = dict(
    samples_per_gpu=2, workers_per_gpu=0,
    train=dict(type='TownDataset', data_root=data_root, img_dir='img', ann_dir='ann', pipeline=train_pipeline),
    val=dict(type='TownDataset', data_root=data_root, img_dir='img', ann_dir='ann', pipeline=test_pipeline),
    test=dict(type='TownDataset', data_root=data_root, img_dir='img', ann_dir='ann', pipeline=test_pipeline))
log_config = dict(interval=1, hooks=[dict(type='TextLoggerHook', by_epoch=False)])
optimizer = dict(type='SGD', lr=0.01)
optimizer_config = dict()
lr_config = dict(policy='poly', power=0.9, min_lr=1e-4, by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=2)
checkpoint_config = dict(by_epoch=False, interval=2)
evaluation = dict(interval=2, metric='mIoU')
log_level = 'INFO'
workflow = [('train', 1)]
"""

TOWN = """
from .builder import DATASETS
from .custom import CustomDataset


@DATASETS.register_module()
class TownDataset(CustomDataset):
    CLASSES = ('sky', 'road', 'tree')
    PALETTE = [[0, 0, 200], [90, 90, 90], [0, 150, 0]]

    def __init__(self, **kwargs):
        super(TownDataset, self).__init__(img_suffix='.png', seg_map_suffix='_mask.png', **kwargs)
"""

BROKEN = (
    "import mmcv\n\nassert mmcv.__version__ < '1.4', 'this file of the copy must not be run'\n__version__ = '0.11.0'\n"
)


def whole(files: dict[str, str], model: str) -> dict[str, str]:
    """A project of a copy's files and the config of a model."""
    return {
        "mmseg/__init__.py": BROKEN,
        "mmseg/datasets/__init__.py": "from .ade import ADE20KDataset\nfrom .town import TownDataset\n",
        "mmseg/datasets/town.py": TOWN,
        "mmseg/models/__init__.py": "from .backbones import *\nfrom .decode_heads import *\nfrom .losses import *\n",
        **files,
        "tools/train.py": TRAIN,
        "configs/_base_/schedule.py": SCHEDULE,
        "configs/own/tiny.py": "_base_ = ['../_base_/schedule.py']\n" + model,
    }


# SegFormer's manner: a changed mit.py with variants by partial arguments, a head that reads decoder_params
MIT = """
from functools import partial

import torch.nn as nn
from mmcv.runner import load_checkpoint
from mmseg.models.builder import BACKBONES
from mmseg.utils import get_root_logger


class Stage(nn.Module):
    def __init__(self, given, made, stride):
        super().__init__()
        self.embed = nn.Conv2d(given, made, 3, stride, 1)
        self.norm = nn.LayerNorm(made)

    def forward(self, x):
        x = self.embed(x)
        size = x.shape
        x = self.norm(x.flatten(2).transpose(1, 2))
        return x.transpose(1, 2).reshape(size)


class MixVisionTransformer(nn.Module):
    def __init__(self, img_size=224, embed_dims=[8, 16], qkv_bias=False, norm_layer=nn.LayerNorm, sr_ratios=[8, 4]):
        super().__init__()
        self.stages = nn.ModuleList(
            Stage(given, made, 4) for given, made in zip([3, *embed_dims], embed_dims))

    def init_weights(self, pretrained=None):
        if isinstance(pretrained, str):
            load_checkpoint(self, pretrained, map_location='cpu', strict=False, logger=get_root_logger())

    def forward(self, x):
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found


@BACKBONES.register_module()
class mit_tiny(MixVisionTransformer):
    def __init__(self, **kwargs):
        super(mit_tiny, self).__init__(embed_dims=[8, 16], qkv_bias=True, norm_layer=partial(nn.LayerNorm, eps=1e-6))
"""

SEGFORMER_HEAD = """
import torch
import torch.nn as nn
from mmcv.cnn import ConvModule
from mmseg.ops import resize

from ..builder import HEADS
from .decode_head import BaseDecodeHead


class MLP(nn.Module):
    def __init__(self, input_dim=2048, embed_dim=768):
        super().__init__()
        self.proj = nn.Linear(input_dim, embed_dim)

    def forward(self, x):
        return self.proj(x.flatten(2).transpose(1, 2))


@HEADS.register_module()
class SegFormerHead(BaseDecodeHead):
    def __init__(self, feature_strides, **kwargs):
        super(SegFormerHead, self).__init__(input_transform='multiple_select', **kwargs)
        assert len(feature_strides) == len(self.in_channels)
        embedding_dim = kwargs['decoder_params']['embed_dim']
        self.maps = nn.ModuleList(MLP(c, embedding_dim) for c in self.in_channels)
        self.linear_fuse = ConvModule(
            embedding_dim * 2, embedding_dim, 1, norm_cfg=dict(type='SyncBN', requires_grad=True))
        self.linear_pred = nn.Conv2d(embedding_dim, self.num_classes, 1)

    def forward(self, inputs):
        x = self._transform_inputs(inputs)
        size = x[0].shape[2:]
        parts = []
        for level, mlp in zip(x, self.maps):
            part = mlp(level).permute(0, 2, 1).reshape(level.shape[0], -1, *level.shape[2:])
            parts.append(resize(part, size=size, mode='bilinear', align_corners=False))
        return self.linear_pred(self.linear_fuse(torch.cat(parts, dim=1)))
"""

SEGFORMER = whole(
    {
        "mmseg/models/backbones/__init__.py": "from .resnet import ResNet\nfrom .mit import mit_tiny\n",
        "mmseg/models/backbones/mit.py": MIT,
        "mmseg/models/decode_heads/__init__.py": "from .fcn_head import FCNHead\nfrom .segformer_head import *\n",
        "mmseg/models/decode_heads/segformer_head.py": SEGFORMER_HEAD,
    },
    """
model = dict(
    type='EncoderDecoder', pretrained=None,
    backbone=dict(type='mit_tiny', style='pytorch'),
    decode_head=dict(
        type='SegFormerHead', in_channels=[8, 16], in_index=[0, 1], feature_strides=[4, 16], channels=16,
        dropout_ratio=0.1, num_classes=3, norm_cfg=dict(type='SyncBN', requires_grad=True), align_corners=False,
        decoder_params=dict(embed_dim=16), loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
""",
)

# SETR's manner: vit.py registers VisionTransformer with arguments of its own; a head beside it, also as auxiliary
VIT = """
import torch
import torch.nn as nn

from ..builder import BACKBONES
from .layers import to_2tuple
from .helpers import trunk


@BACKBONES.register_module()
class VisionTransformer(nn.Module):
    def __init__(self, model_name='vit_tiny', img_size=32, patch_size=8, embed_dim=16, depth=2, pos_embed_interp=False,
                 random_init=False, norm_cfg=None, **kwargs):
        super(VisionTransformer, self).__init__(**kwargs)
        self.grid = to_2tuple(img_size // patch_size)
        self.patches = nn.Conv2d(3, embed_dim, patch_size, patch_size)
        self.pos_embed = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1], embed_dim))
        self.blocks = trunk(embed_dim, depth)

    def init_weights(self, pretrained=None):
        nn.init.normal_(self.pos_embed, std=0.02)

    def forward(self, x):
        x = self.patches(x)
        size = x.shape[2:]
        x = x.flatten(2).transpose(1, 2)
        pos = self.pos_embed.transpose(1, 2).reshape(1, -1, *self.grid)
        x = x + nn.functional.interpolate(pos, size=size, mode='bilinear').flatten(2).transpose(1, 2)
        outs = []
        for block in self.blocks:
            x = block(x)
            outs.append(x)
        return tuple(outs)
"""

VIT_HELPERS = """
import torch.nn as nn


def trunk(embed_dim, depth):
    return nn.ModuleList(
        nn.Sequential(nn.LayerNorm(embed_dim), nn.Linear(embed_dim, embed_dim), nn.GELU()) for _ in range(depth))
"""

VIT_UP_HEAD = """
import math

import torch.nn as nn
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer

from ..backbones.layers import to_2tuple
from ..builder import HEADS
from .decode_head import BaseDecodeHead


@HEADS.register_module()
class VisionTransformerUpHead(BaseDecodeHead):
    def __init__(self, img_size=32, patch_size=8, embed_dim=16, norm_layer=nn.LayerNorm, num_conv=1, **kwargs):
        super(VisionTransformerUpHead, self).__init__(**kwargs)
        self.img_size = to_2tuple(img_size)
        self.norm = norm_layer(embed_dim)
        self.conv_0 = nn.Conv2d(embed_dim, self.channels, 1)
        _, self.syncbn_fc_0 = build_norm_layer(self.norm_cfg, self.channels)

    def forward(self, x):
        x = self._transform_inputs(x)
        n, hw, c = x.shape
        side = int(math.sqrt(hw))
        x = self.norm(x).transpose(1, 2).reshape(n, c, side, side)
        x = F.relu(self.syncbn_fc_0(self.conv_0(x)))
        return self.cls_seg(x)
"""

SETR = whole(
    {
        "mmseg/models/backbones/__init__.py": "from .resnet import ResNet\nfrom .vit import VisionTransformer\n",
        "mmseg/models/backbones/vit.py": VIT,
        "mmseg/models/backbones/helpers.py": VIT_HELPERS,
        "mmseg/models/backbones/layers/__init__.py": "from .sizes import to_2tuple\n",
        "mmseg/models/backbones/layers/sizes.py": "def to_2tuple(x):\n    return (x, x)\n",
        "mmseg/models/decode_heads/__init__.py": "from .fcn_head import FCNHead\nfrom .vit_up_head import *\n",
        "mmseg/models/decode_heads/vit_up_head.py": VIT_UP_HEAD,
    },
    """
head = dict(
    type='VisionTransformerUpHead', in_channels=16, channels=8, embed_dim=16, num_classes=3, align_corners=False,
    norm_cfg=dict(type='SyncBN', requires_grad=True),
    loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0))
model = dict(
    type='EncoderDecoder',
    backbone=dict(type='VisionTransformer', model_name='vit_tiny', img_size=32, patch_size=8, embed_dim=16, depth=2,
                  pos_embed_interp=True),
    decode_head=dict(in_index=1, **head), auxiliary_head=[dict(in_index=0, **head)],
    train_cfg=dict(), test_cfg=dict(mode='whole'))
""",
)

# DAFormer's manner: blocks of several heads of mmseg, a package of its own, a changed builder
BUILDER = """
import warnings

from mmcv.cnn import MODELS as MMCV_MODELS
from mmcv.utils import Registry

MODELS = Registry('models', parent=MMCV_MODELS)
BACKBONES = MODELS
HEADS = MODELS
SEGMENTORS = MODELS
UDA = MODELS


def build_train_model(cfg, train_cfg=None, test_cfg=None):
    if 'uda' in cfg:
        cfg.uda['model'] = cfg.model
        return UDA.build(cfg.uda, default_args=dict(train_cfg=train_cfg, test_cfg=test_cfg))
    return SEGMENTORS.build(cfg.model, default_args=dict(train_cfg=train_cfg, test_cfg=test_cfg))
"""

DAFORMER_HEAD = """
import torch
import torch.nn as nn
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmseg.models.decode_heads.isa_head import ISALayer
from mmseg.ops import resize

from ..builder import HEADS
from .aspp_head import ASPPModule
from .decode_head import BaseDecodeHead
from .segformer_head import MLP
from .sep_aspp_head import DepthwiseSeparableASPPModule


@HEADS.register_module()
class DAFormerHead(BaseDecodeHead):
    def __init__(self, embed=8, **kwargs):
        super(DAFormerHead, self).__init__(input_transform='multiple_select', **kwargs)
        self.embed_layers = nn.ModuleList(MLP(c, embed) for c in self.in_channels)
        common = dict(conv_cfg=None, norm_cfg=dict(type='BN'), act_cfg=dict(type='ReLU'))
        self.aspp = DepthwiseSeparableASPPModule(
            dilations=(1, 6), in_channels=2 * embed, channels=self.channels, **common)
        self.context = ASPPModule((1,), 2 * embed, self.channels, **common)
        self.isa = ISALayer(in_channels=2 * embed, channels=self.channels, down_factor=(2, 2), **common)
        given = 3 * self.channels + 2 * embed
        self.fuse = DepthwiseSeparableConvModule(given, self.channels, 1, norm_cfg=dict(type='BN'))

    def forward(self, inputs):
        x = self._transform_inputs(inputs)
        size = x[0].shape[2:]
        maps = [mlp(level).permute(0, 2, 1).contiguous().reshape(level.shape[0], -1, *level.shape[2:])
                for level, mlp in zip(x, self.embed_layers)]
        x = torch.cat([resize(one, size=size, mode='bilinear', align_corners=False) for one in maps], dim=1)
        x = torch.cat([*self.aspp(x), *self.context(x), x], dim=1)
        return self.cls_seg(self.fuse(x))
"""

UDA = """
import torch

from mmseg.models.builder import UDA
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.uda.teacher import moved


@UDA.register_module()
class Adaptation(EncoderDecoder):
    def __init__(self, model=None, alpha=0.9, **kwargs):
        model = dict(model)
        model.pop('type')
        super(Adaptation, self).__init__(**{**model, **{k: v for k, v in kwargs.items() if v is not None}})
        self.alpha = alpha
        self.register_buffer('steps', torch.zeros(()))

    def extract_feat(self, inputs):
        self.steps = moved(self.steps, self.alpha)
        return super().extract_feat(inputs)
"""

DAFORMER = whole(
    {
        "mmseg/models/builder.py": BUILDER,
        "mmseg/models/__init__.py": "from .builder import (BACKBONES, UDA, build_train_model)\nfrom .uda import *\n",
        "mmseg/models/backbones/__init__.py": "from .mix_transformer import mit_tiny\n",
        "mmseg/models/backbones/mix_transformer.py": MIT,
        "mmseg/models/decode_heads/__init__.py": "from .daformer_head import DAFormerHead\n",
        "mmseg/models/decode_heads/daformer_head.py": DAFORMER_HEAD,
        "mmseg/models/uda/__init__.py": "from mmseg.models.uda.adaptation import Adaptation\n",
        "mmseg/models/uda/adaptation.py": UDA,
        "mmseg/models/uda/teacher.py": "def moved(value, alpha):\n    return alpha * value + (1 - alpha)\n",
    },
    """
model = dict(
    type='EncoderDecoder',
    backbone=dict(type='mit_tiny', style='pytorch'),
    decode_head=dict(
        type='DAFormerHead', in_channels=[8, 16], in_index=[0, 1], channels=8, num_classes=3, align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
uda = dict(type='Adaptation', alpha=0.5)
""",
)
DAFORMER["tools/train.py"] = (
    TRAIN.replace("from mmseg.models import build_segmentor", "from mmseg.models.builder import build_train_model")
    .replace("build_segmentor(cfg.model, ", "build_train_model(cfg, ")
    .replace("print('TRAINED'", "print('STEPS', float(model.steps) > 0, type(model).__name__)\n    print('TRAINED'")
)

# SegNeXt's manner: a backbone and a head of its own in a copy that is otherwise mmseg's
MSCAN = """
import math

import torch.nn as nn
from mmcv.cnn import build_norm_layer
from mmcv.cnn.utils.weight_init import constant_init, normal_init, trunc_normal_init
from mmcv.runner import BaseModule
from mmseg.models.builder import BACKBONES


class AttentionModule(BaseModule):
    def __init__(self, dim):
        super().__init__()
        self.conv0 = nn.Conv2d(dim, dim, 5, padding=2, groups=dim)
        self.conv1 = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        return self.conv1(self.conv0(x)) * x


@BACKBONES.register_module()
class MSCAN(BaseModule):
    def __init__(self, in_chans=3, embed_dims=[8, 16], norm_cfg=dict(type='SyncBN'), pretrained=None, init_cfg=None):
        super(MSCAN, self).__init__(init_cfg=init_cfg)
        self.num_stages = len(embed_dims)
        for i, (given, made) in enumerate(zip([in_chans, *embed_dims], embed_dims)):
            setattr(self, f'patch_embed{i}', nn.Conv2d(given, made, 3, 4, 1))
            setattr(self, f'block{i}', AttentionModule(made))
            setattr(self, f'norm{i}', build_norm_layer(norm_cfg, made)[1])

    def init_weights(self):
        for m in self.modules():
            if isinstance(m, nn.Linear):
                trunc_normal_init(m, std=.02, bias=0.)
            elif isinstance(m, nn.LayerNorm):
                constant_init(m, val=1.0, bias=0.)
            elif isinstance(m, nn.Conv2d):
                normal_init(m, mean=0, std=math.sqrt(2.0 / m.out_channels), bias=0)

    def forward(self, x):
        outs = []
        for i in range(self.num_stages):
            x = getattr(self, f'norm{i}')(getattr(self, f'block{i}')(getattr(self, f'patch_embed{i}')(x)))
            outs.append(x)
        return outs
"""

HAM_HEAD = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmseg.ops import resize

from ..builder import HEADS
from .decode_head import BaseDecodeHead


class Hamburger(nn.Module):
    def __init__(self, channels, ham_kwargs):
        super().__init__()
        self.rank = ham_kwargs.get('MD_R', 4)
        self.ham_in = ConvModule(channels, channels, 1, norm_cfg=None, act_cfg=None)

    def forward(self, x):
        x = F.relu(self.ham_in(x))
        flat = x.flatten(2)
        bases = torch.softmax(flat[..., :self.rank], dim=1)
        code = torch.softmax(flat.transpose(1, 2) @ bases, dim=-1)
        return x + (bases @ code.transpose(1, 2)).reshape(x.shape)


@HEADS.register_module()
class LightHamHead(BaseDecodeHead):
    def __init__(self, ham_channels=512, ham_kwargs=dict(), **kwargs):
        super(LightHamHead, self).__init__(input_transform='multiple_select', **kwargs)
        self.squeeze = ConvModule(sum(self.in_channels), ham_channels, 1, norm_cfg=self.norm_cfg)
        self.hamburger = Hamburger(ham_channels, ham_kwargs)
        self.align = ConvModule(ham_channels, self.channels, 1, norm_cfg=self.norm_cfg)

    def forward(self, inputs):
        inputs = self._transform_inputs(inputs)
        inputs = [resize(level, size=inputs[0].shape[2:], mode='bilinear', align_corners=self.align_corners)
                  for level in inputs]
        return self.cls_seg(self.align(self.hamburger(self.squeeze(torch.cat(inputs, dim=1)))))
"""

SEGNEXT = whole(
    {
        "mmseg/models/backbones/__init__.py": "from .resnet import ResNet\nfrom .mscan import MSCAN\n",
        "mmseg/models/backbones/mscan.py": MSCAN,
        "mmseg/models/decode_heads/__init__.py": "from .ham_head import LightHamHead\n",
        "mmseg/models/decode_heads/ham_head.py": HAM_HEAD,
    },
    """
ham_norm_cfg = dict(type='GN', num_groups=4, requires_grad=True)
model = dict(
    type='EncoderDecoder', pretrained=None,
    backbone=dict(type='MSCAN', embed_dims=[8, 16], norm_cfg=dict(type='BN', requires_grad=True)),
    decode_head=dict(
        type='LightHamHead', in_channels=[8, 16], in_index=[0, 1], channels=16, ham_channels=16, dropout_ratio=0.1,
        ham_kwargs=dict(MD_R=4), num_classes=3, norm_cfg=ham_norm_cfg, align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
""",
)

ALL = {"segformer": SEGFORMER, "setr": SETR, "daformer": DAFORMER, "segnext": SEGNEXT}


def write(root: Path, files: dict[str, str], data: bool = True) -> Path:
    """Write a project, with six generated images."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    if data:
        make_data(root / "data")
    return root


def trained(printed: str) -> list[str]:
    """What the program said of the model that it trained."""
    found = re.search(r"^TRAINED (.*)$", printed, re.MULTILINE)
    assert found, printed[-2000:]
    return found[1].split()
