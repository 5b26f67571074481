"""``optim_wrapper`` to a torch optimizer, and to what training must know besides (precision, clipping, accumulation).

``paramwise_cfg`` follows mmengine's rules parameter by parameter. Parameters that end up with the same settings share
a group, because a fused or foreach optimizer walks a group at once; the arithmetic per parameter is the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from segue.config.trust import Rights
from segue.errors import ConfigError, Problem, alike, nearest
from segue.training.layer_decay import LAYER_DECAY, layer_decay_groups
from segue.training.optimization.apart import set_apart
from segue.training.optimization.muon import ADAMW, build_muon
from segue.training.optimization.named import (
    is_number,
    is_schedule_free,
    kind_problems,
    optimizer_class,
    torch_optimizers,
)
from segue.training.rules import Rule
from segue.training.translate import settings, type_name, users_own

NORMS = (
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    nn.GroupNorm,
    nn.LayerNorm,
)
DTYPES = {"float16": "16-mixed", "fp16": "16-mixed", "bfloat16": "bf16-mixed", "bf16": "bf16-mixed"}
CONSTRUCTORS = ("DefaultOptimWrapperConstructor", "ForceDefaultOptimWrapperConstructor", *LAYER_DECAY)
CLIP_BY_NORM = ("type", "max_norm", "norm_type", "error_if_nonfinite", "foreach")
CLIP_BY_VALUE = ("type", "clip_value", "foreach")
SCALER = ("init_scale", "growth_factor", "backoff_factor", "growth_interval", "enabled")  # of torch's GradScaler
MULTIPLIERS = ("lr_mult", "decay_mult")
CUSTOM_KEYS = "optim_wrapper.paramwise_cfg.custom_keys"
#: what published configs name for every transformer; 62 of the 82 recipes with keys name a part that is not there
CUSTOMARY: tuple[str, ...] = (
    "norm",
    "pos_block",
    "pos_embed",
    "absolute_pos_embed",
    "relative_position_bias_table",
    "cls_token",
)
CUSTOMARY += ("img_encoder", "query_embed", "query_feat", "level_embed")
PLAIN_WRAPPERS = ("OptimWrapper", "AmpOptimWrapper")


@dataclass(frozen=True, kw_only=True)
class OptimWrapper:
    """The settings of ``optim_wrapper`` that are not the optimizer's own.

    Attributes:
        optimizer: the optimizer's config dict.
        paramwise: settings per parameter (the config's ``paramwise_cfg``).
        constructor: how ``paramwise`` is read: a name, or a class of the user's own.
        clip_grad: arguments of ``clip_grad_norm_`` (``max_norm``, ``norm_type``), or of ``clip_grad_value_`` with
            ``type='value'``.
        accumulative_counts: iterations whose gradients are added up before the optimizer steps.
        loss_scale: fp16 only: ``'dynamic'``, a constant, or the arguments of ``GradScaler``.
        dtype: mixed precision's type.
        denominator: of accumulated gradients: ``batches``, or the labeled ``pixels`` of all
            (`segue.training.compute.denominator`).
        use_fsdp: accepted for old configs; Lightning's strategy decides.
        amp: mixed precision is on (``AmpOptimWrapper``).
    """

    optimizer: Mapping[str, Any]
    paramwise: Mapping[str, Any] | None = None
    constructor: Any = "DefaultOptimWrapperConstructor"
    clip_grad: Mapping[str, Any] | None = None
    accumulative_counts: int = 1
    loss_scale: str | float | Mapping[str, Any] = "dynamic"
    dtype: str | None = None
    use_fsdp: bool = False
    denominator: str = "batches"
    amp: bool = False

    def __post_init__(self) -> None:
        if self.denominator not in ("batches", "pixels"):
            raise ValueError(f"denominator must be 'batches' or 'pixels', got {self.denominator!r}")
        if self.accumulative_counts < 1:
            raise ValueError(f"accumulative_counts must be at least 1, got {self.accumulative_counts}")
        if self.clip_grad:
            if self.clip_grad.get("type", "norm") not in ("norm", "value"):
                raise ValueError(f"clip_grad: type must be 'norm' or 'value', got {self.clip_grad['type']!r}")
            known = CLIP_BY_VALUE if self.clip_grad.get("type") == "value" else CLIP_BY_NORM
            for name, value in self.clip_grad.items():
                if name not in known:
                    raise ValueError(f"clip_grad has no argument {name!r}{nearest(name, known)}")
                if name in ("max_norm", "norm_type", "clip_value") and not isinstance(value, (int, float)):
                    raise ValueError(f"clip_grad: {name} must be a number, got {value!r}")
        if isinstance(self.loss_scale, str) and self.loss_scale != "dynamic":
            given = self.loss_scale
            raise ValueError(f"loss_scale must be 'dynamic', a number or GradScaler's arguments, got {given!r}")
        if isinstance(self.loss_scale, Mapping):
            for name, value in self.loss_scale.items():
                if name not in SCALER:
                    raise ValueError(f"loss_scale has no argument {name!r}{nearest(name, SCALER)}")
                if name != "enabled" and not is_number(value):
                    raise ValueError(f"loss_scale: {name} must be a number, got {value!r:.60}")
        if self.dtype is not None and self.dtype not in (*DTYPES, "float32"):
            raise ValueError(f"dtype must be 'float16' or 'bfloat16', got {self.dtype!r}")

    @property
    def clips_by_norm(self) -> bool:
        """Whether the log has ``grad_norm``."""
        return bool(self.clip_grad) and (self.clip_grad or {}).get("type", "norm") == "norm"

    def precision(self, cuda: bool) -> str:
        """Lightning's ``precision``: fp16 on CUDA unless ``dtype`` says otherwise, bf16 elsewhere (no fp16 there)."""
        if not self.amp or self.dtype == "float32":
            return "32-true"
        if not cuda:
            return "bf16-mixed"
        return DTYPES[self.dtype or "float16"]


def read_optim_wrapper(node: Mapping[str, Any], *, amp: bool = False, rights: Rights = Rights.NAMED) -> OptimWrapper:
    """Translate ``optim_wrapper``; ``amp`` turns mixed precision on as the command line's ``--amp`` does.

    A class of the user's own stands in the result in place of its name.
    """
    key = "optim_wrapper"
    name = type_name(node, key, "OptimWrapper")
    if name == "ApexOptimWrapper":
        message = "Apex is not used: torch's own mixed precision took its place; type='AmpOptimWrapper' does it"
        raise ConfigError(Problem(f"{key}.type", message))
    if name not in PLAIN_WRAPPERS:
        raise ConfigError(Problem(key, f"there is no optimizer wrapper {name!r}{nearest(name, list(PLAIN_WRAPPERS))}"))
    wrapper = settings(OptimWrapper, {**node, "amp": amp or name == "AmpOptimWrapper"}, key)
    constructor: Any = wrapper.constructor
    constructor = users_own(constructor, "constructors", f"{key}.constructor", rights) or constructor
    if constructor not in CONSTRUCTORS and not callable(constructor):
        hint = nearest(str(wrapper.constructor), list(CONSTRUCTORS))
        raise ConfigError(Problem(f"{key}.constructor", f"there is no constructor {wrapper.constructor!r}{hint}"))
    wrapper = replace(wrapper, constructor=constructor)
    if isinstance(wrapper.optimizer, Mapping):
        cls = users_own(wrapper.optimizer.get("type"), "optimizers", f"{key}.optimizer.type", rights)
        if inspect.isclass(cls) and issubclass(cls, torch.optim.Optimizer):
            wrapper = replace(wrapper, optimizer={**wrapper.optimizer, "type": cls})
    return wrapper


@dataclass(frozen=True, kw_only=True)
class ParamRules:
    """``paramwise_cfg``: multipliers of the base learning rate and weight decay, by kind or by name of a parameter."""

    custom_keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bias_lr_mult: float | None = None
    bias_decay_mult: float | None = None
    norm_decay_mult: float | None = None
    dwconv_decay_mult: float | None = None
    flat_decay_mult: float | None = None
    dcn_offset_lr_mult: float | None = None
    bypass_duplicate: bool = False
    force_default_settings: bool = False

    def decay_mult(self, module: nn.Module, name: str, parameter: nn.Parameter, in_dcn: bool) -> float | None:
        """The weight-decay multiplier by kind; the first kind that applies and has one wins."""
        depthwise = isinstance(module, nn.Conv2d) and module.in_channels == module.groups
        kinds = (
            (isinstance(module, NORMS), self.norm_decay_mult),
            (name == "bias" and not in_dcn, self.bias_decay_mult),
            (depthwise, self.dwconv_decay_mult),
            (parameter.ndim == 1 and not in_dcn, self.flat_decay_mult),
        )
        return next((mult for applies, mult in kinds if applies and mult is not None), None)


def parameter_settings(
    model: nn.Module, rules: ParamRules, lr: float | None, weight_decay: float | None
) -> Iterator[tuple[str, nn.Parameter, dict[str, Any]]]:
    """Every trained parameter's name and its own settings (``lr``, ``weight_decay`` and the keys that matched).

    A key of ``custom_keys`` matches anywhere in the name; the longest match wins, then the alphabet.
    """
    keys = sorted(sorted(rules.custom_keys), key=len, reverse=True)
    seen: set[int] = set()

    def walk(module: nn.Module, prefix: str, in_dcn: bool) -> Iterator[tuple[str, nn.Parameter, dict[str, Any]]]:
        for name, parameter in module.named_parameters(recurse=False):
            # the dot of a nameless prefix is kept while matching, as the reference does: a key may start with it
            full = f"{prefix}.{name}"
            if id(parameter) in seen or not parameter.requires_grad:
                continue  # a shared parameter counts once, whatever bypass_duplicate says: torch refuses it twice
            seen.add(id(parameter))
            own: dict[str, Any] = {}
            match = next((k for k in keys if k in full), None)
            if match is not None:
                custom = rules.custom_keys[match]
                if lr is not None:
                    own["lr"] = lr * custom.get("lr_mult", 1.0)
                if weight_decay is not None:
                    own["weight_decay"] = weight_decay * custom.get("decay_mult", 1.0)
                own.update(custom)
            if match is None or rules.force_default_settings:
                if lr is not None:
                    norm = isinstance(module, NORMS)
                    if name == "bias" and not norm and not in_dcn and rules.bias_lr_mult is not None:
                        own["lr"] = lr * rules.bias_lr_mult
                    offset = in_dcn and "conv_offset" in prefix and isinstance(module, nn.Conv2d)
                    if offset and rules.dcn_offset_lr_mult is not None:
                        own["lr"] = lr * rules.dcn_offset_lr_mult
                if weight_decay is not None:
                    mult = rules.decay_mult(module, name, parameter, in_dcn)
                    if mult is not None:
                        own["weight_decay"] = weight_decay * mult
            yield full.lstrip("."), parameter, own
        inside = "DeformConv2d" in type(module).__name__
        for name, child in module.named_children():
            yield from walk(child, f"{prefix}.{name}" if prefix else name, inside)

    return walk(model, "", False)


def custom_problems(rules: ParamRules, wrapper: OptimWrapper) -> Iterator[Problem]:
    """What is wrong with ``custom_keys``: each is a text, and has multipliers that are numbers."""
    own = [*MULTIPLIERS, *_arguments_of(wrapper)]
    for part, given in rules.custom_keys.items():
        path = f"{CUSTOM_KEYS}.{part}"
        if not isinstance(part, str):
            yield Problem(CUSTOM_KEYS, f"parts of parameters' names are expected, not {part!r}")
            continue
        for name, value in given.items():
            if name in MULTIPLIERS and not (is_number(value) and value >= 0):
                yield Problem(f"{path}.{name}", f"a number from 0 on is expected, not {value!r}")
            elif name not in own and (near := alike(str(name), MULTIPLIERS, cutoff=0.8)):
                yield Problem(f"{path}.{name}", f"there is no {name!r}; did you mean {near[0]!r}?")


def _arguments_of(wrapper: OptimWrapper) -> list[str]:
    """What the optimizer takes, as far as it is known."""
    kind = wrapper.optimizer.get("type")
    cls = kind if inspect.isclass(kind) else torch_optimizers().get(str(kind).rpartition(".")[2])
    return [] if cls is None else [name for name in inspect.signature(cls).parameters if name != "params"]


def unmatched(model: nn.Module, wrapper: OptimWrapper) -> list[str]:
    """A line for each of the ``custom_keys`` that is in no trained parameter's name, or asks for what nothing has.

    Nothing is said of the `CUSTOMARY` ones, which ask for something only where a model has that part.
    """
    if wrapper.constructor not in CONSTRUCTORS or wrapper.constructor in LAYER_DECAY:
        return []
    names = [f".{name}" for name, parameter in model.named_parameters() if parameter.requires_grad]
    own = [*MULTIPLIERS, *_arguments_of(wrapper)]
    lines = []
    for key, given in ((wrapper.paramwise or {}).get("custom_keys") or {}).items():
        if not any(key in name for name in names):
            if key in CUSTOMARY:
                continue
            lines.append(f"ignored: {CUSTOM_KEYS}.{key}: no trained parameter has it in its name")
        elif len(own) > len(MULTIPLIERS):
            lines += [
                f"ignored: {CUSTOM_KEYS}.{key}.{x}: the optimizer has no such argument" for x in given if x not in own
            ]
    return lines


def parameter_groups(model: nn.Module, wrapper: OptimWrapper) -> list[dict[str, Any]]:
    """The optimizer's groups, each with the ``names`` of its parameters, in order of first appearance."""
    lr, decay = wrapper.optimizer.get("lr"), wrapper.optimizer.get("weight_decay")
    paramwise = dict(wrapper.paramwise or {})
    named: Iterator[tuple[str, nn.Parameter, dict[str, Any]]]
    if wrapper.constructor in LAYER_DECAY:
        named = layer_decay_groups(model, paramwise, lr, decay, key="optim_wrapper.paramwise_cfg")
    else:
        rules = settings(ParamRules, paramwise, "optim_wrapper.paramwise_cfg")
        if problems := list(custom_problems(rules, wrapper)):
            raise ConfigError(problems)
        needs = [k for k in paramwise if k.endswith("decay_mult") and k != "flat_decay_mult"]
        needs += [f"custom_keys.{k}" for k, v in rules.custom_keys.items() if "decay_mult" in v]
        if needs and decay is None:
            key = f"optim_wrapper.paramwise_cfg.{needs[0]}"
            raise ConfigError(Problem(key, "multiplies optimizer.weight_decay, which is not set"))
        named = parameter_settings(model, rules, lr, decay)
    groups: dict[str, dict[str, Any]] = {}
    for name, parameter, own in named:
        group = groups.setdefault(repr(sorted(own.items())), {"params": [], "names": [], **own})
        group["params"].append(parameter)
        group["names"].append(name)
    return list(groups.values())


def build_optimizer(
    model: nn.Module, wrapper: OptimWrapper, *, lr_scale: float = 1.0, rules: Sequence[Rule] = ()
) -> torch.optim.Optimizer:
    """The optimizer over ``model``'s trained parameters; ``lr_scale`` is ``auto_scale_lr``'s ratio.

    Groups are so that each of the schedule's ``rules`` acts on the whole of one or on nothing of it.
    """
    optimizer = _built(model, wrapper, lr_scale)
    set_apart(optimizer, model, rules)
    return optimizer


def _built(model: nn.Module, wrapper: OptimWrapper, lr_scale: float) -> torch.optim.Optimizer:
    key = "optim_wrapper.optimizer"
    if not isinstance(wrapper.constructor, str):  # the user's own, with mmengine's interface
        given = {"type": "OptimWrapper", "optimizer": dict(wrapper.optimizer)}
        made: Any = wrapper.constructor(given, dict(wrapper.paramwise or {}))(model)
        users: torch.optim.Optimizer = getattr(made, "optimizer", made)
        for group in users.param_groups:
            group["lr"] = group["lr"] * lr_scale
        return users
    node = {k: v for k, v in wrapper.optimizer.items() if k != "type"}
    cls: Any = optimizer_class(wrapper.optimizer, key)
    known = [p for p in inspect.signature(cls.__init__).parameters if p not in ("self", "params")]
    known += ADAMW if cls is torch.optim.Muon else ()
    problems = [
        Problem(f"{key}.{arg}", f"{cls.__name__} has no argument {arg!r}{nearest(arg, known)}")
        for arg in node
        if arg not in known
    ]
    if problems := problems or list(kind_problems(cls, node, key)):
        raise ConfigError(problems)
    if cls is torch.optim.SparseAdam:
        message = "takes sparse gradients only, which no segmentation model has; use Adam or AdamW"
        raise ConfigError(Problem(f"{key}.type", f"SparseAdam {message}"))
    groups = parameter_groups(model, wrapper)
    if not any(g["params"] for g in groups):
        raise ConfigError(Problem("model", "no parameter has requires_grad=True: there is nothing to train"))
    for group in groups:
        del group["names"]
    made = build_muon(model, groups, node, key) if cls is torch.optim.Muon else None
    try:
        optimizer: torch.optim.Optimizer = cls(groups, **node) if made is None else made
    except (TypeError, ValueError) as error:
        raise ConfigError(Problem(key, str(error))) from error
    if is_schedule_free(wrapper.optimizer.get("type")):
        optimizer.train()  # type: ignore[attr-defined]  # it steps in that mode alone
    for group in optimizer.param_groups:
        group["lr"] = group["lr"] * lr_scale
    return optimizer
