_base_ = ['../_base_/shapes_0x.py', '../_base_/runtime_0x.py']
norm_cfg = dict(type='BN', requires_grad=True)
head = dict(
    type='VisionTransformerUpHead',
    in_channels=16,
    channels=8,
    img_size=64,
    embed_dim=16,
    num_classes=3,
    norm_cfg=norm_cfg,
    num_conv=2,
    num_upsampe_layer=2,
    conv3x3_conv1x1=True,
    align_corners=False)
model = dict(
    type='EncoderDecoder',
    backbone=dict(
        type='VisionTransformer',
        model_name='vit_tiny_patch8_64',
        img_size=64,
        patch_size=8,
        in_chans=3,
        embed_dim=16,
        depth=2,
        num_heads=2,
        num_classes=3,
        drop_rate=0.,
        norm_cfg=dict(type='LN', eps=1e-6),
        pos_embed_interp=True,
        random_init=True,
        align_corners=False),
    decode_head=dict(
        in_index=1, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0), **head),
    auxiliary_head=[
        dict(in_index=0, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4), **head),
        dict(in_index=1, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4), **head)
    ],
    train_cfg=dict(),
    test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(48, 48)))
optimizer = dict(lr=0.01, weight_decay=0.0, paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=10.)}))
