_base_ = ['_base_/fcn_r18_0x.py', '_base_/shapes_0x.py', '_base_/runtime_0x.py']
custom_imports = dict(imports=['kd_zoo'], allow_failed_imports=False)
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='Distiller',
    teacher_cfg=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg, norm_eval=True,
            style='pytorch'),
        decode_head=dict(
            type='FCNHead', in_channels=32, in_index=3, channels=8, num_convs=1, concat_input=False, dropout_ratio=0,
            num_classes=3, norm_cfg=norm_cfg, align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
        train_cfg=dict(),
        test_cfg=dict(mode='whole')),
    distill_loss=dict(type='ChannelWiseDivergence', tau=2.0, loss_weight=3.0),
    adapter=dict(
        type='Adapter', channels=3,
        init_cfg=[dict(type='Constant', layer='Conv2d', val=0.1), dict(type='Constant', layer='BatchNorm2d', val=1.)]))
# a small rate: at 0.02 the second step leaves many pixels undecided between two classes
optimizer = dict(lr=0.0002)
