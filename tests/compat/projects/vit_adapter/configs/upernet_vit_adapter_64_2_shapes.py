_base_ = ['_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['mmseg_custom'], allow_failed_imports=False)
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[120.0, 110.0, 100.0],
        std=[60.0, 60.0, 60.0],
        bgr_to_rgb=True,
        size=(64, 64),
        pad_val=0,
        seg_pad_val=255),
    backbone=dict(type='ViTAdapter', embed_dim=16, depth=2, num_heads=4, n_points=4),
    decode_head=dict(
        type='UPerHead',
        in_channels=[16, 16, 16, 16],
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2),
        channels=8,
        dropout_ratio=0.,
        num_classes=3,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=16,
        in_index=2,
        channels=8,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.,
        num_classes=3,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-4, eps=1e-4, betas=(0.9, 0.999), weight_decay=0.05),
    paramwise_cfg=dict(
        custom_keys={'pos_embed': dict(decay_mult=0.), 'level_embed': dict(decay_mult=0.), 'norm': dict(decay_mult=0.)}))
