"""Scripts and projects as users of mmseg wrote them, with one line added at the top."""

from __future__ import annotations

CUSTOM_DATASET = """
import os.path as osp

from mmseg.datasets.builder import DATASETS
from mmseg.datasets.custom import CustomDataset


@DATASETS.register_module()
class SIADataset(CustomDataset):
    CLASSES = ('sky', 'road', 'tree')
    PALETTE = [[0, 0, 200], [90, 90, 90], [0, 150, 0]]

    def __init__(self, split, **kwargs):
        super().__init__(img_suffix='.png', seg_map_suffix='_mask.png', split=split, **kwargs)
        assert osp.exists(self.img_dir) and self.split is not None
        assert self.file_client.exists(self.img_dir)
"""

ISIC_DATASET = """
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class ISICDataset(BaseSegDataset):
    METAINFO = dict(classes=['sky', 'road', 'tree'], palette=[[0, 0, 200], [90, 90, 90], [0, 150, 0]])

    def __init__(self, img_suffix='.png', seg_map_suffix='_mask.png', reduce_zero_label=False, **kwargs):
        super().__init__(
            img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, reduce_zero_label=reduce_zero_label, **kwargs)
"""

OLD_CONFIG = """
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    pretrained='open-mmlab://resnet18_v1c',
    backbone=dict(type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=32, in_index=3, channels=8, num_convs=1, concat_input=False, dropout_ratio=0.1,
        num_classes=19, norm_cfg=norm_cfg, align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    auxiliary_head=dict(
        type='FCNHead', in_channels=16, in_index=2, channels=8, num_convs=1, concat_input=False, num_classes=19,
        norm_cfg=norm_cfg, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
dataset_type = 'CityscapesDataset'
data_root = 'data/cityscapes/'
img_norm_cfg = dict(mean=[120.0, 110.0, 100.0], std=[60.0, 60.0, 60.0], to_rgb=True)
crop_size = (32, 32)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(64, 64), ratio_range=(0.8, 1.2)),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='MultiScaleFlipAug', img_scale=(64, 64), flip=False,
        transforms=[
            dict(type='Resize', keep_ratio=True),
            dict(type='RandomFlip'),
            dict(type='Normalize', **img_norm_cfg),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img']),
        ])
]
data = dict(
    samples_per_gpu=4,
    workers_per_gpu=4,
    train=dict(type=dataset_type, data_root=data_root, img_dir='leftImg8bit/train', ann_dir='gtFine/train',
               pipeline=train_pipeline),
    val=dict(type=dataset_type, data_root=data_root, img_dir='leftImg8bit/val', ann_dir='gtFine/val',
             pipeline=test_pipeline),
    test=dict(type=dataset_type, data_root=data_root, img_dir='leftImg8bit/val', ann_dir='gtFine/val',
              pipeline=test_pipeline))
log_config = dict(interval=50, hooks=[dict(type='TextLoggerHook', by_epoch=False)])
dist_params = dict(backend='nccl')
log_level = 'INFO'
load_from = None
resume_from = None
workflow = [('train', 1)]
cudnn_benchmark = True
optimizer = dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005)
optimizer_config = dict()
lr_config = dict(policy='poly', power=0.9, min_lr=1e-4, by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=40000)
checkpoint_config = dict(by_epoch=False, interval=4000)
evaluation = dict(interval=4000, metric='mIoU', pre_eval=True)
"""

# The tutorial notebook of 0.x, with small numbers.
OLD_SCRIPT = """
import segue.compat
import os.path as osp

import mmcv
from mmcv import Config
from mmseg.apis import inference_segmentor, init_segmentor, set_random_seed, show_result_pyplot, train_segmentor
from mmseg.datasets import build_dataset
from mmseg.datasets.builder import DATASETS
from mmseg.datasets.custom import CustomDataset
from mmseg.models import build_segmentor

data_root = '{root}'
classes = ('sky', 'road', 'tree')
palette = [[0, 0, 200], [90, 90, 90], [0, 150, 0]]


@DATASETS.register_module()
class StanfordBackgroundDataset(CustomDataset):
    CLASSES = classes
    PALETTE = palette

    def __init__(self, split, **kwargs):
        super().__init__(img_suffix='.png', seg_map_suffix='_mask.png', split=split, **kwargs)
        assert osp.exists(self.img_dir) and self.split is not None


cfg = Config.fromfile('{config}')
cfg.norm_cfg = dict(type='BN', requires_grad=True)
cfg.model.backbone.norm_cfg = cfg.norm_cfg
cfg.model.decode_head.norm_cfg = cfg.norm_cfg
cfg.model.auxiliary_head.norm_cfg = cfg.norm_cfg
cfg.model.decode_head.num_classes = 3
cfg.model.auxiliary_head.num_classes = 3
cfg.model.pretrained = None
cfg.dataset_type = 'StanfordBackgroundDataset'
cfg.data_root = data_root
cfg.data.samples_per_gpu = 2
cfg.data.workers_per_gpu = 0
for name, split in (('train', 'splits/train.txt'), ('val', 'splits/val.txt'), ('test', 'splits/val.txt')):
    part = cfg.data[name]
    part.type = cfg.dataset_type
    part.data_root = cfg.data_root
    part.img_dir = 'img'
    part.ann_dir = 'ann'
    part.split = split
cfg.data.train.pipeline = cfg.train_pipeline
cfg.work_dir = '{out}'
cfg.runner.max_iters = 4
cfg.log_config.interval = 1
cfg.evaluation.interval = 2
cfg.checkpoint_config.interval = 2
cfg.seed = 0
set_random_seed(0, deterministic=False)
cfg.gpu_ids = range(1)
print('Config:', len(cfg.pretty_text))

datasets = [build_dataset(cfg.data.train)]
model = build_segmentor(cfg.model, train_cfg=cfg.get('train_cfg'), test_cfg=cfg.get('test_cfg'))
model.CLASSES = datasets[0].CLASSES
mmcv.mkdir_or_exist(osp.abspath(cfg.work_dir))
train_segmentor(model, datasets, cfg, distributed=False, validate=True, meta=dict(CLASSES=classes, PALETTE=palette))

img = mmcv.imread(data_root + '/img/s5.png')
model.cfg = cfg
result = inference_segmentor(model, img)
picture = show_result_pyplot(model, img, result, palette, out_file='{out}/seen.png')
print('seen', result[0].shape, picture.shape)
print('trained', model.CLASSES, len(datasets[0]), datasets[0][0]['inputs'].shape)
"""

