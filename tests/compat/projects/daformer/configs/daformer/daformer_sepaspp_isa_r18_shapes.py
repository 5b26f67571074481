_base_ = ['../_base_/shapes_0x.py', '../_base_/runtime_0x.py']
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    backbone=dict(
        type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg, norm_eval=False, style='pytorch'),
    decode_head=dict(
        type='DAFormerHead',
        in_channels=[4, 8, 16, 32],
        in_index=[0, 1, 2, 3],
        channels=8,
        dropout_ratio=0,
        num_classes=3,
        norm_cfg=norm_cfg,
        align_corners=False,
        decoder_params=dict(
            embed_dims=8,
            embed_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            embed_neck_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            fusion_cfg=dict(
                type='aspp',
                sep=True,
                dilations=(1, 6, 12),
                pool=True,
                act_cfg=dict(type='ReLU'),
                norm_cfg=norm_cfg,
                context_cfg=dict(
                    type='isa', isa_channels=4, down_factor=(4, 4), conv_cfg=None, norm_cfg=norm_cfg,
                    act_cfg=dict(type='ReLU'))),
        ),
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    auxiliary_head=dict(
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
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
# a small rate: at 0.02 the second step leaves many pixels undecided between two classes
optimizer = dict(lr=0.0002)
