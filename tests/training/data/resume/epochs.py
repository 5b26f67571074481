# ruff: noqa: C408  configs are written with dict(...)
# As sgd.py, in epochs of three iterations, with gradients added up over two and learning rates by kind.
_base_ = "./sgd.py"
optim_wrapper = dict(accumulative_counts=2, paramwise_cfg=dict(bias_lr_mult=2.0, bias_decay_mult=0.0))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, begin=0, end=5, by_epoch=False),
    dict(type="MultiStepLR", milestones=[3, 6], gamma=0.3, by_epoch=True),
]
train_cfg = dict(_delete_=True, type="EpochBasedTrainLoop", max_epochs=12)
train_dataloader = dict(sampler=dict(type="DefaultSampler"))
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=4))