# The tutorial notebook of 1.x.
NEW_SCRIPT = """
import segue.compat
from mmengine import Config
from mmengine.runner import Runner
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

classes = ('sky', 'road', 'tree')
palette = [[0, 0, 200], [90, 90, 90], [0, 150, 0]]


@DATASETS.register_module()
class BackgroundDataset(BaseSegDataset):
    METAINFO = dict(classes=classes, palette=palette)

    def __init__(self, **kwargs):
        super().__init__(img_suffix='.png', seg_map_suffix='_mask.png', **kwargs)


cfg = Config.fromfile('{config}')
cfg.norm_cfg = dict(type='BN', requires_grad=True)
cfg.crop_size = (32, 32)
cfg.model.data_preprocessor.size = cfg.crop_size
cfg.model.backbone.norm_cfg = cfg.norm_cfg
for head in cfg.model.decode_head:
    head.norm_cfg = cfg.norm_cfg
cfg.model.decode_head[0].num_classes = 3
cfg.model.decode_head[1].num_classes = 3
cfg.dataset_type = 'BackgroundDataset'
cfg.data_root = '{root}'
cfg.train_dataloader.batch_size = 2
cfg.train_dataloader.num_workers = 0
cfg.train_dataloader.persistent_workers = False
for loader, split in (
        (cfg.train_dataloader, 'splits/train.txt'), (cfg.val_dataloader, 'splits/val.txt'),
        (cfg.test_dataloader, 'splits/val.txt')):
    loader.dataset.type = cfg.dataset_type
    loader.dataset.data_root = cfg.data_root
    loader.dataset.data_prefix = dict(img_path='img', seg_map_path='ann')
    loader.dataset.ann_file = split
    loader.num_workers = 0
    loader.persistent_workers = False
cfg.optim_wrapper.optimizer.lr = 0.02
cfg.param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=4, by_epoch=False)]
cfg.work_dir = '{out}'
cfg.train_cfg.max_iters = 4
cfg.train_cfg.val_interval = 2
cfg.default_hooks.logger.interval = 1
cfg.default_hooks.checkpoint.interval = 2
cfg['randomness'] = dict(seed=0)
cfg.dump('{out}.py')

runner = Runner.from_cfg(cfg)
model = runner.train()
metrics = runner.test()
print('measured', sorted(metrics)[:3], type(model).__name__, model.decode_head[1].num_classes)
print('validated', runner.val() == metrics)
"""

NEW_CONFIG = """
norm_cfg = dict(type='SyncBN', requires_grad=True)
crop_size = (512, 1024)
head = dict(type='FCNHead', in_channels=32, in_index=3, channels=8, num_convs=1, concat_input=False, num_classes=19,
            dropout_ratio=0.1, norm_cfg=norm_cfg, align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4))
model = dict(
    type='CascadeEncoderDecoder',
    num_stages=2,
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True, pad_val=0,
                           seg_pad_val=255, size=crop_size),
    pretrained=None,
    backbone=dict(type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg),
    decode_head=[
        head,
        dict(type='OCRHead', in_channels=32, in_index=3, channels=8, ocr_channels=4, num_classes=19, norm_cfg=norm_cfg,
             loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    ],
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomCrop', crop_size=(32, 32)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=4, num_workers=4, persistent_workers=True, sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='CityscapesDataset', data_root='data', data_prefix=dict(img_path='a', seg_map_path='b'),
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1, num_workers=4, persistent_workers=True, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CityscapesDataset', data_root='data', data_prefix=dict(img_path='a', seg_map_path='b'),
                 pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
default_scope = 'mmseg'
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005),
                     clip_grad=None)
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=40000, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=4000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=4000),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'))
load_from = None
resume = False
"""
