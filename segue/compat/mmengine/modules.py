"""mmengine's BaseModule and initializers: weights as ``init_cfg`` says, set by ``init_weights()`` before training."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from segue.compat.refusals import as_there
from segue.errors import InputError, nearest

#: initializers as classes, by name: those of `segue.compat.mmengine.initializers`, and the user's
CLASSES: dict[str, Any] = {}


class BaseModule(nn.Module):
    """A module with an ``init_cfg``; training calls ``init_weights``, which goes through the children."""

    takes_config = True

    def __init__(self, init_cfg: Any = None) -> None:
        super().__init__()
        self._is_init = False
        self.init_cfg = copy.deepcopy(init_cfg)

    @property
    def is_init(self) -> bool:
        """Whether the weights were initialized."""
        return self._is_init

    @is_init.setter
    def is_init(self, value: bool) -> None:
        self._is_init = value

    def init_weights(self) -> None:
        """Initialize by ``init_cfg``, then the children; once."""
        if self._is_init:
            return
        first, later = split_pretrained(self.init_cfg)
        initialize(self, first)
        for child in self.children():
            if hasattr(child, "init_weights") and not getattr(child, "is_init", False):
                child.init_weights()  # type: ignore[operator]
        for source in later:
            pretrained(self, source)
        self._is_init = True


class Initialized:
    """``init_weights`` and ``init_cfg`` for a module of Segue, which starts from weights of its own."""

    init_cfg: Any = None
    _is_init: bool = False
    is_init = BaseModule.is_init

    def init_weights(self) -> None:
        """Initialize by ``init_cfg``, where there is one, and the modules of the user inside; once."""
        if self._is_init:
            return
        first, later = split_pretrained(self.init_cfg)
        initialize(self, first)  # type: ignore[arg-type]
        outermost(self)  # type: ignore[arg-type]
        for source in later:
            pretrained(self, source)  # type: ignore[arg-type]
        self._is_init = True


def outermost(module: nn.Module) -> None:
    """Call ``init_weights`` of the outermost modules inside that have one."""
    for child in module.children():
        if not callable(getattr(child, "init_weights", None)):
            outermost(child)
        elif not getattr(child, "is_init", False):
            child.init_weights()  # type: ignore[operator]


class Sequential(BaseModule, nn.Sequential):
    """nn.Sequential with an ``init_cfg``."""

    def __init__(self, *args: Any, init_cfg: Any = None) -> None:
        BaseModule.__init__(self, init_cfg)
        nn.Sequential.__init__(self, *args)
        self._is_init, self.init_cfg = False, init_cfg


class ModuleList(BaseModule, nn.ModuleList):
    """nn.ModuleList with an ``init_cfg``."""

    def __init__(self, modules: Any = None, init_cfg: Any = None) -> None:
        nn.ModuleList.__init__(self, modules)
        self._is_init, self.init_cfg = False, init_cfg


class ModuleDict(BaseModule, nn.ModuleDict):
    """nn.ModuleDict with an ``init_cfg``."""

    def __init__(self, modules: Any = None, init_cfg: Any = None) -> None:
        nn.ModuleDict.__init__(self, modules)
        self._is_init, self.init_cfg = False, init_cfg


def split_pretrained(init_cfg: Any) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The initializers of an ``init_cfg``: those that draw numbers, and those that load files."""
    given = [init_cfg] if isinstance(init_cfg, Mapping) else list(init_cfg or ())
    loaded = [item for item in given if str(item.get("type")).startswith("Pretrained")]
    return [item for item in given if item not in loaded], loaded


def pretrained(module: nn.Module, cfg: Mapping[str, Any]) -> None:
    """Load the weights that an ``init_cfg`` names."""
    from segue.checkpoints import load_weights

    load_weights(module, cfg["checkpoint"], prefix=cfg.get("prefix"))


def initialize(module: nn.Module, init_cfg: Any) -> None:
    """Apply an ``init_cfg``, or a list of them: ``dict(type='Kaiming', layer='Conv2d', override=...)``.

    Raises:
        InputError: there is no initializer of that name, or no part that an ``override`` names.
    """
    for cfg in [init_cfg] if isinstance(init_cfg, Mapping) else init_cfg or ():
        cfg = dict(cfg)
        if str(cfg.get("type")).startswith("Pretrained"):
            pretrained(module, cfg)
            continue
        override = cfg.pop("override", None)
        layers = cfg.pop("layer", None)
        names = [layers] if isinstance(layers, str) else list(layers or ())
        kind = str(cfg.pop("type"))
        own = CLASSES.get(kind)
        if own is not None and not own.__module__.startswith("segue."):
            own(**cfg)(module)
            continue
        rule, arguments = _rule(kind), _arguments(cfg)
        for child in module.modules() if names else ():  # without `layer` only `override` counts, as in mmengine
            bases = {base.__name__ for base in type(child).__mro__}
            if bases & set(names):  # a base's name counts for its subclasses, as `_BatchNorm` does
                rule(child, **arguments)
        for item in [override] if isinstance(override, Mapping) else override or ():
            _initialize_part(module, dict(item), rule, arguments)


