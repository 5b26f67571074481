"""What can be known before the first step, so that no run ends an hour later: metric names, batches of one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from segue.config.trust import rights_of
from segue.errors import ConfigError, InputError, Problem, nearest
from segue.training import cached_features
from segue.training.chores.monitors import may_be_logged, watched
from segue.training.data import read_loader
from segue.training.gather import Gathered
from segue.training.hooks import Hooks, read_hooks
from segue.training.optimization.apart import check_parts
from segue.training.optimizers import OptimWrapper, build_optimizer, read_optim_wrapper
from segue.training.parts import Parts
from segue.training.plan import UNKNOWN, Plan, rules_of

T = TypeVar("T")


def check_before_first_step(cfg: Mapping[str, Any], plan: Plan | None, parts: Parts, gathered: Gathered) -> None:
    """Look for what would stop a run later, as far as its sections and parts could be read and made."""

    def check(problems: Iterator[Problem]) -> None:
        if found := list(problems):
            raise ConfigError(found)

    def read() -> Hooks:
        return read_hooks(cfg.get("default_hooks"), cfg.get("custom_hooks"), rights_of(cfg))

    hooks = plan.hooks if plan is not None else readable(read)
    if hooks is not None:
        gathered.attempt("", lambda: check(metric_problems(hooks, parts, cfg)))
    if parts.built is not None:
        gathered.attempt("model", lambda: check(feature_problems(parts.built, cfg)))
    if parts.built is not None and parts.train_data is not None:
        gathered.attempt("", lambda: check(batch_problems(cfg, parts)))
    gathered.attempt("feature_cache", lambda: check(cached_features.problems(cfg, parts.built)))
    wrapper = plan.wrapper if plan is not None else readable(lambda: read_optim_wrapper(cfg["optim_wrapper"]))
    if wrapper is not None:
        gathered.attempt("optim_wrapper", lambda: check_optimizer(wrapper, parts.built))
    built, rules = parts.built, readable(lambda: rules_of(cfg, UNKNOWN))
    if built is not None and rules is not None:
        gathered.attempt("param_scheduler", lambda: check_parts(built, rules))


def readable(read: Callable[[], T]) -> T | None:
    """What can be read of a plan that as a whole cannot; what is wrong is in its problems already."""
    try:
        return read()
    except (ConfigError, KeyError):
        return None


def check_optimizer(wrapper: OptimWrapper, model: nn.Module | None) -> None:
    """Make the optimizer for nothing: of the model, or of one parameter where there is none; the user's own are left.

    Raises:
        ConfigError: its name, arguments or settings of parameters.
    """
    if not isinstance(wrapper.constructor, str):
        return
    if model is None:
        wrapper = replace(wrapper, constructor="DefaultOptimWrapperConstructor", paramwise=None)
    build_optimizer(model or nn.Linear(1, 1), wrapper)


def metric_problems(hooks: Hooks, parts: Parts, cfg: Mapping[str, Any]) -> Iterator[Problem]:
    """What hooks watch and neither the validation nor, as its name shows, the log of the training has."""
    wanted = list(watched(hooks, (), stopping_key(cfg)))
    if (wanted or hooks.checkpoint.best) and not (cfg.get("val_dataloader") and cfg.get("val_evaluator")):
        without = "there is no validation (val_dataloader, val_evaluator)"
        if hooks.checkpoint.best:
            yield Problem("default_hooks.checkpoint.save_best", f"{without}, so there is no best")
        if hooks.early_stopping:
            yield Problem(stopping_key(cfg), f"{without}, after which it would look")
        return
    known = metric_names(parts)
    for key, name in wanted:
        if known is not None and name not in known and not may_be_logged(name):
            yield Problem(key, f"the validation has no metric {name!r}{nearest(name, known)}")


def metric_names(parts: Parts) -> list[str] | None:
    """What the metrics will be called; None where only measuring tells, as with a user's own metric."""
    names: list[str] = []
    if parts.val_data is None or not parts.metrics:
        return None
    for metric in parts.metrics:
        if not type(metric).__module__.startswith("segue.metrics."):
            return None
        names += metric.compute()
    return names


def stopping_key(cfg: Mapping[str, Any]) -> str:
    """The key path of what ``EarlyStoppingHook`` watches."""
    for i, node in enumerate(cfg.get("custom_hooks") or ()):
        if isinstance(node, Mapping) and str(node.get("type")).endswith("EarlyStoppingHook"):
            return f"custom_hooks.{i}.monitor"
    return "default_hooks"


