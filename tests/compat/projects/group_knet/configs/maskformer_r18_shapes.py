_base_ = ['_base_/fcn_r18.py', '_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['group_knet'], allow_failed_imports=False)
model = dict(
    decode_head=dict(
        _delete_=True,
        type='TunedMaskFormerHead',
        temperature=0.5,
        in_channels=[4, 8, 16, 32],
        feat_channels=16,
        in_index=[0, 1, 2, 3],
        num_classes=3,
        out_channels=16,
        num_queries=5,
        pixel_decoder=dict(
            type='mmdet.PixelDecoder', norm_cfg=dict(type='GN', num_groups=4), act_cfg=dict(type='ReLU')),
        enforce_decoder_input_project=False,
        positional_encoding=dict(num_feats=8, normalize=True),
        transformer_decoder=dict(
            return_intermediate=True,
            num_layers=2,
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
            type='mmdet.CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0, reduction='mean',
            class_weight=[1.0, 1.0, 1.0, 0.1]),
        loss_mask=dict(type='mmdet.FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, reduction='mean',
                       loss_weight=20.0),
        loss_dice=dict(
            type='mmdet.DiceLoss', use_sigmoid=True, activate=True, reduction='mean', naive_dice=True, eps=1.0,
            loss_weight=1.0),
        train_cfg=dict(
            assigner=dict(
                type='mmdet.HungarianAssigner',
                match_costs=[
                    dict(type='mmdet.ClassificationCost', weight=1.0),
                    dict(type='mmdet.FocalLossCost', weight=20.0, binary_input=True),
                    dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, eps=1.0)
                ]),
            sampler=dict(type='mmdet.MaskPseudoSampler'))))
