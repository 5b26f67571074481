_base_ = ['_base_/fcn_r18.py', '_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['group_knet'], allow_failed_imports=False)
norm_cfg = {{_base_.norm_cfg}}
num_stages = 2
conv_kernel_size = 1
model = dict(
    decode_head=dict(
        _delete_=True,
        type='GroupIterativeHead',
        num_stages=num_stages,
        stage_weights=(0.9, 1.1),
        kernel_update_head=[
            dict(
                type='GatedKernelUpdateHead',
                gate=0.2,
                num_classes=3,
                num_ffn_fcs=2,
                num_heads=4,
                num_mask_fcs=1,
                feedforward_channels=32,
                in_channels=16,
                out_channels=16,
                dropout=0.0,
                conv_kernel_size=conv_kernel_size,
                ffn_act_cfg=dict(type='ReLU', inplace=True),
                with_ffn=True,
                feat_transform_cfg=dict(conv_cfg=dict(type='Conv2d'), act_cfg=None),
                kernel_updator_cfg=dict(
                    type='KernelUpdator',
                    in_channels=16,
                    feat_channels=16,
                    out_channels=16,
                    act_cfg=dict(type='ReLU', inplace=True),
                    norm_cfg=dict(type='LN'))) for _ in range(num_stages)
        ],
        kernel_generate_head=dict(
            type='FCNHead',
            in_channels=32,
            in_index=3,
            channels=16,
            num_convs=2,
            concat_input=True,
            dropout_ratio=0.,
            num_classes=3,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0))))
