"""mmengine's initializers as classes, and what models and registries offer besides."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from segue.compat.mmengine import modules
from segue.compat.mmengine.registry import PARAM_SCHEDULERS, RUNNERS, WEIGHT_INITIALIZERS, Registry
from segue.compat.mmseg.preprocessors import BaseDataPreprocessor

STRATEGIES = Registry("strategy")


class BaseInit:
    """An initializer: ``Init(...)(module)`` sets the weights of its ``layer`` classes."""

    kind = ""

    def __init__(self, *, bias: float = 0, bias_prob: float | None = None, layer: Any = None, **kwargs: Any) -> None:
        self.wholemodule = layer is None
        self.layer = [layer] if isinstance(layer, str) else list(layer or ())
        self.bias = modules.bias_init_with_prob(bias_prob) if bias_prob is not None else bias
        self.arguments = kwargs

    def _get_init_info(self) -> str:
        return f"{type(self).__name__}: {self.arguments}, bias={self.bias}"

    def __call__(self, module: nn.Module) -> None:
        """Set the weights."""
        rule = modules.INITIALIZERS[self.kind]
        for child in module.modules():
            bases = {base.__name__ for base in type(child).__mro__}
            if self.wholemodule or bases & set(self.layer):
                rule(child, **self.arguments, bias=self.bias)


class ConstantInit(BaseInit):
    """A constant weight."""

    kind = "Constant"

    def __init__(self, val: float, **kwargs: Any) -> None:
        super().__init__(val=val, **kwargs)


class XavierInit(BaseInit):
    """Glorot's weights."""

    kind = "Xavier"

    def __init__(self, gain: float = 1, distribution: str = "normal", **kwargs: Any) -> None:
        super().__init__(gain=gain, distribution=distribution, **kwargs)


class NormalInit(BaseInit):
    """Normally distributed weights."""

    kind = "Normal"

    def __init__(self, mean: float = 0, std: float = 1, **kwargs: Any) -> None:
        super().__init__(mean=mean, std=std, **kwargs)


class TruncNormalInit(BaseInit):
    """Normally distributed weights between ``a`` and ``b``."""

    kind = "TruncNormal"

    def __init__(self, mean: float = 0, std: float = 1, a: float = -2, b: float = 2, **kwargs: Any) -> None:
        super().__init__(mean=mean, std=std, a=a, b=b, **kwargs)


class UniformInit(BaseInit):
    """Uniformly distributed weights."""

    kind = "Uniform"

    def __init__(self, a: float = 0.0, b: float = 1.0, **kwargs: Any) -> None:
        super().__init__(a=a, b=b, **kwargs)


