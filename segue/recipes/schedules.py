"""Optimizers, schedules of the learning rate, loops, hooks and what else every run has."""

from __future__ import annotations

from typing import Any

Section = dict[str, Any]

NO_DECAY = dict(decay_mult=0.0)
CLIP_TINY = dict(max_norm=0.01, norm_type=2)  # as DETR's descendants clip


def sgd(lr: float = 0.01, weight_decay: float = 0.0005, **wrapper: Any) -> Section:
    """Momentum SGD; ``wrapper`` are arguments of the ``optim_wrapper``."""
    optimizer = dict(type="SGD", lr=lr, momentum=0.9, weight_decay=weight_decay)
    return dict(type="OptimWrapper", optimizer=optimizer, **dict(dict(clip_grad=None), **wrapper))


def adamw(lr: float, weight_decay: float, betas: Any = (0.9, 0.999), **wrapper: Any) -> Section:
    """AdamW; ``wrapper`` are arguments of the ``optim_wrapper``."""
    optimizer: Section = dict(type="AdamW", lr=lr, weight_decay=weight_decay)
    if betas is not None:
        optimizer["betas"] = betas
    return dict(type="OptimWrapper", optimizer=optimizer, **wrapper)


def transformer_adamw(*undecayed: str, **multiplied: dict[str, float]) -> Section:
    """The AdamW of most transformers: 6e-5, and no weight decay for what the keys name."""
    keys = {**{key: dict(NO_DECAY) for key in undecayed}, **multiplied}
    return adamw(6e-5, 0.01, paramwise_cfg=dict(custom_keys=keys))


def poly(end: int, *, begin: int = 0, eta_min: float = 1e-4, power: float = 0.9) -> Section:
    """Polynomial decay from one iteration to another."""
    return dict(type="PolyLR", eta_min=eta_min, power=power, begin=begin, end=end, by_epoch=False)


def warmup(end: int, factor: float) -> Section:
    """Linear growth of the learning rate from a fraction of it."""
    return dict(type="LinearLR", start_factor=factor, begin=0, end=end, by_epoch=False)


def warm_linear(iters: int, warm: int = 1500) -> list[Section]:
    """Warm-up, then a linear fall to zero: the schedule of most transformers."""
    return [warmup(warm, 1e-6), poly(iters, begin=warm, eta_min=0.0, power=1.0)]


def warm_poly(iters: int, warm: int = 1000) -> list[Section]:
    """Warm-up from a tenth, then the usual polynomial decay."""
    return [warmup(warm, 0.1), poly(iters, begin=warm)]


def warm_heads_first(iters: int, heads: int, encoder: int) -> list[Section]:
    """EoMT's: the heads' rate grows from 0 while the encoder's is 0, then the encoder's grows; both fall to 0.

    Rates are ``t / heads``, ``(t - heads) / encoder`` and polynomials of power 0.9, each over what is left of training.
    """
    ends = heads + encoder
    return [
        dict(warmup(heads + 1, 0.0), parts=["decode_head"]),
        dict(poly(iters + 1, begin=heads, eta_min=0.0), parts=["decode_head"]),
        dict(type="ConstantLR", factor=0.0, begin=0, end=heads + 1, by_epoch=False, parts=["backbone"]),
        dict(warmup(ends + 1, 0.0), begin=heads, parts=["backbone"]),
        dict(poly(iters + 1, begin=ends, eta_min=0.0), parts=["backbone"]),
    ]


def warm_cosine(iters: int, warm: int, eta_min: float) -> list[Section]:
    """Growth from 0, ``t / warm``, then half a cosine to ``eta_min``."""
    fall = dict(type="CosineAnnealingLR", T_max=iters - warm, eta_min=eta_min, begin=warm, end=iters, by_epoch=False)
    return [warmup(warm + 1, 0.0), fall]


def warm_steps(iters: int) -> list[Section]:
    """Warm-up, then two steps at three quarters and nine tenths."""
    milestones = [iters * 3 // 4, iters * 9 // 10]
    step = dict(type="MultiStepLR", begin=1000, end=iters, milestones=milestones, by_epoch=False)
    return [warmup(1000, 0.001), step]


def loops(iters: int, interval: int, **more: Any) -> Section:
    """Training for a number of iterations with validations, and the loops of validation and test."""
    train = dict(type="IterBasedTrainLoop", max_iters=iters, val_interval=interval, **more)
    return dict(train_cfg=train, val_cfg=dict(type="ValLoop"), test_cfg=dict(type="TestLoop"))


def hooks(interval: int, **checkpoint: Any) -> Section:
    """Logging every 50 iterations, a checkpoint every ``interval``; ``checkpoint`` are arguments of its hook."""
    return dict(
        timer=dict(type="IterTimerHook"),
        logger=dict(type="LoggerHook", interval=50, log_metric_by_epoch=False),
        param_scheduler=dict(type="ParamSchedulerHook"),
        checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=interval, **checkpoint),
        sampler_seed=dict(type="DistSamplerSeedHook"),
        visualization=dict(type="SegVisualizationHook"),
    )


def runtime() -> Section:
    """What every config says about its run."""
    return dict(
        default_scope="mmseg",
        env_cfg=dict(
            cudnn_benchmark=True,
            mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
            dist_cfg=dict(backend="nccl"),
        ),
        vis_backends=[dict(type="LocalVisBackend")],
        visualizer=dict(type="SegLocalVisualizer", vis_backends=[dict(type="LocalVisBackend")], name="visualizer"),
        log_processor=dict(by_epoch=False),
        log_level="INFO",
        load_from=None,
        resume=False,
    )
