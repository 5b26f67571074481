_base_ = ['../_base_/shapes_0x.py', '../_base_/runtime_0x.py']
custom_imports = dict(imports='ddp')
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='DDP',
    pretrained=None,
    timesteps=3,
    bit_scale=0.01,
    accumulation=True,
    backbone=dict(
        type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg, norm_eval=False,
        style='pytorch', contract_dilation=True),
    neck=[
        dict(type='FPN', in_channels=[4, 8, 16, 32], out_channels=16, act_cfg=None, norm_cfg=norm_cfg, num_outs=4),
        dict(
            type='MultiStageMerging', in_channels=[16, 16, 16, 16], out_channels=16, kernel_size=1, norm_cfg=norm_cfg,
            act_cfg=None)
    ],
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=16,
        in_index=0,
        channels=8,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0,
        num_classes=3,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4)),
    decode_head=dict(
        type='DeformableHeadWithTime',
        in_channels=[16],
        channels=16,
        in_index=[0],
        dropout_ratio=0.,
        num_classes=3,
        norm_cfg=norm_cfg,
        align_corners=False,
        num_feature_levels=1,
        encoder=dict(
            type='TimedEncoder',
            num_layers=2,
            transformerlayers=dict(
                type='TimedEncoderLayer',
                use_time_mlp=True,
                batch_first=True,
                attn_cfgs=dict(
                    type='MultiScaleDeformableAttention', embed_dims=16, num_levels=1, num_heads=4, num_points=2,
                    dropout=0., batch_first=True),
                ffn_cfgs=dict(
                    type='FFN', embed_dims=16, feedforward_channels=32, ffn_drop=0., act_cfg=dict(type='GELU')),
                operation_order=('self_attn', 'norm', 'ffn', 'norm'))),
        positional_encoding=dict(type='ShapesPositionalEncoding', num_feats=8),
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    # model training and testing settings
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
optimizer = dict(_delete_=True, type='AdamW', lr=6e-4, eps=1e-4, weight_decay=0.01)