class KaimingInit(BaseInit):
    """He's weights."""

    kind = "Kaiming"

    def __init__(
        self, a: float = 0, mode: str = "fan_out", nonlinearity: str = "relu", distribution: str = "normal",
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(a=a, mode=mode, nonlinearity=nonlinearity, distribution=distribution, **kwargs)


class Caffe2XavierInit(KaimingInit):
    """Caffe2's "Xavier" weights."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(a=1, mode="fan_in", nonlinearity="leaky_relu", distribution="uniform", **kwargs)


class PretrainedInit:
    """Weights of a file."""

    def __init__(self, checkpoint: str, prefix: str | None = None, map_location: Any = "cpu") -> None:
        self.checkpoint, self.prefix, self.map_location = checkpoint, prefix, map_location

    def __call__(self, module: nn.Module) -> None:
        """Load the weights."""
        modules.pretrained(module, {"checkpoint": self.checkpoint, "prefix": self.prefix})


for _cls in (ConstantInit, XavierInit, NormalInit, TruncNormalInit, UniformInit, KaimingInit, Caffe2XavierInit,
             PretrainedInit):  # fmt: skip
    WEIGHT_INITIALIZERS.register_module(name=_cls.__name__.removesuffix("Init"), module=_cls)


def update_init_info(module: nn.Module, init_info: str) -> None:
    """Nothing: what was initialized is not written down."""


def convert_sync_batchnorm(module: nn.Module, implementation: str = "torch") -> nn.Module:
    """Batch normalization over all processes."""
    if implementation != "torch":
        raise ValueError(f"implementation={implementation!r}: 'torch'")
    return nn.SyncBatchNorm.convert_sync_batchnorm(module)


def detect_anomalous_params(loss: torch.Tensor, model: nn.Module) -> None:
    """Warn of parameters that the loss does not depend on; call it after ``loss.backward()``."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            warnings.warn(f"{name} with shape {tuple(parameter.shape)} is not in the computational graph", stacklevel=2)


class ImgDataPreprocessor(BaseDataPreprocessor):
    """Images normalized, padded to a multiple of ``pad_size_divisor`` and stacked."""

    def __init__(
        self, mean: Any = None, std: Any = None, pad_size_divisor: int = 1, pad_value: float = 0,
        bgr_to_rgb: bool = False, rgb_to_bgr: bool = False, non_blocking: bool | None = False,
    ) -> None:  # fmt: skip
        super().__init__(bool(non_blocking))
        if bgr_to_rgb and rgb_to_bgr:
            raise AssertionError("`bgr2rgb` and `rgb2bgr` cannot be set to True at the same time")
        if (mean is None) != (std is None):
            raise AssertionError("mean and std should be both None or tuple")
        self._channel_conversion, self._enable_normalize = bgr_to_rgb or rgb_to_bgr, mean is not None
        self.pad_size_divisor, self.pad_value = pad_size_divisor, pad_value
        if mean is not None:
            self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), False)
            self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), False)

    def forward(self, data: Any, training: bool = False) -> Any:
        """A batch with ``inputs``, a list of (C, H, W) or (B, C, H, W)."""
        data = self.cast_data(data)
        images = []
        for image in data["inputs"]:
            image = image[[2, 1, 0]] if self._channel_conversion else image
            image = image.float()
            images.append((image - self.mean) / self.std if self._enable_normalize else image)  # type: ignore[operator]
        data["inputs"] = modules.stack_batch(images, self.pad_size_divisor, self.pad_value)
        data.setdefault("data_samples", None)
        return data


def build_runner_from_cfg(cfg: Mapping[str, Any], registry: Registry = RUNNERS) -> Any:
    """The runner of a config: Segue's, or a user's own with ``runner_type``."""
    from segue.compat.mmengine.runner import Runner

    kind = cfg.get("runner_type", "Runner")
    cls = Runner if kind == "Runner" else registry.get(kind)
    if cls is None:
        raise KeyError(f"{kind} is not in the {registry.name} registry")
    return cls.from_cfg(cfg)


def build_scheduler_from_cfg(cfg: Any, registry: Registry = PARAM_SCHEDULERS, default_args: Any = None) -> Any:
    """A schedule of ``mmengine.optim``, or a user's own."""
    from segue.compat.mmengine import parameters

    given = {**(default_args or {}), **cfg}
    kind = given.pop("type")
    if given.pop("convert_to_iter_based", False):
        raise ValueError("convert_to_iter_based: not offered here; give begin and end in iterations")
    cls = kind if not isinstance(kind, str) else registry.get(kind) or getattr(parameters, kind, None)
    if cls is None:
        raise KeyError(f"{kind} is not in the {registry.name} registry")
    return cls(**given)


def traverse_registry_tree(registry: Registry, verbose: bool = True) -> list[dict[str, Any]]:
    """The registry's own classes; there is one scope."""
    return [{"scope": registry.scope, "num_modules": len(registry), "modules": sorted(registry.own)}]


def count_registered_modules(save_path: Any = None, verbose: bool = True) -> dict[str, Any]:
    """The users' classes of every registry."""
    from segue.compat.mmengine import registry as all_of_them

    found = {name: traverse_registry_tree(value) for name, value in vars(all_of_them).items()
             if isinstance(value, Registry)}  # fmt: skip
    return {"registries": found}
