_base_ = ['_base_/fcn_r18.py', '_base_/shapes.py', '_base_/runtime.py']
custom_imports = dict(imports=['slow_start'], allow_failed_imports=False)
custom_hooks = [
    dict(type='FreezeStemHook', until=1),
    dict(type='TemperatureHook', start=2.0, factor=0.25, priority='LOW'),
]
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    constructor='DepthDecayConstructor',
    paramwise_cfg=dict(decay_rate=0.8),
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.0005),
    clip_grad=dict(max_norm=5.0))
