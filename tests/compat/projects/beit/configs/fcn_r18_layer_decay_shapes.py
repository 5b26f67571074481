_base_ = ['_base_/fcn_r18_0x.py', '_base_/shapes_0x.py', '_base_/runtime_0x.py']
custom_imports = dict(imports=['mmcv_custom'], allow_failed_imports=False)
optimizer = dict(
    _delete_=True,
    type='AdamW',
    lr=1e-2,
    betas=(0.9, 0.999),
    weight_decay=0.05,
    constructor='StageDecayOptimizerConstructor',
    paramwise_cfg=dict(num_layers=4, layer_decay_rate=0.8))
lr_config = dict(
    _delete_=True,
    policy='poly',
    warmup='linear',
    warmup_iters=1,
    warmup_ratio=1e-3,
    power=1.0,
    min_lr=0.0,
    by_epoch=False)
# do not use mmdet version fp16
fp16 = None
optimizer_config = dict(type='DistOptimizerHook', update_interval=1, grad_clip=None, coalesce=True, bucket_size_mb=-1, use_fp16=False)
runner = dict(_delete_=True, type='IterBasedRunnerAmp', max_iters=2)
