# Retinal vessels (DRIVE, 2 classes): OCRNet-HR18 fine-tuned from its Cityscapes weights on 16 photographs.
_base_ = './ocrnet_hr18_4xb2-40k_cityscapes-512x1024.py'

data_root = '{{$DRIVE:data/drive}}'
classes = ('background', 'vessel')
palette = [[120, 120, 120], [230, 159, 0]]
crop_size = (512, 512)
epochs = 40

# One GPU or a CPU: BN. Two classes in both heads: the first finds the regions, the second classifies the pixels.
norm_cfg = dict(type='BN', requires_grad=True)
branches = [18, 36, 72, 144]
head = dict(
    in_channels=branches,
    in_index=(0, 1, 2, 3),
    input_transform='resize_concat',
    dropout_ratio=-1,
    num_classes=2,
    norm_cfg=norm_cfg,
    align_corners=False)
model = dict(
    pretrained=None,  # load_from brings all weights
    data_preprocessor=dict(size=crop_size),
    backbone=dict(norm_cfg=norm_cfg),
    decode_head=[
        dict(
            type='FCNHead',
            channels=sum(branches),
            num_convs=1,
            kernel_size=1,
            concat_input=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4),
            **head),
        dict(
            type='OCRHead',
            channels=512,
            ocr_channels=256,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
            **head),
    ])

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(565, 584), ratio_range=(0.9, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
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
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(split='{{ fileDirname }}/splits/train.txt', pipeline=train_pipeline, **drive))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='{{ fileDirname }}/splits/val.txt', pipeline=test_pipeline, **drive))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU', 'mDice'])
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU', 'mDice'], output_dir='work_dirs/retina_vessels/labels')

# Written in epochs, applied step by step: 2 of warm-up, then polynomial decay.
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(
        type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=True, begin=2, end=epochs, convert_to_iter_based=True),
]
train_cfg = dict(
    _delete_=True, type='EpochBasedTrainLoop', max_epochs=epochs, val_begin=1, val_interval=1)
default_hooks = dict(
    logger=dict(interval=4),
    checkpoint=dict(_delete_=True, type='CheckpointHook', by_epoch=True, interval=10, save_best='mIoU'))
load_from = '{{$OCRNET_HR18:checkpoints/ocrnet_hr18_512x1024_40k_cityscapes_20200601_033320-401c5bdd.pth}}'
randomness = dict(seed=0)
work_dir = 'work_dirs/retina_vessels'
