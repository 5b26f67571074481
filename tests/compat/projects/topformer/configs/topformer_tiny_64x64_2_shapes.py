_base_ = ['_base_/shapes_0x.py', '_base_/runtime_0x.py']
custom_imports = dict(imports=['topformer'], allow_failed_imports=False)
norm_cfg = dict(type='SyncBN', requires_grad=True)
model_cfgs = dict(
    cfg=[
        # k,  t,  c, s
        [3, 1, 8, 1],
        [3, 3, 8, 2],
        [3, 3, 12, 2],
        [5, 3, 16, 2],
    ],
    channels=[8, 12, 16],
    out_channels=[None, 16, 16],
    embed_out_indice=[1, 2, 3],
    decode_out_indices=[1, 2],
    num_heads=2)
model = dict(
    type='EncoderDecoder',
    backbone=dict(
        type='Topformer',
        cfgs=model_cfgs['cfg'],
        channels=model_cfgs['channels'],
        out_channels=model_cfgs['out_channels'],
        embed_out_indice=model_cfgs['embed_out_indice'],
        decode_out_indices=model_cfgs['decode_out_indices'],
        depths=2,
        num_heads=model_cfgs['num_heads'],
        norm_cfg=norm_cfg),
    decode_head=dict(
        type='SimpleHead',
        in_channels=[16, 16],
        in_index=[0, 1],
        channels=16,
        dropout_ratio=0,
        num_classes=3,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
optimizer = dict(
    _delete_=True, type='AdamW', lr=0.00012, eps=1e-4, betas=(0.9, 0.999), weight_decay=0.01,
    paramwise_cfg=dict(custom_keys={'norm': dict(decay_mult=0.), 'head': dict(lr_mult=10.)}))
