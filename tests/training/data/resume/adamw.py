# ruff: noqa: C408  configs are written with dict(...)
# As sgd.py, with a parameter group per parameter, two schedules, clipping, and an average of the weights.
_base_ = "./sgd.py"
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=0.002, betas=(0.9, 0.99), weight_decay=0.05),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(
        norm_decay_mult=0.0, custom_keys={"head": dict(lr_mult=10.0), "layer1.0": dict(lr_mult=0.5, decay_mult=0.1)}
    ),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, begin=0, end=20, by_epoch=False),
    dict(type="PolyLR", power=1.0, eta_min=0.0, begin=20, end=40, by_epoch=False),
]
custom_hooks = [dict(type="EMAHook", momentum=0.1, update_buffers=True)]
