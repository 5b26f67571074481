from mmengine.hooks import CheckpointHook, DistSamplerSeedHook, IterTimerHook, LoggerHook, ParamSchedulerHook
from mmengine.optim.optimizer.optimizer_wrapper import OptimWrapper
from mmengine.optim.scheduler.lr_scheduler import LinearLR, PolyLR
from mmengine.runner.loops import IterBasedTrainLoop, TestLoop, ValLoop
from torch.optim.adamw import AdamW

from mmseg.engine import SegVisualizationHook

default_scope = None
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
log_processor = dict(by_epoch=False)
log_level = 'INFO'
load_from = None
resume = False
optim_wrapper = dict(
    type=OptimWrapper, optimizer=dict(type=AdamW, lr=0.002, eps=1e-4, betas=(0.9, 0.999), weight_decay=0.05), clip_grad=None)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.5, by_epoch=False, begin=0, end=1),
    dict(type=PolyLR, eta_min=0.0, power=1.0, begin=1, end=2, by_epoch=False),
]
train_cfg = dict(type=IterBasedTrainLoop, max_iters=2, val_interval=2)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
default_hooks = dict(
    timer=dict(type=IterTimerHook),
    logger=dict(type=LoggerHook, interval=1, log_metric_by_epoch=False),
    param_scheduler=dict(type=ParamSchedulerHook),
    checkpoint=dict(type=CheckpointHook, by_epoch=False, interval=2),
    sampler_seed=dict(type=DistSamplerSeedHook),
    visualization=dict(type=SegVisualizationHook))
