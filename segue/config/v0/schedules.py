"""How long, how fast, with which optimizer: ``runner``, ``lr_config``, ``optimizer`` of mmseg 0.x as 1.x has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from segue.config.marks import Mark
from segue.config.tree import ConfigDict
from segue.config.v0.ledger import Ledger, Old, derived

HOOKS = ("OptimizerHook", "GradientCumulativeOptimizerHook", "Fp16OptimizerHook", "GradientCumulativeFp16OptimizerHook")


@dataclass(frozen=True)
class Length:
    """How long training runs: ``number`` epochs or iterations."""

    by_epoch: bool
    number: Any
    mark: Mark


def read_length(top: Old) -> Length | None:
    """``runner``, or ``total_iters`` of still older configs; None where the config says neither."""
    runner = top.node.get("runner")
    if runner:
        old = Old(runner, "runner", top.ledger)
        top.seen.add("runner")
        kind = str(old.take("type", "train_cfg.type", "IterBasedRunner"))
        if kind not in ("IterBasedRunner", "EpochBasedRunner"):
            message = f"{kind!r} is a runner of your own; training is IterBasedRunner or EpochBasedRunner"
            top.ledger.problem("runner.type", message, old.mark("type"))
        by_epoch = "Epoch" in kind or ("max_epochs" in old and "max_iters" not in old)
        key = "max_epochs" if by_epoch else "max_iters"
        number = old.take(key, f"train_cfg.{key}")
        for rest in old.rest():
            old.drop(rest, "has no counterpart")
        for unused in ("total_iters", "total_epochs"):
            top.drop(unused, "runner says it")
        if number is None:
            top.ledger.problem("runner", f"says no {key}", top.mark("runner"))
        return Length(by_epoch, number, old.mark(key))
    for key, by_epoch in (("total_iters", False), ("total_epochs", True)):
        if key in top:
            number = top.take(key, f"train_cfg.{'max_epochs' if by_epoch else 'max_iters'}")
            return Length(by_epoch, number, top.mark(key))
    return None


def train_loop(length: Length, evaluation: Old | None) -> ConfigDict:
    """``train_cfg``; validation's interval was the evaluation's, counted in the runner's unit."""
    kind = "EpochBasedTrainLoop" if length.by_epoch else "IterBasedTrainLoop"
    loop = derived(length.mark, type=kind)
    loop.put("max_epochs" if length.by_epoch else "max_iters", length.number, length.mark)
    if evaluation is not None:
        evaluation.move("interval", loop, "val_interval", to="train_cfg.val_interval", default=1)
        evaluation.move("start", loop, "val_begin", to="train_cfg.val_begin")
    return loop


def optim_wrapper(top: Old) -> ConfigDict | None:
    """``optimizer``, ``optimizer_config`` and ``fp16`` together."""
    if not top.node.get("optimizer"):
        return None
    top.seen.add("optimizer")
    old = Old(top.node["optimizer"], "optimizer", top.ledger)
    wrapper, optimizer = derived(top.mark("optimizer"), type="OptimWrapper"), ConfigDict()
    for key in ("type", *old.rest()):
        if key in ("paramwise_cfg", "constructor"):
            old.move(key, wrapper, key, to=f"optim_wrapper.{key}")
        elif key not in old.seen:
            old.move(key, optimizer, key, to=f"optim_wrapper.optimizer.{key}")
    wrapper.put("optimizer", optimizer, top.mark("optimizer"))
    given = top.node.get("optimizer_config")
    top.seen.add("optimizer_config")
    hook = Old(given or {}, "optimizer_config", top.ledger)
    if given is not None and not given:
        top.ledger.note("optimizer_config", "ignored", "empty", top.mark("optimizer_config"))
    kind = str(hook.take("type", "optim_wrapper.type", "OptimizerHook"))
    if kind not in HOOKS:
        advice = "which optim_wrapper cannot run; write it as a Lightning callback"
        message = f"{kind!r} is a hook of your own, {advice}"
        hook.ledger.problem("optimizer_config.type", message, hook.mark("type"))
    hook.move("grad_clip", wrapper, "clip_grad", to="optim_wrapper.clip_grad")
    hook.move("cumulative_iters", wrapper, "accumulative_counts", to="optim_wrapper.accumulative_counts")
    fp16 = top.node.get("fp16")
    half = Old(fp16 or {}, "fp16", top.ledger)
    top.seen.add("fp16")
    if "Fp16" in kind or fp16 is not None:
        where = top.mark("fp16") or hook.mark("type")
        top.ledger.note("fp16" if "fp16" in top else "optimizer_config.type", "translated", "AmpOptimWrapper", where)
        wrapper.put("type", "AmpOptimWrapper", where)
        half.move("loss_scale", wrapper, "loss_scale", to="optim_wrapper.loss_scale")
        if "loss_scale" in hook:
            hook.move("loss_scale", wrapper, "loss_scale", to="optim_wrapper.loss_scale")
        if "loss_scale" not in wrapper:
            wrapper.put("loss_scale", 512.0, where)  # 0.x's default: a constant
    for rest in (hook, half):
        for key in rest.rest():
            rest.drop(key, "has no counterpart")
    return wrapper


