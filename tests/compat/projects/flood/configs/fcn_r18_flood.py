_base_ = ['_base_/fcn_r18_0x.py', '_base_/shapes_0x.py', '_base_/runtime_0x.py']
custom_imports = dict(imports=['flood.datasets', 'flood.pipelines', 'not_there.at_all'], allow_failed_imports=True)
img_norm_cfg = dict(mean=[120.0, 110.0, 100.0], std=[60.0, 60.0, 60.0], to_rgb=True)
train_pipeline = [
    dict(type='LoadRaster', to_float32=True),
    dict(type='LoadAnnotations'),
    dict(type='RandomFlip', prob=0.),
    dict(type='GammaShift', gamma=1.2),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size=(64, 64), pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
test_pipeline = [
    dict(type='LoadRaster', to_float32=True),
    dict(
        type='MultiScaleFlipAug',
        img_scale=(64, 64),
        flip=False,
        transforms=[
            dict(type='Resize', keep_ratio=True),
            dict(type='RandomFlip'),
            dict(type='Normalize', **img_norm_cfg),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img']),
        ])
]
data = dict(
    train=dict(
        type='FloodDataset', split=None, scene_list='data/shapes/train.csv', since=2021, classes=None, palette=None,
        pipeline=train_pipeline),
    val=dict(
        type='FloodDataset', scene_list='data/shapes/val.csv', since=2021, classes=None, palette=None,
        pipeline=test_pipeline),
    test=dict(
        type='FloodDataset', scene_list='data/shapes/val.csv', since=2021, classes=None, palette=None,
        pipeline=test_pipeline))
