"""`replay`: do a step that failed again, from the file that the run wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segue.config import Config
from segue.config.builder.build import build_model
from segue.config.trust import rights_of
from segue.errors import CheckpointError, ConfigError, Problem
from segue.inference.load import usable_device
from segue.recipes.open import read_config
from segue.training.failures.not_finite import all_finite, first_not_finite, not_finite
from segue.training.failures.replay_file import Step, read_step
from segue.training.optimizers import build_optimizer, read_optim_wrapper
from segue.training.plan import UNKNOWN, rules_of
from segue.training.step import losses_of
from segue.training.streams import seed_step

_TYPES = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


@dataclass(frozen=True)
class Replayed:
    """What came of a step that was done again.

    Attributes:
        iteration: of the run.
        values: the losses by name.
        found: where a value is not finite; empty where all are.
        said: what the run had said.
        weights_finite: whether all weights are finite after the optimizer's step; None where it is not taken.
    """

    iteration: int
    values: dict[str, float]
    found: str
    said: str
    weights_finite: bool | None = None


def replay(
    file: str | Path,
    *,
    config: str | Path | Config | Mapping[str, Any] | None = None,
    device: str = "cpu",
    cfg_options: Sequence[str] = (),
    trust: bool = False,
    say: Callable[[str], None] = print,
) -> Replayed:
    """Do the step in ``file`` again: its weights, its optimizer, its batch, its random numbers.

    Args:
        file: ``replay_iter_N.safetensors`` of a work folder.
        config: the run's config, where it names classes of a project; by default the one in the file.
        device: where to compute.
        cfg_options: changes of the config, to try what mends it.
        trust: let the config name anything that can be imported.
        say: takes the lines of the report.

    Raises:
        CheckpointError, ConfigError: the file is none, or its config does not make this model.
    """
    step = read_step(file)
    cfg = read_config(Config.inside(step.config, file) if config is None else config, cfg_options, trust=trust)
    place = usable_device(device)
    if not cfg.get("model"):
        raise ConfigError(Problem("model", "the config has no model; give the run's config with --config"))
    model = build_model(cfg)
    try:
        model.load_state_dict(step.weights)
    except RuntimeError as error:
        raise CheckpointError(f"{file}: its weights are not of the config's model: {error}") from error
    model.to(place).train()
    values: dict[str, float] = {}

    def losses() -> tuple[Tensor, Mapping[str, Tensor]]:
        seed_step(step.seed, step.iteration - 1, step.rank)
        with _precision(step, place):
            total, found, _ = losses_of(model, step.batch)
        values.update({name: float(value.detach().float().mean()) for name, value in found.items()})
        values["loss"] = float(total.detach())
        return total, found

    found = first_not_finite(model, losses, step.batch.get("inputs"), step.scale)
    shown = ", ".join(f"{name}={value:.6g}" for name, value in values.items())
    say(f"Iteration {step.iteration}, {step.precision}, on {place}: {shown or 'not computed'}")
    for sample in step.batch.get("data_samples") or ():
        say(f"  {sample.meta.get('img_path', '?')}")
    say(f"{found[0].upper()}{found[1:]}." if found else "All values are finite.")
    if found != step.said:
        say(f"The run said: {step.said or 'nothing'}.")
    after = None if found else _moved(model, cfg, step, losses)
    if after is not None:
        say(f"After the optimizer's step all weights are {'finite' if after else 'NOT finite'}.")
    return Replayed(step.iteration, values, found, step.said, after)


def _precision(step: Step, device: torch.device) -> AbstractContextManager[Any]:
    kind = _TYPES.get(step.precision)
    return nullcontext() if kind is None else torch.autocast(device.type, dtype=kind)


def _moved(model: nn.Module, cfg: Mapping[str, Any], step: Step, losses: Callable[[], Any]) -> bool | None:
    """Take the optimizer's step; None where the config has no optimizer or its state is of another."""
    if not cfg.get("optim_wrapper"):
        return None
    wrapper = read_optim_wrapper(cfg["optim_wrapper"], rights=rights_of(cfg))
    optimizer = build_optimizer(model, wrapper, rules=rules_of(cfg, UNKNOWN))
    try:
        optimizer.load_state_dict(step.optimizer)
    except (ValueError, KeyError):
        return None
    losses()[0].sum().backward()
    optimizer.step()
    weights = [parameter.detach() for parameter in model.parameters()]
    return bool(all_finite(weights)) or not any(not_finite(weight) for weight in weights)
