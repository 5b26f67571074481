# A frozen DINOv3-S under a linear head, 32 steps of 4 crops. The encoder's weights are random here, because DINOv3's
# are gated: the number means nothing, the path is shown. With the file, set init_cfg as below, and train longer.
_base_ = ['./camvid.py']
steps = 32
crop_size = (160, 160)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(size=crop_size),
    backbone=dict(
        type='DinoVisionTransformer',
        arch='dinov3-s',
        out_indices=-1,
        frozen=True,
        # init_cfg=dict(type='Pretrained', checkpoint='pretrain/dinov3_vits16_pretrain_lvd1689m-08c60483.pth'),
    ),
    decode_head=dict(
        type='BNHead',
        in_channels=384,
        in_index=0,
        channels=384,
        dropout_ratio=0.1,
        num_classes=11,
        ignore_index=11,
        norm_cfg=dict(type='BN', requires_grad=True),
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(480, 360), ratio_range=(0.75, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75, ignore_index=11),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=False, begin=0, end=8),
    dict(type='CosineAnnealingLR', eta_min=0.0, by_epoch=False, begin=8, end=steps)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=steps, val_interval=steps)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=12, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=steps, max_keep_ckpts=1))
