_base_ = ['_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['uda'], allow_failed_imports=False)
seed = 7
max_iters = 2
load_from = 'weights.pth'
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='DACS',
    alpha=0.9,
    pseudo_threshold=0.4,
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[120.0, 110.0, 100.0],
        std=[60.0, 60.0, 60.0],
        bgr_to_rgb=True,
        size=(64, 64),
        pad_val=0,
        seg_pad_val=255),
    model=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg, norm_eval=False,
            style='pytorch'),
        decode_head=dict(
            type='FCNHead',
            in_channels=32,
            in_index=3,
            channels=8,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0,
            num_classes=3,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
        train_cfg=dict(),
        test_cfg=dict(mode='whole')))
target_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='InfiniteSampler', shuffle=False),
    dataset=dict(
        type='BaseSegDataset',
        data_root='data/shapes',
        metainfo={{_base_.metainfo}},
        img_suffix='.png',
        seg_map_suffix='.png',
        data_prefix=dict(img_path='images/validation', seg_map_path='annotations/validation'),
        pipeline={{_base_.train_pipeline}}))
