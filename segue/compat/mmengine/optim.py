"""mmengine's optimizer wrapper and its constructor, for constructors of the user's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from segue.compat.mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from segue.compat.refusals import as_there
from segue.errors import SegueError
from segue.training.optimization.named import torch_optimizers
from segue.training.optimizers import ParamRules, parameter_settings
from segue.training.translate import lookup, settings


class OptimWrapper:
    """An optimizer with accumulation and clipping, for loops of one's own; Segue's training does these itself."""

    def __init__(self, optimizer: Any, accumulative_counts: int = 1, clip_grad: Any = None) -> None:
        self.optimizer, self.accumulative_counts, self.clip_grad = optimizer, accumulative_counts, clip_grad
        self._count = 0

    @property
    def param_groups(self) -> Any:
        """The optimizer's groups."""
        return self.optimizer.param_groups

    @contextlib.contextmanager
    def optim_context(self, model: Any) -> Iterator[None]:
        """Where losses are computed; nothing is done there in full precision."""
        yield

    def update_params(self, loss: torch.Tensor) -> None:
        """Backward, and a step where enough gradients are added up."""
        (loss / self.accumulative_counts).backward()
        self._count += 1
        if self._count % self.accumulative_counts:
            return
        if self.clip_grad:
            parameters = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
            nn.utils.clip_grad_norm_(parameters, **{k: v for k, v in self.clip_grad.items() if k != "type"})
        self.optimizer.step()
        self.optimizer.zero_grad()

    def step(self, **kwargs: Any) -> None:
        """The optimizer's step."""
        self.optimizer.step(**kwargs)

    def zero_grad(self, **kwargs: Any) -> None:
        """Forget the gradients."""
        self.optimizer.zero_grad(**kwargs)

    def get_lr(self) -> dict[str, list[float]]:
        """The rates of the groups."""
        return {"lr": [group["lr"] for group in self.param_groups]}

    def state_dict(self) -> Any:
        """The optimizer's state."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: Any) -> None:
        """Continue from a state."""
        self.optimizer.load_state_dict(state)


#: constructors of mmseg that Segue has built in
DECAYS = ("LearningRateDecayOptimizerConstructor", "LayerDecayOptimizerConstructor")


class DefaultOptimWrapperConstructor:
    """Parameters to an optimizer: override ``add_params(params, module, prefix)`` to group them your own way."""

    def __init__(self, optim_wrapper_cfg: Mapping[str, Any], paramwise_cfg: Mapping[str, Any] | None = None) -> None:
        self.optim_wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = dict(self.optim_wrapper_cfg.pop("optimizer"))
        self.paramwise_cfg = dict(paramwise_cfg or {})
        self.base_lr = self.optimizer_cfg.get("lr")
        self.base_wd = self.optimizer_cfg.get("weight_decay")

    def add_params(self, params: list[Any], module: nn.Module, prefix: str = "", is_dcn_module: Any = None) -> None:
        """Append one group per parameter of ``module``, as ``paramwise_cfg`` says."""
        rules = settings(ParamRules, self.paramwise_cfg, "optim_wrapper.paramwise_cfg")
        for _, parameter, own in parameter_settings(module, rules, self.base_lr, self.base_wd):
            params.append({"params": [parameter], **own})

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """The wrapped optimizer of a model."""
        given = dict(self.optimizer_cfg)
        kind = given.pop("type")
        key = "optim_wrapper.optimizer.type"
        cls: Any = lookup(torch_optimizers(), kind, key, "optimizer") if isinstance(kind, str) else kind
        params: list[Any] = []
        self.add_params(params, model)
        wrapper = {k: v for k, v in self.optim_wrapper_cfg.items() if k in ("accumulative_counts", "clip_grad")}
        return OptimWrapper(cls(params, **given), **wrapper)


class DefaultOptimizerConstructor(DefaultOptimWrapperConstructor):
    """0.x's: the optimizer's dict itself, and the bare optimizer comes out."""

    def __init__(self, optimizer_cfg: Mapping[str, Any], paramwise_cfg: Mapping[str, Any] | None = None) -> None:
        inner = optimizer_cfg if "optimizer" in optimizer_cfg else {"optimizer": optimizer_cfg}
        super().__init__(inner, paramwise_cfg)


def build_optim_wrapper(model: nn.Module, cfg: Mapping[str, Any]) -> OptimWrapper:
    """The wrapped optimizer of an ``optim_wrapper`` section."""
    given = dict(cfg)
    kind = given.pop("constructor", "DefaultOptimWrapperConstructor")
    paramwise = given.pop("paramwise_cfg", None)
    cls = OPTIM_WRAPPER_CONSTRUCTORS.get(kind)
    known = ("DefaultOptimWrapperConstructor", *DECAYS)
    if cls is None and isinstance(kind, str) and kind not in known:
        raise KeyError(f"{kind} is not in the optimizer wrapper constructor registry; there are {', '.join(known)}")
    try:
        return (cls or DefaultOptimWrapperConstructor)(given, paramwise)(model)
    except SegueError as error:
        as_there(error)
        raise
