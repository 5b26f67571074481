_base_ = ['_base_/shapes_0x.py', '_base_/runtime_0x.py']
custom_imports = dict(imports=['hrda.head', 'hrda.segmentor'], allow_failed_imports=False)
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='HRDAEncoderDecoder',
    scales=[0.5, 1],
    backbone=dict(
        type='ResNet',
        depth=18,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 1, 2),
        base_channels=4,
        stem_channels=4,
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='pytorch'),
    decode_head=dict(
        type='HRDAHead',
        single_scale_head='SegformerHead',
        attention_classwise=True,
        hr_loss_weight=0.1,
        in_channels=[4, 8, 16],
        in_index=[0, 1, 2],
        channels=8,
        dropout_ratio=0.,
        num_classes=3,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
