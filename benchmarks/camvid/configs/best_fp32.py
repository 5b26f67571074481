# The recipe of best.py where the processor has no bf16: three quarters of the width, in fp32, fewer steps.
_base_ = ['./best.py']
steps = 2350
model = dict(
    backbone=dict(base_channels=24),
    decode_head=dict(in_channels=24, channels=24),
    auxiliary_head=dict(in_channels=96, channels=48))
optim_wrapper = dict(
    _delete_=True, type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.02),
    clip_grad=dict(max_norm=5.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=steps // 20),
    dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False, begin=steps // 20, end=steps)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=steps, val_interval=587)
default_hooks = dict(checkpoint=dict(interval=587))
channels_last = False  # wide convolutions take minimal filtering instead, which is faster here
