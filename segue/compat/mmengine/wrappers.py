"""mmengine's wrappers: of models for several processes, of weights that are averaged, of optimizers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from segue.compat.mmengine.optim import OptimWrapper


class MMDistributedDataParallel(nn.parallel.DistributedDataParallel):
    """DistributedDataParallel with mmengine's steps."""

    def __init__(self, module: nn.Module, detect_anomalous_params: bool = False, **kwargs: Any) -> None:
        super().__init__(module=module, **kwargs)
        self.detect_anomalous_params = detect_anomalous_params

    def train_step(self, data: Any, optim_wrapper: Any) -> Any:
        """One step of training."""
        data = self.module.data_preprocessor(data, training=True)
        losses = self(**data, mode="loss") if isinstance(data, Mapping) else self(*data, mode="loss")
        total, found = self.module.parse_losses(losses)
        optim_wrapper.update_params(total)
        return found

    def val_step(self, data: Any) -> Any:
        """Predictions."""
        return self.module.val_step(data)

    def test_step(self, data: Any) -> Any:
        """Predictions."""
        return self.module.test_step(data)


class BaseAveragedModel(nn.Module):
    """A copy of a model whose weights are averaged: a subclass gives ``avg_func``."""

    def __init__(self, model: nn.Module, interval: int = 1, device: Any = None, update_buffers: bool = False) -> None:
        super().__init__()
        self.module = copy.deepcopy(model).requires_grad_(False)
        self.interval, self.update_buffers = interval, update_buffers
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("steps", torch.tensor(0, dtype=torch.long, device=device))
        self.steps: Tensor

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """Bring ``source_param`` into ``averaged_param``, in place."""
        raise NotImplementedError

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The averaged model's."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: nn.Module) -> None:
        """Take a model's weights in; the first time they are copied, then every ``interval`` steps."""
        own = self.module.state_dict() if self.update_buffers else dict(self.module.named_parameters())
        given = model.state_dict() if self.update_buffers else dict(model.named_parameters())
        with torch.no_grad():
            for key, value in own.items():
                source = given[key].to(value.device)
                if not value.is_floating_point() or self.steps == 0:
                    value.copy_(source)
                elif self.steps % self.interval == 0:
                    self.avg_func(value, source, int(self.steps))
            if not self.update_buffers:
                for buffer, source in zip(self.module.buffers(), model.buffers(), strict=True):
                    buffer.copy_(source)
        self.steps += 1


class StochasticWeightAverage(BaseAveragedModel):
    """The mean of all weights taken in."""

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """One more in the mean."""
        averaged_param.add_((source_param - averaged_param) / (steps // self.interval + 1))


class ExponentialMovingAverage(BaseAveragedModel):
    """New weights count ``momentum``, old ones the rest."""

    def __init__(
        self, model: nn.Module, momentum: float = 0.0002, interval: int = 1, device: Any = None,
        update_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(model, interval, device, update_buffers)
        if not 0 < momentum < 1:
            raise AssertionError(f"momentum must be in range (0.0, 1.0), but got {momentum}")
        self.momentum = momentum

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """A step towards the new weights."""
        averaged_param.lerp_(source_param, self.momentum)


class MomentumAnnealingEMA(ExponentialMovingAverage):
    """The same with a momentum that falls with the steps, ``gamma / (gamma + steps)`` at least ``momentum``."""

    def __init__(
        self, model: nn.Module, momentum: float = 0.0002, gamma: int = 100, interval: int = 1, device: Any = None,
        update_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(model, momentum, interval, device, update_buffers)
        if gamma <= 0:
            raise AssertionError(f"gamma must be greater than 0, but got {gamma}")
        self.gamma = gamma

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """A step towards the new weights."""
        averaged_param.lerp_(source_param, max(self.momentum, self.gamma / (self.gamma + steps)))


class AmpOptimWrapper(OptimWrapper):
    """An optimizer with mixed precision, for loops of one's own."""

    def __init__(
        self, optimizer: Any, loss_scale: Any = "dynamic", dtype: str | None = None, accumulative_counts: int = 1,
        clip_grad: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(optimizer, accumulative_counts, clip_grad)
        on = torch.cuda.is_available()
        given = loss_scale if isinstance(loss_scale, Mapping) else {}
        if isinstance(loss_scale, (int, float)):
            given = {"init_scale": float(loss_scale), "growth_interval": 2**31 - 1}
        self.loss_scaler = torch.amp.GradScaler("cuda", enabled=on, **given)
        self.cast_dtype = None if dtype is None else getattr(torch, dtype)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Where the forward pass runs."""
        with torch.autocast("cuda" if torch.cuda.is_available() else "cpu", dtype=self.cast_dtype):
            yield

    def update_params(self, loss: Tensor) -> None:
        """Backward, and a step where enough gradients are added up."""
        self.loss_scaler.scale(loss / self.accumulative_counts).backward()
        self._count += 1
        if self._count % self.accumulative_counts:
            return
        if self.clip_grad:
            self.loss_scaler.unscale_(self.optimizer)
            parameters = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
            nn.utils.clip_grad_norm_(parameters, **{k: v for k, v in self.clip_grad.items() if k != "type"})
        self.loss_scaler.step(self.optimizer)
        self.loss_scaler.update()
        self.optimizer.zero_grad()


class OptimWrapperDict(OptimWrapper):
    """Several wrapped optimizers by name; each is stepped by hand."""

    def __init__(self, **optim_wrapper_dict: OptimWrapper) -> None:
        for key, value in optim_wrapper_dict.items():
            if not isinstance(value, OptimWrapper):
                raise AssertionError(f"{key} is no OptimWrapper but a {type(value).__name__}")
        self.optim_wrappers = optim_wrapper_dict

    def __getitem__(self, key: str) -> OptimWrapper:
        return self.optim_wrappers[key]

    def __contains__(self, key: object) -> bool:
        return key in self.optim_wrappers

    def __len__(self) -> int:
        return len(self.optim_wrappers)

    def keys(self) -> Iterator[str]:
        """The names."""
        yield from self.optim_wrappers

    def values(self) -> Iterator[OptimWrapper]:
        """The wrappers."""
        yield from self.optim_wrappers.values()

    def items(self) -> Iterator[tuple[str, OptimWrapper]]:
        """Both."""
        yield from self.optim_wrappers.items()

    def update_params(self, loss: Tensor) -> None:
        """Not of all at once: step each by hand."""
        raise NotImplementedError("update_params of an OptimWrapperDict: call that of each wrapper")

    def get_lr(self) -> dict[str, list[float]]:
        """The rates of all, ``name.lr``."""
        return {f"{name}.lr": wrapper.get_lr()["lr"] for name, wrapper in self.items()}

    def state_dict(self) -> Any:
        """The states by name."""
        return {name: wrapper.state_dict() for name, wrapper in self.items()}

    def load_state_dict(self, state: Any) -> None:
        """Continue from states."""
        for name, wrapper in self.items():
            wrapper.load_state_dict(state[name])
