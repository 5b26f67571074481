"""The mypy plugin, on a torch of a few lines (that mypy reads in seconds) and, slowly, on the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

PLUGIN = Path(__file__).parents[2] / "tools" / "mypy_modules.py"

TORCH = {
    "torch/__init__.pyi": "from torch import nn as nn\nfrom torch._tensor import Tensor as Tensor\n",
    "torch/_tensor.pyi": "class Tensor: ...\n",
    "torch/nn/__init__.pyi": (
        "from torch.nn.modules.module import Module as Module\n"
        "from torch.nn.modules.container import Sequential as Sequential\n"
        "from torch.nn.modules.activation import ReLU as ReLU\n"
    ),
    "torch/nn/modules/__init__.pyi": "",
    "torch/nn/modules/module.pyi": (
        "from collections.abc import Callable\nfrom typing import Any\n"
        "class Module:\n    forward: Callable[..., Any]\n    __call__: Callable[..., Any]\n"
    ),
    "torch/nn/modules/activation.pyi": (
        "from torch import Tensor\nfrom torch.nn.modules.module import Module\n"
        "class ReLU(Module):\n    def forward(self, input: Tensor) -> Tensor: ...\n"
    ),
    "torch/nn/modules/container.pyi": (
        "from typing_extensions import Self\nfrom torch.nn.modules.module import Module\n"
        "class Sequential(Module):\n    def __init__(self, *args: Module) -> None: ...\n"
        "    def append(self, module: Module) -> Self: ...\n"
        "    def forward(self, input): ...  # type: ignore[no-untyped-def]\n"
    ),
}

USE = """
from torch import Tensor, nn

class Two(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x

class Pair(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x

class Uses(nn.Module):
    def __init__(self, either: Two | nn.ReLU, unknown: nn.Module) -> None:
        self.two, self.pair, self.either, self.unknown = Two(), Pair(), either, unknown
        self.chain = nn.Sequential(nn.ReLU(), unknown)

    def forward(self, x: Tensor) -> Tensor:
        {lines}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the torch of a few lines."""
    folder = tmp_path_factory.mktemp("types")
    for name, text in TORCH.items():
        (folder / "stubs" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "stubs" / name).write_text(text, encoding="utf-8")
    return folder


def told(place: Path, *lines: str) -> str:
    """What mypy says of a body of ``forward``."""
    stubs = f"mypy_path = {(place / 'stubs').as_posix()}\n" if (place / "stubs").exists() else ""
    settings = f"[mypy]\nstrict = true\nplugins = {PLUGIN.as_posix()}\n{stubs}"
    (place / "mypy.ini").write_text(settings, encoding="utf-8")
    (place / "use.py").write_text(USE.replace("{lines}", "\n        ".join(lines)), encoding="utf-8")
    options = ["--config-file", str(place / "mypy.ini"), "--cache-dir", str(place / "cache")]
    said, trouble, _ = api.run([*options, str(place / "use.py")])
    assert not trouble, trouble
    return said


def test_a_call_returns_what_forward_returns(place: Path) -> None:
    assert 'got "tuple[Tensor, Tensor]", expected "Tensor"' in told(place, "return self.two(x)")


def test_a_call_takes_what_forward_takes(place: Path) -> None:
    assert 'Missing positional argument "y"' in told(place, "return self.pair(x)")
    assert 'has incompatible type "str"; expected "Tensor"' in told(place, "return self.pair(x, 'y')")


def test_every_class_of_a_union_is_asked(place: Path) -> None:
    assert 'got "tuple[Tensor, Tensor] | Tensor"' in told(place, "return self.either(x)")


def test_a_right_call_is_no_error(place: Path) -> None:
    assert "Success" in told(place, "return self.chain(self.pair(x, x))")


def test_a_module_of_unknown_class_stays_unknown(place: Path) -> None:
    assert 'Returning Any from function declared to return "Tensor"' in told(place, "return self.unknown(x)")


@pytest.mark.parametrize(
    "wrong", ["nn.Sequential(nn.ReLU(), Two())", "nn.Sequential(*[Two() for _ in 'ab'])", "self.chain.append(Two())"]
)
def test_what_is_chained_takes_and_gives_a_tensor(place: Path, wrong: str) -> None:
    assert '"Two" in a Sequential must turn a Tensor into a Tensor' in told(place, f"return {wrong}(x)")


def test_a_chained_module_that_wants_two_tensors(place: Path) -> None:
    assert '"Pair" in a Sequential must' in told(place, "return nn.Sequential(Pair())(x)")


@pytest.mark.slow
def test_the_real_torch(tmp_path: Path) -> None:
    said = told(
        tmp_path,
        "self.pair(x)",
        "self.chain.append(Two())",
        "nn.Sequential(nn.ReLU(), Two())",
        "nn.Conv2d(1, 1, 1)(x, x)",
        "x = self.chain(nn.Conv2d(1, 1, 1)(x))",
        "return self.two(x)",
    )
    assert said.count('"Two" in a Sequential must turn a Tensor into a Tensor') == 2, said
    assert 'Missing positional argument "y"' in said
    assert 'Too many arguments for "forward" of "Conv2d"' in said
    assert 'got "tuple[Tensor, Tensor]", expected "Tensor"' in said
    assert "Found 5 errors" in said
