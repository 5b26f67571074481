# A small OCRNet for the generated town of `segue demo`: 3 classes, 128 x 128 crops, from scratch on a CPU in about a
# minute. The demo copies this file beside its data; it is an ordinary config, so copy it, change it and train again:
#
#     segue train segue-demo/demo_town.py
data_root = '{{ fileDirname }}/town'
classes = ('background', 'building', 'road')
palette = [[140, 146, 152], [230, 159, 0], [0, 114, 178]]
crop_size = (128, 128)

norm_cfg = dict(type='BN', requires_grad=True)
head = dict(
    in_channels=[32, 64, 128, 256],
    in_index=(0, 1, 2, 3),
    input_transform='resize_concat',
    channels=64,
    num_classes=3,
    dropout_ratio=-1,
    norm_cfg=norm_cfg,
    align_corners=False)
model = dict(
    type='CascadeEncoderDecoder',
    num_stages=2,
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=crop_size),
    backbone=dict(
        type='ResNetV1c',
        depth=18,
        stem_channels=32,
        base_channels=32,  # half of ResNet-18's width
        norm_cfg=norm_cfg),
    decode_head=[
        # soft object regions, supervised with weight 0.4, then object-contextual representations
        dict(
            type='FCNHead',
            num_convs=1,
            kernel_size=1,
            concat_input=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4),
            **head),
        dict(
            type='OCRHead',
            ocr_channels=32,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
            **head),
    ],
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(256, 256), ratio_range=(0.8, 1.25), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.95),
    dict(type='RandomFlip', prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
town = dict(
    type='BaseSegDataset',
    data_root=data_root,
    data_prefix=dict(img_path='images', seg_map_path='masks'),
    img_suffix='.png',
    metainfo=dict(classes=classes, palette=palette))
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(ann_file='splits/train.txt', pipeline=train_pipeline, **town))
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='splits/val.txt', pipeline=test_pipeline, **town))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.002, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.03, by_epoch=False, begin=0, end=30),
    dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False, begin=30, end=160),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=160, val_interval=40)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=5, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=160, max_keep_ckpts=1))
default_scope = 'mmseg'
randomness = dict(seed=0)
