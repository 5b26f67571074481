"""What happens around training in mmseg 0.x: checkpoints, logs, evaluation, hooks, the machine."""

from __future__ import annotations

from typing import Any

from segue.config.marks import children
from segue.config.tree import ConfigDict
from segue.config.v0.ledger import Old, derived, renamed
from segue.config.v0.schedules import Length

BACKENDS = {
    "TensorboardLoggerHook": "TensorboardVisBackend",
    "WandbLoggerHook": "WandbVisBackend",
    "MMSegWandbHook": "WandbVisBackend",
    "MlflowLoggerHook": "MLflowVisBackend",
    "NeptuneLoggerHook": "NeptuneVisBackend",
    "ClearMLLoggerHook": "ClearMLVisBackend",
    "DvcliveLoggerHook": "DVCLiveVisBackend",
}
#: what a 1.x checkpoint hook takes of a 0.x ``checkpoint_config``
CHECKPOINT_KEYS = ("by_epoch", "interval", "save_optimizer", "out_dir", "max_keep_ckpts", "save_last")
PASSED = ("log_level", "find_unused_parameters", "work_dir", "load_from")


def evaluators(old: Old | None) -> ConfigDict | None:
    """``evaluation`` as ``val_evaluator``."""
    if old is None:
        return None
    metric = old.take("metric", "val_evaluator.iou_metrics", "mIoU")
    metrics = [metric] if isinstance(metric, str) else list(metric)
    mark = old.mark("metric")
    found = []
    if "cityscapes" in metrics:
        found.append(derived(mark, type="CityscapesMetric", output_dir="work_dirs/format_results"))
        metrics.remove("cityscapes")
    if metrics:
        found.insert(0, derived(mark, type="IoUMetric", iou_metrics=metrics))
    if old.node.get("nan_to_num") is not None:
        old.move("nan_to_num", found[0], "nan_to_num", to="val_evaluator.nan_to_num")
    return found[0] if len(found) == 1 else found  # type: ignore[return-value]


def default_hooks(top: Old, evaluation: Old | None, length: Length | None) -> ConfigDict:
    """``checkpoint_config``, ``log_config`` and ``save_best`` as ``default_hooks``."""
    by_epoch = bool(length and length.by_epoch)
    hooks = ConfigDict({"timer": {"type": "IterTimerHook"}})
    log = Old(top.node.get("log_config") or {}, "log_config", top.ledger)
    top.seen.add("log_config")
    logger = derived(top.mark("log_config"), type="LoggerHook")
    log.move("interval", logger, "interval", to="default_hooks.logger.interval", default=50)
    logger.put("log_metric_by_epoch", by_epoch, top.mark("log_config"))
    hooks.put("logger", logger, top.mark("log_config"))
    hooks["param_scheduler"] = {"type": "ParamSchedulerHook"}
    given = top.node.get("checkpoint_config")
    top.seen.add("checkpoint_config")
    if given:
        old = Old(given, "checkpoint_config", top.ledger)
        checkpoint = derived(top.mark("checkpoint_config"), type="CheckpointHook", by_epoch=True)
        for key in CHECKPOINT_KEYS:
            old.move(key, checkpoint, key, to=f"default_hooks.checkpoint.{key}")
        old.drop("meta", "checkpoints always hold the class names, the palette and the config")
        for key in old.rest():
            old.drop(key, "has no counterpart")
        if evaluation is not None and evaluation.node.get("save_best"):
            for key in ("save_best", "rule", "greater_keys", "less_keys"):
                evaluation.move(key, checkpoint, key, to=f"default_hooks.checkpoint.{key}")
        hooks.put("checkpoint", checkpoint, top.mark("checkpoint_config"))
    hooks["sampler_seed"] = {"type": "DistSamplerSeedHook"}
    hooks["visualization"] = {"type": "SegVisualizationHook"}
    if evaluation is not None:
        for key in evaluation.rest():
            evaluation.drop(key, "results are always counted image by image")
    return hooks


