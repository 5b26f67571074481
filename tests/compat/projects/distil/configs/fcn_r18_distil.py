_base_ = ['_base_/fcn_r18.py', '_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['distil'], allow_failed_imports=False)
norm_cfg = {{_base_.norm_cfg}}
model = dict(
    type='DistilledEncoderDecoder',
    distil_weight=2.0,
    teacher=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg, norm_eval=True),
    auxiliary_head=[
        dict(
            type='FCNHead',
            in_channels=16,
            in_index=2,
            channels=8,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0,
            num_classes=3,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4))
    ],
    test_cfg=dict(mode='slide', crop_size=(48, 48), stride=(32, 32)))
