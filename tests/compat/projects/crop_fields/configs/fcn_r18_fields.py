_base_ = ['_base_/fcn_r18.py', '_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['crop_fields'], allow_failed_imports=False)
crop_size = (48, 48)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadFieldAnnotations', border=1),
    dict(type='CropLeft', crop_size=crop_size, cat_max_ratio=1.0),
    dict(type='AddIndexChannel', prob=1.0, gain=50.0),
    dict(type='PackFieldInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='AddIndexChannel', prob=1.0, gain=50.0),
    dict(type='LoadFieldAnnotations'),
    dict(type='PackFieldInputs'),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='FieldsDataset',
        every=2,
        data_root='data/shapes',
        ann_file='train.csv',
        data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'),
        pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='FieldsDataset',
        data_root='data/shapes',
        ann_file='val.csv',
        data_prefix=dict(img_path='images/validation', seg_map_path='annotations/validation'),
        pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = [dict(type='IoUWithCounts', iou_metrics=['mIoU', 'mDice']), dict(type='BoundaryErrors')]
test_evaluator = val_evaluator