def param_scheduler(top: Old, length: Length | None) -> list[ConfigDict] | None:
    """``lr_config``: a warmup, if there is one, then the policy."""
    if not top.node.get("lr_config"):
        return None
    top.seen.add("lr_config")
    old = Old(top.node["lr_config"], "lr_config", top.ledger)
    mark = top.mark("lr_config")
    by_epoch = bool(old.take("by_epoch", "param_scheduler.*.by_epoch", True))
    end = length.number if length is not None and length.by_epoch == by_epoch else None
    rules, begin = _warmup(old, mark, by_epoch)
    policy = str(old.take("policy", "param_scheduler.*.type")).lower().removesuffix("lrupdaterhook")
    rule = _policy(policy, old, begin, end, top.ledger)
    if rule is not None:
        rule.put("by_epoch", by_epoch, old.mark("by_epoch"))
        rules.append(rule)
    for key in old.rest():
        old.drop(key, "has no counterpart")
    return rules


def _warmup(old: Old, mark: Mark, by_epoch: bool) -> tuple[list[ConfigDict], int]:
    """The warmup rules, and the iteration where the policy begins."""
    kind = old.take("warmup", "param_scheduler.0.type")
    steps = old.take("warmup_iters", "param_scheduler.0.end", 0)
    ratio = old.take("warmup_ratio", "param_scheduler.0.start_factor", 0.1)
    epochs = bool(old.take("warmup_by_epoch", "param_scheduler.0.by_epoch", False))
    if not kind or not steps:
        return [], 0
    at = old.mark("warmup")
    if kind == "linear":
        rule = derived(at, type="LinearLR", start_factor=ratio, by_epoch=epochs, begin=0, end=steps)
    elif kind == "constant":
        rule = derived(at, type="ConstantLR", factor=ratio, by_epoch=epochs, begin=0, end=steps)
    else:
        old.ledger.problem("lr_config.warmup", f"{kind!r} has no counterpart; use 'linear' or 'constant'", at)
        return [], 0
    rule.put("end", steps, old.mark("warmup_iters") or mark)
    # counted in one unit, the policy takes over after the warmup; otherwise both act, as they did
    return [rule], steps if epochs == by_epoch else 0


def _policy(policy: str, old: Old, begin: int, end: Any, ledger: Ledger) -> ConfigDict | None:
    """The rule of a policy between ``begin`` and ``end``."""
    mark = old.mark("policy")

    def rule(kind: str, names: dict[str, str], **defaults: Any) -> ConfigDict:
        node = derived(mark, type=kind, **defaults)
        for key, name in names.items():
            old.move(key, node, name, to=f"param_scheduler.*.{name}")
        return node

    floor = {"min_lr": "eta_min", "min_lr_ratio": "eta_min_ratio"}
    if policy == "poly":
        node = rule("PolyLR", {"min_lr": "eta_min", "power": "power"}, eta_min=0.0, power=1.0)
    elif policy == "fixed":
        return None
    elif policy == "step" and isinstance(old.node.get("step"), (list, tuple)):
        return rule("MultiStepLR", {"step": "milestones", "gamma": "gamma"}, gamma=0.1)
    elif policy == "step":
        return rule("StepLR", {"step": "step_size", "gamma": "gamma"}, gamma=0.1)
    elif policy == "exp":
        return rule("ExponentialLR", {"gamma": "gamma"})
    elif policy == "cosineannealing":
        node = rule("CosineAnnealingLR", floor)
        if end is not None:
            node["T_max"] = end - begin
    elif policy == "cosinerestart":
        return rule("CosineRestartLR", {"periods": "periods", "restart_weights": "restart_weights", **floor})
    elif policy == "onecycle":
        names = {"max_lr": "eta_max", "total_steps": "total_steps"}
        same = ("pct_start", "anneal_strategy", "div_factor", "final_div_factor", "three_phase")
        return rule("OneCycleLR", {**names, **{key: key for key in same}}, total_steps=end)
    else:
        known = "poly, step, exp, fixed, CosineAnnealing, CosineRestart and OneCycle"
        ledger.problem("lr_config.policy", f"{old.node.get('policy')!r} has no counterpart; there are {known}", mark)
        return None
    node.put("begin", begin, mark)
    if end is not None:
        node.put("end", end, mark)
    return node
