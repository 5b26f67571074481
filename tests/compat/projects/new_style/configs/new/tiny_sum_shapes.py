from mmengine.config import read_base

with read_base():
    from .runtime import *
    from .shapes import *

from torch.nn import BatchNorm2d, ReLU

from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.models.losses import CrossEntropyLoss, LovaszLoss
from mmseg.models.segmentors import EncoderDecoder
from new_style.blocks import TinyEncoder
from new_style.heads import SumHead

widths = [8, 12, 16]
norm_cfg = dict(type=BatchNorm2d)
data_preprocessor = dict(
    type=SegDataPreProcessor,
    mean=[120.0, 110.0, 100.0],
    std=[60.0, 60.0, 60.0],
    bgr_to_rgb=True,
    size=crop_size,
    pad_val=0,
    seg_pad_val=255)
model = dict(
    type=EncoderDecoder,
    data_preprocessor=data_preprocessor,
    backbone=dict(type=TinyEncoder, widths=widths, norm_cfg=norm_cfg, act_cfg=dict(type=ReLU)),
    decode_head=dict(
        type=SumHead,
        in_channels=widths,
        in_index=list(range(len(widths))),
        channels=8,
        dropout_ratio=0,
        num_classes=len(metainfo['classes']),
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=[
            dict(type=CrossEntropyLoss, use_sigmoid=False, loss_weight=1.0),
            dict(type=LovaszLoss, reduction='none', loss_weight=0.5)
        ]),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
train_dataloader.update(batch_size=2)
train_dataloader['dataset']['pipeline'].pop(2)
