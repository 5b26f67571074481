"""What a run says of itself before the first step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer

from segue.checkpoints.trained import is_adapter
from segue.layers.lora import adapted_layers
from segue.training.cached_features import unknown_steps
from segue.training.compute.ways import told_precision, told_unfiltered
from segue.training.ignored import ignored, uncalled
from segue.training.later import refused_later
from segue.training.loops import Loop
from segue.training.machine import has_sync_norm
from segue.training.optimization.muon import told
from segue.training.optimizers import unmatched
from segue.training.progress import device_line


def introduce(run: Any, trainer: Trainer, loop: Loop, source: Path | None) -> None:
    """What is about to happen, in a few lines; ``run`` is the `segue.training.run.Run`."""
    model = run.parts.model
    weights = sum(p.numel() for p in model.parameters()) / 1e6
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad) / 1e6
    share = f", {trained:.2f} M of them trained ({trained / weights:.1%})" if trained < weights else ""
    length = f"{loop.max_epochs} epochs of {loop.epoch_length}" if loop.by_epoch else f"{loop.max_iters}"
    images = len(run.parts.train_data)
    checked = f", {len(run.parts.val_data)} for validation" if run.parts.val_data is not None else ""
    run.say(
        f"{type(model).__name__}, {weights:.1f} M parameters{share}; {images} images{checked}\n"
        f"{length} iterations on {device_line(trainer)}; seed {run.seed}\n"
        f"Everything is written to {run.folder}"
    )
    adapted = adapted_layers(model)
    if adapted:
        rank = next(iter(adapted.values())).lora_A.shape[0]
        numbers = sum(p.numel() for n, p in model.named_parameters() if is_adapter(n))
        run.say(f"lora: adapters of rank {rank} in {len(adapted)} layers, {numbers / 1e6:.2f} M parameters")
    said = [*told(model, run.plan.wrapper.optimizer), *refused_later(run.cfg), *run.parts.said]
    said += [*uncalled(run.parts.val_data), *unknown_steps(run.cfg)]
    said += told_precision(str(trainer.precision), run.plan.wrapper.dtype, run.plan.wrapper.amp)
    said += told_unfiltered(run.cfg, str(trainer.precision), cuda=trainer.strategy.root_device.type == "cuda")
    for line in [*ignored(run.cfg), *unmatched(model, run.plan.wrapper), *said]:
        run.say(line)
    apart = trainer.world_size > 1 and trainer.strategy.root_device.type != "cuda"
    if apart and has_sync_norm(run.cfg.get("model")):
        run.say("SyncBN: on the CPU each process normalizes with its own part of the batch; torch synchronizes GPUs")
    if source is not None:
        writer = f", written by {run.handover.found.format}," if run.handover else ""
        run.say(f"Continuing {source}{writer} after iteration {run.resumed}")
    for line in run.handover.report() if run.handover else ():
        run.say(line)
