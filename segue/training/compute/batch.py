"""``--effective-batch N``: the images of an optimizer's step, on any number of devices.

The rule: ``accumulative_counts`` becomes N / (batch_size x processes), and everything that counts iterations is
multiplied by it: the length of training, validations, checkpoints, averages and schedules. So the optimizer takes the
steps that the config means, on batches of the size that it was made for. What counts epochs stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from segue.config.trust import bare
from segue.errors import InputError

#: numbers of iterations, by section
_LOOP = ("max_iters", "val_interval", "val_begin")
_RULE = ("begin", "end", "T_max", "step_size", "total_steps")
_RULE_LISTS = ("milestones", "periods")
_EMA = ("begin_iter", "interval", "gamma")


def effective_batch_options(cfg: Mapping[str, Any], wanted: int | None, world: int) -> list[str]:
    """Options for ``wanted`` images a step with ``world`` processes.

    Args:
        cfg: the config, with 1 or no ``accumulative_counts``.
        wanted: images; 0: ``auto_scale_lr.base_batch_size``; None: nothing is asked for.
        world: processes.

    Raises:
        InputError: the number is unknown, is no multiple, or the config accumulates already.
    """
    if wanted is None:
        return []
    base = (cfg.get("auto_scale_lr") or {}).get("base_batch_size")
    if wanted == 0:
        wanted = base if isinstance(base, int) else None
    if wanted is None:
        raise InputError("--effective-batch: the config has no auto_scale_lr.base_batch_size; say how many images")
    step = int((cfg.get("train_dataloader") or {}).get("batch_size", 1)) * world
    if wanted < 1 or wanted % step:
        made = f"{step} images ({step // world} a process, {world} processes)"
        raise InputError(f"--effective-batch {wanted}: is no multiple of {made}; change train_dataloader.batch_size")
    wrapper = cfg.get("optim_wrapper") or {}
    if (wrapper.get("accumulative_counts") or 1) != 1:
        raise InputError("--effective-batch: optim_wrapper.accumulative_counts is given already; take one of them out")
    counts = wanted // step
    return [] if counts == 1 else [f"optim_wrapper.accumulative_counts={counts}", *_longer(cfg, counts)]


def _longer(cfg: Mapping[str, Any], counts: int) -> Iterator[str]:
    loop = cfg.get("train_cfg") or {}
    if not loop.get("by_epoch", True) or "max_iters" in loop:
        for name in _LOOP:
            if isinstance(loop.get(name), int):
                yield f"train_cfg.{name}={(loop[name] - (name == 'val_begin')) * counts + (name == 'val_begin')}"
        if loop.get("dynamic_intervals"):
            yield f"train_cfg.dynamic_intervals={[(b * counts, i * counts) for b, i in loop['dynamic_intervals']]!r}"
    rules = cfg.get("param_scheduler") or ()
    single = isinstance(rules, Mapping)
    for index, rule in enumerate([rules] if single else rules):
        if rule.get("by_epoch", True):
            continue
        at = "param_scheduler" if single else f"param_scheduler.{index}"
        for name in _RULE:
            if isinstance(rule.get(name), int):
                yield f"{at}.{name}={rule[name] * counts}"
        for name in _RULE_LISTS:
            if rule.get(name):
                yield f"{at}.{name}={[value * counts for value in rule[name]]!r}"
    hooks = [(f"default_hooks.{name}", node) for name, node in (cfg.get("default_hooks") or {}).items()]
    hooks += [(f"custom_hooks.{index}", node) for index, node in enumerate(cfg.get("custom_hooks") or ())]
    for at, node in hooks:
        if not isinstance(node, Mapping):
            continue
        kind = bare(str(node.get("type")))
        names: tuple[str, ...] = (
            ("interval", "save_begin") if kind == "CheckpointHook" and not node.get("by_epoch", True) else ()
        )
        names = _EMA if kind == "EMAHook" else names
        for name in names:
            if isinstance(node.get(name), int) and node[name] > 0:
                yield f"{at}.{name}={node[name] * counts}"
        if kind == "EMAHook" and "interval" not in node:
            yield f"{at}.interval={counts}"
        if kind == "EMAHook" and str(node.get("ema_type")).endswith("AnnealingEMA") and "gamma" not in node:
            yield f"{at}.gamma={100 * counts}"
