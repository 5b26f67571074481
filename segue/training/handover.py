"""Continue a run that mmengine or mmcv 0.x began.

Its checkpoint becomes the state from which Lightning resumes: weights, their average, the optimizer's state, the
number of finished iterations, the loss scale of mixed precision, and the best value so far. The learning rates are
mmengine's; files of mmcv hold the rates of the iteration before, so the config's schedule gives them instead.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn

from segue.checkpoints.safe.checkpoint import Checkpoint
from segue.checkpoints.safe.reader import read
from segue.checkpoints.weights import copy_into, revised
from segue.errors import CheckpointError
from segue.training.hooks import CheckpointHook
from segue.training.loops import Loop
from segue.training.optimizer_state import fitted, plain, positions
from segue.training.optimizers import build_optimizer
from segue.training.recipe import Recipe
from segue.training.resumed import checked
from segue.training.schedule import Schedule

BEST = re.compile(r"best_.+_(iter|epoch)_(\d+)\.pth")
SCALER = {"scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker"}


@dataclass
class Handover:
    """Another toolbox's checkpoint in the middle of its training.

    Attributes:
        path: the file.
        found: what it holds.
        carried, left: what the run continues with, and what it does not, in words; filled by `state`.
    """

    path: Path
    found: Checkpoint
    carried: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def seed(self) -> Any:
        """The run's seed, if it is noted."""
        return self.found.meta.get("seed")

    def iteration(self, loop: Loop) -> int:
        """Finished iterations. Epochs are counted in this run's own length, as mmengine does.

        Raises:
            CheckpointError: they are not noted.
        """
        done, epochs = self.found.meta.get("iter"), self.found.meta.get("epoch")
        if loop.by_epoch and isinstance(epochs, int) and epochs > 0:
            here = epochs * loop.epoch_length
            if isinstance(done, int) and done != here:
                self.left.append(f"the count of {done} iterations: {epochs} epochs are {here} here")
            return here
        if not isinstance(done, int) or done < 0:
            raise self.refused("its meta does not say after which iteration it was written")
        return done + (self.found.format == "mmcv")  # mmcv's counter is raised after it has written the file

    def state(
        self, iteration: int, model: nn.Module, recipe: Recipe, trainer: Trainer, hook: CheckpointHook
    ) -> dict[str, Any]:
        """The checkpoint as Segue writes it; ``model`` gets the weights on the way.

        Args:
            iteration: see `iteration`.
            model: the segmentor of the config.
            recipe: how it is trained.
            trainer: shows how Lightning counts.
            hook: which values' best are kept.

        Raises:
            CheckpointError: weights are missing, or the optimizer's state is of another optimizer than the config's.
        """
        loop = recipe.loop
        raw: dict[str, Any] = {"pytorch-lightning_version": lightning.__version__, "epoch": 0, "lr_schedulers": []}
        names = self.weights(model, recipe, raw)
        raw["optimizer_states"] = [self.optimizer(model, recipe, names, iteration)]
        steps = iteration // recipe.wrapper.accumulative_counts
        raw["global_step"] = steps
        raw["loops"] = {"fit_loop": progress(trainer, iteration, steps, iteration >= loop.max_iters)}
        raw["schedule"] = {"iteration": iteration, "epoch": iteration // loop.epoch_length if loop.by_epoch else 0}
        raw["meta"] = {**self.found.meta, "iter": iteration}
        best = self.best(hook, loop)
        raw["callbacks"] = {**raw.get("callbacks", {}), "Saver": {"best": best, "kept": [], "validated": iteration}}
        self.scaler(raw, trainer)
        if iteration % recipe.wrapper.accumulative_counts:
            self.left.append("gradients added up since the last step")
        self.left.append(f"the order of the data (Segue's own, from seed {recipe.seed}), the log's history")
        return raw

    def weights(self, model: nn.Module, recipe: Recipe, raw: dict[str, Any]) -> dict[str, str | None]:
        """Put the weights and their average into ``raw``; the model's name for each of the file's keys."""
        state = self.found.state_dict
        trained, average, steps = trained_and_average(self.found, recipe.loop.by_epoch)
        if average is not None and recipe.averaging:
            self.fill(model, average)
            raw["state_dict"] = clone(model)
        names = self.fill(model, trained)
        own = clone(model)
        if average is None or not recipe.averaging:
            raw["state_dict"] = own
        else:
            raw["trained_state_dict"] = own
            raw["callbacks"] = {"Averaging": {"steps": steps}}
            self.carried.append(f"their average of {steps} steps")
        if average is not None and not recipe.averaging:
            self.left.append("the average of the weights, since the config has no EMAHook")
        elif average is None and recipe.averaging:
            self.left.append("an average of the weights, which the file does not have: it starts from the weights")
        known = sum(name is not None for name in names.values())
        self.carried.insert(0, f"weights ({known} tensors)")
        if unknown := [key for key in state if names.get(key) is None and not key.startswith("ema_")]:
            some = ", ".join(unknown[:3]) + (" ..." if len(unknown) > 3 else "")
            self.left.append(f"{len(unknown)} tensors that the model does not have ({some})")
        return names

    def fill(self, model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, str | None]:
        """Load ``state``; the model's name for each key, since modules may rename keys of older versions."""
        given = revised(state, model.state_dict(), ((r"^module\.", ""),), None, str(self.path))
        missing = copy_into(model, given).missing_keys
        own = model.state_dict()
        wrong = [key for key in own if key in given and own[key].shape != given[key].shape]
        if missing or wrong:
            some = ", ".join([*missing, *wrong][:3])
            count = len(missing) + len(wrong)
            raise self.refused(f"{count} tensors of the config's model are not in it in their shape ({some})")
        now = {id(tensor): key for key, tensor in given.items() if key in own}  # renaming moves the same tensor
        return {key: now.get(id(tensor)) for key, tensor in state.items()}

    def optimizer(
        self, model: nn.Module, recipe: Recipe, names: Mapping[str, str | None], iteration: int
    ) -> dict[str, Any]:
        """The optimizer's state, for the config's optimizer."""
        saved = self.found.raw.get("optimizer")
        if not isinstance(saved, dict) or not isinstance(saved.get("state"), dict) or "param_groups" not in saved:
            raise self.refused("it has the states of several optimizers, or of none")
        optimizer = build_optimizer(model, recipe.wrapper, lr_scale=recipe.lr_scale, rules=recipe.rules)
        schedule = Schedule(optimizer, recipe.rules, recipe.loop.epoch_length if recipe.loop.by_epoch else 0, model)
        schedule.advance(iteration)
        try:
            places = positions(saved, names, model)
            state, notes = fitted(saved, places, model, optimizer, rates=self.found.format == "mmengine")
        except CheckpointError as error:
            raise self.refused(str(error)) from None
        self.left += notes
        self.carried.append(f"the state of {type(optimizer).__name__} for {len(state['state'])} parameters")
        rates = [group["lr"] for group in state["param_groups"]]
        self.carried.append(f"learning rate {max(rates):.4g}")
        planned = max(group["lr"] for group in optimizer.param_groups)
        if abs(max(rates) - planned) > 1e-6 * planned:
            self.carried[-1] += f" (the config's schedule would be at {planned:.4g})"
        return state

    def scaler(self, raw: dict[str, Any], trainer: Trainer) -> None:
        """fp16's loss scale: mmengine keeps it with the optimizer, mmcv in the notes."""
        places = (self.found.raw.get("optimizer"), self.found.meta.get("fp16"))
        found = next((p["loss_scaler"] for p in places if isinstance(p, dict) and "loss_scaler" in p), None)
        if isinstance(found, dict) and set(found) >= SCALER:
            if getattr(trainer.precision_plugin, "scaler", None) is None:
                self.left.append("the loss scale, since this run does not train in fp16")
                return
            raw["MixedPrecision"] = {key: plain(found[key]) for key in SCALER}
            self.carried.append(f"loss scale {raw['MixedPrecision']['scale']:g}")

    def best(self, hook: CheckpointHook, loop: Loop) -> dict[str, list[Any]]:
        """The best value of a metric so far, as mmengine's log has it."""
        hub = self.found.message_hub
        noted = hub.get("runtime_info") if isinstance(hub, dict) else None
        info = noted if isinstance(noted, dict) else {}
        found: dict[str, list[Any]] = {}
        for metric in hook.best:
            suffix = "" if len(hook.best) == 1 else f"_{metric}"
            value, file = plain(info.get(f"best_score{suffix}")), str(info.get(f"best_ckpt{suffix}"))
            name = BEST.fullmatch(Path(file).name)
            if metric != "auto" and isinstance(value, float) and name:
                at = int(name[2]) * (loop.epoch_length if name[1] == "epoch" else 1)
                found[metric] = [value, at, Path(file).name]
                self.carried.append(f"best {metric} {value:.4g}")
        return found

    def refused(self, why: str) -> CheckpointError:
        """The error that says why the run cannot go on, and what to do."""
        return CheckpointError(
            f"{self.path} cannot be resumed from: {why}. To start a new run from its weights alone, leave out --resume "
            f"and give --cfg-options load_from={self.path}"
        )

    def report(self) -> list[str]:
        """What was carried over, and what not: two lines for people."""
        return [f"  carried over: {', '.join(self.carried)}", f"  not carried over: {'; '.join(self.left)}"]


def read_run(path: Path) -> dict[str, Any] | Handover:
    """The full state of a run of Segue's, or what another toolbox left of its own.

    Raises:
        CheckpointError: it holds weights only.
    """
    found = read(path)
    if found.format in ("mmengine", "mmcv"):
        run = Handover(path, found)
        if not found.optimizer:
            raise run.refused("it has no optimizer state")
        return run
    return checked(path, dict(found.raw))


def trained_and_average(
    found: Checkpoint, by_epoch: bool
) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor] | None, int]:
    """The weights that are trained, their average if the file has one, and how many steps it has taken.

    mmengine swaps the two when it writes: the model's own place holds the average. So does mmcv at the end of an epoch,
    and not where training has no epochs; its other copy is a buffer, ``ema_`` and the key with underscores.
    """
    state = found.state_dict
    averaged = found.raw.get("ema_state_dict")
    if isinstance(averaged, dict):
        swapped = {k.removeprefix("module."): v for k, v in averaged.items() if k.startswith("module.")}
        return {**state, **{k: swapped[k] for k in state if k in swapped}}, state, int(averaged.get("steps", 0))
    shadow = {key: state[name] for key in state if (name := "ema_" + key.replace(".", "_")) in state}
    if not shadow:
        return state, None, 0
    other = {**state, **shadow}
    steps = int(found.meta.get("iter") or 0)
    return (other, state, steps) if by_epoch else (state, other, steps)


def clone(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the model's state."""
    return {key: value.detach().clone() for key, value in model.state_dict().items() if torch.is_tensor(value)}


def progress(trainer: Trainer, iteration: int, steps: int, finished: bool) -> dict[str, Any]:
    """The counters of Lightning's loop after ``iteration`` batches of its only epoch."""
    state = copy.deepcopy(trainer.fit_loop.state_dict())

    def set_all(node: dict[str, Any], value: int) -> None:
        for part in ("total", "current"):
            node[part] = dict.fromkeys(node[part], value)

    set_all(state["epoch_loop.batch_progress"], iteration)
    state["epoch_loop.batch_progress"]["is_last_batch"] = finished
    for part in ("step", "zero_grad"):
        set_all(state["epoch_loop.automatic_optimization.optim_progress"]["optimizer"][part], steps)
    state["epoch_loop.state_dict"]["_batches_that_stepped"] = steps
    for part in ("total", "current"):
        state["epoch_progress"][part] |= {"ready": 1, "started": 1}
    return state