def _initialize_part(
    module: nn.Module, override: dict[str, Any], rule: Callable[..., None], arguments: Mapping[str, Any]
) -> None:
    name = override.pop("name", None)
    part = getattr(module, str(name), None)
    if not isinstance(part, nn.Module):
        raise as_there(InputError(f"init_cfg: override names {name!r}, which is no part of {type(module).__name__}"))
    kind = override.pop("type", None)
    if str(kind).startswith("Pretrained"):
        pretrained(part, override)
        return
    if kind is None and override:
        raise as_there(InputError(f"init_cfg: override of {name!r} has {sorted(override)}, but no type"))
    chosen = _rule(str(kind)) if kind else rule
    for child in part.modules():
        chosen(child, **(_arguments(override) if kind else arguments))


def _rule(kind: str) -> Callable[..., None]:
    rule = INITIALIZERS.get(kind.removesuffix("Init"))
    if rule is None:
        raise as_there(InputError(f"init_cfg: there is no initializer {kind!r}{nearest(kind, list(INITIALIZERS))}"))
    return rule


def _arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of an initializer; ``bias_prob`` is the probability that a bias stands for."""
    found = dict(given)
    probability = found.pop("bias_prob", None)
    return found if probability is None else found | {"bias": bias_init_with_prob(probability)}


def _bias(module: nn.Module, bias: float) -> None:
    if getattr(module, "bias", None) is not None:
        nn.init.constant_(module.bias, bias)  # type: ignore[arg-type]


def _has_weight(module: nn.Module) -> bool:
    return getattr(module, "weight", None) is not None and not callable(module.weight)


def constant_init(module: nn.Module, val: float, bias: float = 0) -> None:
    """A constant weight."""
    if _has_weight(module):
        nn.init.constant_(module.weight, val)  # type: ignore[arg-type]
    _bias(module, bias)


def xavier_init(module: nn.Module, gain: float = 1, bias: float = 0, distribution: str = "normal") -> None:
    """Glorot's weights."""
    if _has_weight(module) and module.weight.dim() > 1:  # type: ignore[operator,union-attr]
        draw = nn.init.xavier_uniform_ if distribution == "uniform" else nn.init.xavier_normal_
        draw(module.weight, gain=gain)  # type: ignore[arg-type]
    _bias(module, bias)


def normal_init(module: nn.Module, mean: float = 0, std: float = 1, bias: float = 0) -> None:
    """Normally distributed weights."""
    if _has_weight(module):
        nn.init.normal_(module.weight, mean, std)  # type: ignore[arg-type]
    _bias(module, bias)


def trunc_normal_init(
    module: nn.Module, mean: float = 0, std: float = 1, a: float = -2, b: float = 2, bias: float = 0
) -> None:
    """Normally distributed weights between ``a`` and ``b``."""
    if _has_weight(module):
        nn.init.trunc_normal_(module.weight, mean, std, a, b)  # type: ignore[arg-type]
    _bias(module, bias)


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Tensor:
    """Fill a tensor, normally distributed between ``a`` and ``b``."""
    return nn.init.trunc_normal_(tensor, mean, std, a, b)


def uniform_init(module: nn.Module, a: float = 0, b: float = 1, bias: float = 0) -> None:
    """Uniformly distributed weights."""
    if _has_weight(module):
        nn.init.uniform_(module.weight, a, b)  # type: ignore[arg-type]
    _bias(module, bias)


def kaiming_init(
    module: nn.Module,
    a: float = 0,
    mode: str = "fan_out",
    nonlinearity: str = "relu",
    bias: float = 0,
    distribution: str = "normal",
) -> None:
    """He's weights."""
    if _has_weight(module) and module.weight.dim() > 1:  # type: ignore[operator,union-attr]
        draw = nn.init.kaiming_uniform_ if distribution == "uniform" else nn.init.kaiming_normal_
        draw(module.weight, a=a, mode=mode, nonlinearity=nonlinearity)  # type: ignore[arg-type]
    _bias(module, bias)


def caffe2_xavier_init(module: nn.Module, bias: float = 0) -> None:
    """Caffe2's "Xavier" weights, uniform with variance 1 / fan-in."""
    kaiming_init(module, a=1, mode="fan_in", nonlinearity="leaky_relu", bias=bias, distribution="uniform")


def bias_init_with_prob(prior_prob: float) -> float:
    """The bias of a sigmoid that starts at this probability."""
    return -math.log((1 - prior_prob) / prior_prob)


INITIALIZERS: dict[str, Callable[..., None]] = {
    "Constant": constant_init,
    "Xavier": xavier_init,
    "Normal": normal_init,
    "TruncNormal": trunc_normal_init,
    "Uniform": uniform_init,
    "Kaiming": kaiming_init,
    "Caffe2Xavier": caffe2_xavier_init,
}


def is_model_wrapper(model: nn.Module) -> bool:
    """Whether a model is wrapped for several processes."""
    return isinstance(model, (nn.parallel.DistributedDataParallel, nn.DataParallel))


def revert_sync_batchnorm(module: nn.Module) -> nn.Module:
    """As it is: Segue makes SyncBatchNorm only where there are several processes."""
    return module


def stack_batch(tensors: Sequence[Any], pad_size_divisor: int = 1, pad_value: float = 0) -> Any:
    """Images (C, H, W) padded at right and bottom to one size, (B, C, H, W)."""
    import torch
    from torch.nn import functional as F

    def up(value: int) -> int:
        return -(-value // pad_size_divisor) * pad_size_divisor

    height, width = (up(max(t.shape[axis] for t in tensors)) for axis in (-2, -1))
    return torch.stack([F.pad(t, (0, width - t.shape[-1], 0, height - t.shape[-2]), value=pad_value) for t in tensors])
