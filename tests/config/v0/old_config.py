"""A config as projects on mmseg 0.x wrote it, in two files."""

from __future__ import annotations

from pathlib import Path

BASE = """
dataset_type = 'CustomDataset'
data_root = 'data/lanes'
img_norm_cfg = dict(mean=[120.0, 110.0, 100.0], std=[60.0, 50.0, 40.0], to_rgb=True)
crop_size = (32, 48)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', reduce_zero_label=True),
    dict(type='Resize', img_scale=(96, 64), ratio_range=(0.5, 2.0)),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg'], meta_keys=['filename', 'ori_shape', 'img_norm_cfg']),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='MultiScaleFlipAug',
        img_scale=(96, 64),
        img_ratios=[0.5, 1.0],
        flip=True,
        transforms=[
            dict(type='Resize', keep_ratio=True),
            dict(type='RandomFlip'),
            dict(type='Normalize', **img_norm_cfg),
            dict(type='Pad', size_divisor=32),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img']),
        ])
]
data = dict(
    samples_per_gpu=3,
    workers_per_gpu=2,
    train=dict(type='RepeatDataset', times=4, dataset=dict(
        type=dataset_type, data_root=data_root, img_dir='img', ann_dir=['ann', 'more'], split=['a.txt', 'b.txt'],
        classes=('lane', 'road'), palette=[[0, 0, 0], [9, 9, 9]], pipeline=train_pipeline)),
    val=dict(type=dataset_type, data_root=data_root, img_dir='img', ann_dir='ann', split='val.txt',
             classes=('lane', 'road'), pipeline=test_pipeline),
    test=dict(type='CityscapesDataset', data_root=data_root, img_dir='img', ann_dir='ann', pipeline=test_pipeline))
"""

TOP = """
_base_ = './data.py'
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    pretrained='open-mmlab://resnet18_v1c',
    backbone=dict(type='ResNetV1c', depth=18, norm_cfg=norm_cfg),
    decode_head=dict(type='FCNHead', in_channels=512, channels=8, num_classes=2, norm_cfg=norm_cfg,
                     loss_decode=dict(type='DiceLoss', smooth=1, exponent=2, loss_weight=3.0)))
train_cfg = dict()
test_cfg = dict(mode='whole')
optimizer = dict(type='AdamW', lr=6e-5, weight_decay=0.01,
                 paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=10.)}))
optimizer_config = dict(type='GradientCumulativeFp16OptimizerHook', cumulative_iters=2, grad_clip=dict(max_norm=1))
fp16 = dict(loss_scale='dynamic')
lr_config = dict(policy='poly', power=1.0, min_lr=1e-6, by_epoch=False,
                 warmup='linear', warmup_iters=20, warmup_ratio=1e-3)
runner = dict(type='IterBasedRunner', max_iters=100)
checkpoint_config = dict(by_epoch=False, interval=10, max_keep_ckpts=3, create_symlink=True)
evaluation = dict(interval=25, metric=['mIoU', 'mDice'], pre_eval=True, save_best='mIoU')
log_config = dict(interval=5, hooks=[dict(type='TextLoggerHook', by_epoch=False), dict(type='TensorboardLoggerHook')])
custom_hooks = [dict(type='EMAHook', momentum=0.001, warm_up=10, priority='ABOVE_NORMAL')]
dist_params = dict(backend='gloo')
log_level = 'INFO'
load_from = None
resume_from = 'runs/iter_50.pth'
workflow = [('train', 1)]
cudnn_benchmark = True
opencv_num_threads = 2
my_constant = 7
"""


def write(folder: Path, top: str = TOP) -> Path:
    """Write both files; returns the second."""
    (folder / "data.py").write_text(BASE)
    path = folder / "old.py"
    path.write_text(top)
    return path
