_base_ = ['_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports='rein')
num_classes = 3
model = dict(
    type='FrozenBackboneEncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[120.0, 110.0, 100.0],
        std=[60.0, 60.0, 60.0],
        bgr_to_rgb=True,
        size={{_base_.crop_size}},
        pad_val=0,
        seg_pad_val=255),
    backbone=dict(
        type='ReinsVisionTransformer',
        img_size=64,
        patch_size=8,
        embed_dim=16,
        depth=4,
        num_heads=2,
        reins_config=dict(type='Reins', token_length=6, num_layers=4, embed_dims=16, query_dims=16)),
    decode_head=dict(
        type='ReinMask2FormerHead',
        replace_query_feat=True,
        in_channels=[16, 16, 16, 16],
        strides=[4, 8, 16, 32],
        feat_channels=16,
        out_channels=16,
        num_classes=num_classes,
        num_queries=6,
        num_transformer_feat_level=3,
        align_corners=False,
        pixel_decoder=dict(
            type='mmdet.MSDeformAttnPixelDecoder',
            num_outs=3,
            norm_cfg=dict(type='GN', num_groups=4),
            act_cfg=dict(type='ReLU'),
            encoder=dict(
                num_layers=1,
                layer_cfg=dict(
                    self_attn_cfg=dict(
                        embed_dims=16, num_heads=4, num_levels=3, num_points=4, im2col_step=64, dropout=0.0,
                        batch_first=True, norm_cfg=None, init_cfg=None),
                    ffn_cfg=dict(
                        embed_dims=16, feedforward_channels=32, num_fcs=2, ffn_drop=0.0,
                        act_cfg=dict(type='ReLU', inplace=True))),
                init_cfg=None),
            positional_encoding=dict(num_feats=8, normalize=True),
            init_cfg=None),
        enforce_decoder_input_project=False,
        positional_encoding=dict(num_feats=8, normalize=True),
        transformer_decoder=dict(
            return_intermediate=True,
            num_layers=3,
            layer_cfg=dict(
                self_attn_cfg=dict(
                    embed_dims=16, num_heads=4, attn_drop=0.0, proj_drop=0.0, dropout_layer=None, batch_first=True),
                cross_attn_cfg=dict(
                    embed_dims=16, num_heads=4, attn_drop=0.0, proj_drop=0.0, dropout_layer=None, batch_first=True),
                ffn_cfg=dict(
                    embed_dims=16, feedforward_channels=32, num_fcs=2, act_cfg=dict(type='ReLU', inplace=True),
                    ffn_drop=0.0, dropout_layer=None, add_identity=True)),
            init_cfg=None),
        loss_cls=dict(
            type='mmdet.CrossEntropyLoss', use_sigmoid=False, loss_weight=2.0, reduction='mean',
            class_weight=[1.0] * num_classes + [0.1]),
        loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True, reduction='mean', loss_weight=5.0),
        loss_dice=dict(
            type='mmdet.DiceLoss', use_sigmoid=True, activate=True, reduction='mean', naive_dice=True, eps=1.0,
            loss_weight=5.0),
        train_cfg=dict(
            num_points=256,
            oversample_ratio=3.0,
            importance_sample_ratio=0.75,
            assigner=dict(
                type='mmdet.HungarianAssigner',
                match_costs=[
                    dict(type='mmdet.ClassificationCost', weight=2.0),
                    dict(type='mmdet.CrossEntropyLossCost', weight=5.0, use_sigmoid=True),
                    dict(type='mmdet.DiceCost', weight=5.0, pred_act=True, eps=1.0)
                ]),
            sampler=dict(type='mmdet.MaskPseudoSampler'))),
    train_cfg=dict(),
    test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(42, 42)))

# AdamW optimizer, no weight decay for position embedding & layer norm in backbone
embed_multi = dict(lr_mult=1.0, decay_mult=0.0)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    clip_grad=dict(max_norm=0.01, norm_type=2),
    optimizer=dict(type='AdamW', lr=0.0001, weight_decay=0.05, eps=1e-5, betas=(0.9, 0.999)),
    paramwise_cfg=dict(
        custom_keys={
            'norm': dict(decay_mult=0.0),
            'query_embed': embed_multi,
            'level_embed': embed_multi,
            'learnable_tokens': embed_multi,
            'reins.scale': embed_multi,
        },
        norm_decay_mult=0.0))
