"""mmengine.analysis: parameters and operations of a model, counted by PyTorch. One operation is a multiply-add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def _text(count: float) -> str:
    return _format_size(count)


def _format_size(x: float, sig_figs: int = 3, hide_zero: bool = False) -> str:
    """``123456`` as ``0.123M``: in the unit of which it is more than a tenth."""
    if hide_zero and x == 0:
        return ""
    for size, letter in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K")):
        if abs(x) > size / 10:
            return f"{x / size:.{sig_figs}f}".rstrip("0").rstrip(".") + letter
    return str(x)


class FlopAnalyzer:
    """The operations of ``model(*inputs)``."""

    def __init__(self, model: nn.Module, inputs: Any) -> None:
        given = inputs if isinstance(inputs, tuple) else (inputs,)
        mode = model.training
        model.eval()
        with torch.no_grad(), FlopCounterMode(model, display=False) as counter:
            model(*given)
        model.train(mode)
        prefix = type(model).__name__
        counts = {key: sum(per.values()) // 2 for key, per in counter.get_flop_counts().items()}
        self._modules = {key.removeprefix(f"{prefix}."): n for key, n in counts.items() if key != "Global"}
        self._modules[""] = counts["Global"]
        self._operators = {str(op): n // 2 for op, n in counter.get_flop_counts()["Global"].items()}

    def total(self, module_name: str = "") -> int:
        """Of the model, or of a part by its name."""
        return self._modules.get(module_name, 0)

    def by_module(self) -> Counter[str]:
        """Of each part."""
        return Counter(self._modules)

    def by_operator(self, module_name: str = "") -> Counter[str]:
        """Of each kind of operation, in the whole model."""
        if module_name:
            raise ValueError("operations are counted by kind for the whole model only")
        return Counter(self._operators)


def flop_count(model: nn.Module, inputs: Any, supported_ops: Any = None) -> tuple[dict[str, float], Counter[str]]:
    """Thousand millions of operations by kind, and an empty count of what was left out."""
    if supported_ops is not None:
        raise ValueError("supported_ops: PyTorch's own counts are used; omit it")
    found = FlopAnalyzer(model, inputs).by_operator()
    return {name: count / 1e9 for name, count in found.items()}, Counter()


class ActivationAnalyzer:
    """The elements that convolutions and linear layers give out in ``model(*inputs)``."""

    def __init__(self, model: nn.Module, inputs: Any) -> None:
        self._count: Counter[str] = Counter()
        kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)
        hooks = [
            module.register_forward_hook(self._counter(name))
            for name, module in model.named_modules()
            if isinstance(module, kinds)
        ]
        mode = model.training
        model.eval()
        with torch.no_grad():
            model(*(inputs if isinstance(inputs, tuple) else (inputs,)))
        model.train(mode)
        for hook in hooks:
            hook.remove()

    def _counter(self, name: str) -> Callable[..., None]:
        def count(module: nn.Module, inputs: Any, output: Any) -> None:
            self._count[name] += output.numel()

        return count

    def total(self, module_name: str = "") -> int:
        """Of the model, or of a part by its name."""
        prefix = f"{module_name}." if module_name else ""
        return sum(n for name, n in self._count.items() if f"{name}.".startswith(prefix))

    def by_module(self) -> Counter[str]:
        """Of each layer."""
        return Counter(self._count)


def activation_count(model: nn.Module, inputs: Any, supported_ops: Any = None) -> tuple[dict[str, float], Counter[str]]:
    """Millions of elements by layer, and an empty count of what was left out."""
    found = ActivationAnalyzer(model, inputs).by_module()
    return {name: count / 1e6 for name, count in found.items()}, Counter()


def parameter_count(model: nn.Module) -> dict[str, int]:
    """Parameters of the model (the key ``""``) and of each part."""
    out: Counter[str] = Counter()
    for name, parameter in model.named_parameters():
        parts = name.split(".")
        for depth in range(len(parts) + 1):
            out[".".join(parts[:depth])] += parameter.numel()
    return dict(out)


def parameter_count_table(model: nn.Module, max_depth: int = 3) -> str:
    """The same as text, down to ``max_depth``."""
    rows = [(name, n) for name, n in parameter_count(model).items() if name.count(".") < max_depth]
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name or 'model':{width}}{_text(n)}" for name, n in rows)


def get_model_complexity_info(
    model: nn.Module, input_shape: Any = None, inputs: Any = None, show_table: bool = True, show_arch: bool = True
) -> dict[str, Any]:
    """``flops``, ``params``, ``activations``, each also as ``*_str``, ``out_table`` and ``out_arch``.

    ``inputs`` count where both are given, as mmseg's own script does.

    Raises:
        ValueError: neither ``input_shape`` (without a batch) nor ``inputs``.
    """
    if input_shape is None and inputs is None:
        raise ValueError('One of "input_shape" and "inputs" should be set.')
    if inputs is None:
        device = next(model.parameters()).device
        shapes = [input_shape] if isinstance(input_shape[0], int) else input_shape
        inputs = tuple(torch.randn(1, *shape, device=device) for shape in shapes)
    flops, params = FlopAnalyzer(model, inputs).total(), sum(p.numel() for p in model.parameters())
    activations = ActivationAnalyzer(model, inputs).total()
    return {
        "flops": flops, "flops_str": _text(flops), "activations": activations, "activations_str": _text(activations),
        "params": params, "params_str": _text(params),
        "out_table": parameter_count_table(model) if show_table else "", "out_arch": str(model) if show_arch else "",
    }  # fmt: skip


def old_complexity_info(
    model: nn.Module, input_shape: tuple[int, ...], print_per_layer_stat: bool = True, as_strings: bool = True,
    input_constructor: Any = None, flush: bool = False, ost: Any = None,
) -> Any:  # fmt: skip
    """mmcv's: operations and parameters for an input without its batch, as texts or numbers."""
    inputs = input_constructor(input_shape) if input_constructor else None
    if inputs is not None:
        raise ValueError("input_constructor: not offered; use mmengine.analysis.get_model_complexity_info(inputs=...)")
    found = get_model_complexity_info(model, input_shape)
    if print_per_layer_stat:
        print(found["out_table"], file=ost, flush=flush)
    if as_strings:
        return f"{found['flops'] / 1e9:.2f} GFLOPs", f"{found['params'] / 1e6:.2f} M"
    return found["flops"], found["params"]