def batch_problems(cfg: Mapping[str, Any], parts: Parts) -> Iterator[Problem]:
    """A batch of one sample where a batch normalization sees one value of it per channel."""
    node, sampler = read_loader(cfg["train_dataloader"], "train_dataloader")
    size, count = node.batch_size, len(parts.train_data)
    last = 0 if sampler.infinite or sampler.own or sampler.rare or node.drop_last else count % size
    if size != 1 and last != 1:
        return
    layer = single_value_norm(parts.model, cfg)
    if layer is None:
        return
    batch = "a batch of 1" if size == 1 else f"the last batch of a pass, 1 of {count} images,"
    advice = "set batch_size to at least 2" if size == 1 else "set drop_last=True, or another batch_size"
    yield Problem(
        "train_dataloader.batch_size",
        f"{size}: {batch} gives the batch normalization {layer} one value per channel, of which there is no variance; "
        f"{advice}, or norm_cfg=dict(type='GN', num_groups=...)",
    )


def feature_problems(model: Any, cfg: Mapping[str, Any]) -> Iterator[Problem]:
    """Feature maps that a head asks for and the backbone and neck do not give, by number or by channels.

    Shapes alone are passed; nothing is said where the model cannot be followed so.
    """
    try:
        with kept_buffers(model), FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
            model.eval()
            features = model.extract_feat(torch.empty(2, *input_shape(model, cfg)))
            found = list(_refusals(model, features))
    except Exception as error:
        logging.getLogger("segue").debug("shapes cannot be passed through the model: %s", error)
        return
    for path, message in found:
        yield Problem(f"model.{path}", message)


def named_heads(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The decode and auxiliary heads with their key paths below ``model``."""
    for name in ("decode_head", "auxiliary_head"):
        head = getattr(model, name, None)
        if isinstance(head, nn.ModuleList):
            yield from ((f"{name}.{i}", part) for i, part in enumerate(head))
        elif head is not None:
            yield name, head


def _refusals(model: nn.Module, features: Any) -> Iterator[tuple[str, str]]:
    """What each head says of features that it cannot take; one of a cascade gets the output of the one before, too.

    Nothing is said of a failure that only passing shapes has, nor of the heads of a cascade that come after one.
    """
    cascade = isinstance(getattr(model, "decode_head", None), nn.ModuleList)
    output: Any = None
    for path, head in named_heads(model):
        later = cascade and path.startswith("decode_head.") and path != "decode_head.0"
        if later and output is None:
            continue
        try:
            output = head(features, output) if later else head(features)
        except InputError as error:
            yield path, str(error)
            output = None
        except Exception as error:
            logging.getLogger("segue").debug("%s: %s", type(head).__name__, error)
            output = None


@contextmanager
def kept_buffers(model: nn.Module) -> Iterator[None]:
    """Leave mode and buffers as they were: the counts of batches are real, and go up."""
    modes = {module: module.training for module in model.modules()}
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for buffer, value in before:
            buffer.copy_(value)


def single_value_norm(model: nn.Module, cfg: Mapping[str, Any]) -> str | None:
    """The name of a batch normalization over 1 x 1 positions, found by passing shapes through the model.

    No values are computed. None where there is no such layer, and where the model cannot be followed so.
    """
    norms: dict[nn.Module, str] = {
        m: n for n, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)
    }
    found: list[str] = []

    def look(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if module.training and inputs[0].shape[2:].numel() == 1:
            found.append(norms[module])

    handles = [module.register_forward_pre_hook(look) for module in norms]
    try:
        with kept_buffers(model), FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
            model.train()
            features = model.extract_feat(torch.empty(2, *input_shape(model, cfg)))  # type: ignore[operator]
            for _, head in named_heads(model):
                _attempt(head, features)
    except Exception as error:
        logging.getLogger("segue").debug("shapes cannot be passed through the model: %s", error)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else None


def _attempt(head: nn.Module, features: Any) -> None:
    """Pass features on; a head that wants more than features, as one of a cascade does, is left out."""
    try:
        head(features)
    except Exception as error:
        logging.getLogger("segue").debug("%s: %s", type(head).__name__, error)


def input_shape(model: nn.Module, cfg: Mapping[str, Any]) -> tuple[int, int, int]:
    """(C, H, W) of what the training passes, as far as the config says."""
    preprocessor = getattr(model, "data_preprocessor", None)
    padding = getattr(preprocessor, "train_padding", None)
    size = getattr(padding, "size", None) or cfg.get("crop_size") or (512, 512)
    height, width = (size, size) if isinstance(size, int) else size
    mean = getattr(preprocessor, "mean", None)
    return (3 if mean is None or mean.numel() < 2 else mean.numel()), int(height), int(width)
