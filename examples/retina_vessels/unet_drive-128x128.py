# Retinal vessels (DRIVE, 2 classes) from scratch: a shipped recipe, the U-Net with cross entropy and Dice, a quarter as
# wide and on a few hundred crops, which takes minutes of a CPU. The recipe itself trains 40,000 steps on a GPU.
_base_ = 'unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_drive-64x64'

data_root = '{{$DRIVE:data/drive}}'
classes = ('background', 'vessel')
palette = [[120, 120, 120], [230, 159, 0]]
crop_size = (128, 128)
steps = 400

norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(base_channels=16, norm_cfg=norm_cfg),
    # Vessels are one pixel in twelve: unweighted, a model calls everything background for a thousand steps.
    decode_head=dict(
        in_channels=16,
        channels=16,
        dropout_ratio=0.0,
        norm_cfg=norm_cfg,
        loss_decode=[
            dict(type='CrossEntropyLoss', loss_name='loss_ce', loss_weight=1.0, class_weight=[1.0, 4.0]),
            dict(type='DiceLoss', use_sigmoid=False, loss_weight=1.0, ignore_index=0),
        ]),
    auxiliary_head=dict(
        in_channels=32,
        channels=16,
        dropout_ratio=0.0,
        norm_cfg=norm_cfg,
        loss_decode=dict(class_weight=[1.0, 4.0])),
    test_cfg=dict(_delete_=True, mode='whole'))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(565, 584), ratio_range=(0.9, 1.2), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.98),  # outside the eye there is nothing to learn
    dict(type='RandomFlip', prob=[0.25, 0.25], direction=['horizontal', 'vertical']),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
# Images are 21_training.tif ..., masks 21_manual1.gif ...: paired by what their names share.
drive = dict(
    type='FolderDataset',
    data_root=data_root,
    images='images',
    masks='1st_manual',
    classes=classes,
    palette=palette,
    label_map={0: 0, 255: 1})
train_dataloader = dict(
    _delete_=True,
    batch_size=4,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(split='{{ fileDirname }}/splits/train.txt', pipeline=train_pipeline, **drive))
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='{{ fileDirname }}/splits/val.txt', pipeline=test_pipeline, **drive))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='IoUMetric', iou_metrics=['mIoU', 'mDice'])
test_evaluator = val_evaluator

optim_wrapper = dict(
    _delete_=True, type='OptimWrapper', optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=steps // 20),
    dict(
        type='CosineAnnealingLR', T_max=steps - steps // 20, eta_min=0.0, by_epoch=False, begin=steps // 20, end=steps
    ),
]
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=steps, val_interval=100)
default_hooks = dict(
    logger=dict(interval=20),
    checkpoint=dict(_delete_=True, type='CheckpointHook', by_epoch=False, interval=100, max_keep_ckpts=1,
                    save_best='IoU/vessel'))
randomness = dict(seed=0)
work_dir = 'work_dirs/retina_unet'