def vis_backends(top: Old) -> list[ConfigDict]:
    """The loggers of ``log_config`` as backends of the visualizer."""
    config = top.node.get("log_config") or ConfigDict()
    hooks = config.get("hooks") or []
    found = [ConfigDict({"type": "LocalVisBackend"})]
    mark = config._marks.get("hooks")
    for index, (hook, at) in enumerate(zip(hooks, children(mark, len(hooks)), strict=True)):
        kind, key = str(hook.get("type")), f"log_config.hooks.{index}"
        if kind in BACKENDS:
            backend = derived(at, type=BACKENDS[kind])
            if hook.get("init_kwargs") is not None:
                backend.put("init_kwargs", hook["init_kwargs"], hook._marks.get("init_kwargs"))
            found.append(backend)
            top.ledger.note(f"{key} ({kind})", "translated", f"vis_backends: {BACKENDS[kind]}", at)
        elif kind == "TextLoggerHook":
            top.ledger.note(f"{key} ({kind})", "translated", "default_hooks.logger", at)
        else:
            top.ledger.note(f"{key} ({kind})", "ignored", "has no counterpart", at)
    return found


def custom_hooks(top: Old) -> list[ConfigDict]:
    """``custom_hooks``: the user's own pass, the toolbox's take other arguments now."""
    given = top.node.get("custom_hooks") or []
    top.seen.add("custom_hooks")
    found: list[ConfigDict] = []
    for index, (hook, at) in enumerate(zip(given, children(top.mark("custom_hooks"), len(given)), strict=True)):
        kind = str(hook.get("type"))
        if kind == "MMSegWandbHook":
            top.ledger.note(f"custom_hooks.{index} ({kind})", "translated", "vis_backends: WandbVisBackend", at)
            continue
        dropped = {"warm_up": "", "resume_from": ""} if kind == "EMAHook" else {}
        fate = "translated" if dropped else "used"
        top.ledger.note(f"custom_hooks.{index} ({kind})", fate, f"custom_hooks.{len(found)}", at)  # type: ignore[arg-type]
        found.append(renamed(hook, dropped))
    return found


def environment(top: Old) -> ConfigDict:
    """``cudnn_benchmark``, ``dist_params`` and process settings as ``env_cfg``."""
    env, processes = ConfigDict(), ConfigDict()
    top.move("cudnn_benchmark", env, "cudnn_benchmark", to="env_cfg.cudnn_benchmark", default=False)
    top.move("mp_start_method", processes, "mp_start_method", to="env_cfg.mp_cfg", default="fork")
    top.move("opencv_num_threads", processes, "opencv_num_threads", to="env_cfg.mp_cfg", default=0)
    env["mp_cfg"] = processes
    top.move("dist_params", env, "dist_cfg", to="env_cfg.dist_cfg", default={"backend": "nccl"})
    return env


def start(top: Old, out: ConfigDict) -> None:
    """``load_from``, ``resume_from`` and ``auto_resume``; seeds."""
    for key in PASSED:
        top.move(key, out, key)
    resume = bool(top.take("auto_resume", "resume", False))
    source = top.take("resume_from", "load_from with resume=True") if "resume_from" in top else None
    if source:
        out.put("load_from", source, top.mark("resume_from"))
    out.put("resume", bool(source) or resume, top.mark("resume_from"))
    randomness: dict[str, Any] = {}
    for key, name in (("seed", "seed"), ("deterministic", "deterministic"), ("diff_seed", "diff_rank_seed")):
        value = top.take(key, f"randomness.{name}")
        if value is not None:
            randomness[name] = value
    if randomness:
        out["randomness"] = randomness
    top.drop("workflow", "validation is val_cfg's")
    for key in ("gpu_ids", "device", "gpus"):
        top.drop(key, "the command line chooses devices")
    for key in ("omp_num_threads", "mkl_num_threads"):
        top.drop(key, "set the environment variable")
