"""Private names of torch and Lightning that Segue leans on: one test for each, named after it, of what is used of it.

A new version that drops or changes one breaks that test, and not a training somewhere. `tests.test_house` sees to it
that none is missing.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.trainer import call
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader


class Line(LightningModule):
    """A line through points; remembers when gradients are collected only."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.collects: list[bool] = []
        self.validated = 0

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.collects.append(self.trainer.fit_loop._should_accumulate())
        return self.layer(batch).square().mean()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.validated += 1

    def on_train_start(self) -> None:
        """As `segue.training.stopping` validates where a run goes on."""
        self.trainer.validating = True
        self.trainer.fit_loop.epoch_loop.val_loop.run()
        self.trainer.training = True

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Line, Trainer]:
    """Four batches, two to a step, validated by hand before the first."""
    options: dict[str, Any] = {"accelerator": "cpu", "devices": 1, "max_epochs": 1, "accumulate_grad_batches": 2}
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    root: Path = tmp_path_factory.mktemp("line")
    trainer = Trainer(**options, **quiet, num_sanity_val_steps=0, check_val_every_n_epoch=None, val_check_interval=9,
                      limit_val_batches=2, log_every_n_steps=1, default_root_dir=root)  # fmt: skip
    line = Line()
    loader = DataLoader(torch.ones(4, 1), batch_size=1, num_workers=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's own use of torch
        trainer.fit(line, loader, loader)
    return line, trainer


def test_should_accumulate(fitted: tuple[Line, Trainer]) -> None:
    """Whether the running batch ends without a step of the optimizer."""
    assert fitted[0].collects == [True, False, True, False]


def test_val_loop_run(fitted: tuple[Line, Trainer]) -> None:
    """Validates at once, and training goes on afterwards."""
    assert fitted[0].validated == 2
    assert fitted[1].global_step == 2


def test_loop_state(fitted: tuple[Line, Trainer]) -> None:
    """The keys that `segue.training.handover.progress` and `segue.training.run` write."""
    state = fitted[1].fit_loop.state_dict()
    batches = state["epoch_loop.batch_progress"]
    assert batches["total"]["completed"] == batches["current"]["completed"] == 4
    assert batches["is_last_batch"] is True
    steps = state["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]
    assert steps["step"]["total"]["completed"] == 2 and set(steps) == {"step", "zero_grad"}
    assert state["epoch_loop.state_dict"]["_batches_that_stepped"] == 2
    assert {"ready", "started"} <= set(state["epoch_progress"]["total"])


def test_load_from_state_dict() -> None:
    """One module's own tensors are copied; those of its children are not; a wrong shape is reported, not raised."""
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    state = {"a.weight": torch.full((1, 1), 7.0), "a.bias": torch.zeros(2)}
    failures: list[str] = []
    model[0]._load_from_state_dict(state, "a.", {}, False, [], [], failures)
    assert model[0].weight.item() == 7
    assert len(failures) == 1 and "size mismatch for a.bias" in failures[0]


def test_modules() -> None:
    """The children by name, those that are None included."""
    model = nn.Module()
    model.child, model.none = nn.Identity(), None
    model.register_module("none_child", None)
    assert list(model._modules) == ["child", "none_child"]


def test_load_state_dict_post_hooks() -> None:
    """What was registered, to be called with the module and the incompatible keys."""
    model, seen = nn.Identity(), []
    model.register_load_state_dict_post_hook(lambda module, keys: seen.append((module, keys)))
    for hook in model._load_state_dict_post_hooks.values():
        hook(model, "keys")
    assert seen == [(model, "keys")]


def test_incompatiblekeys() -> None:
    """Two lists under these names, as ``load_state_dict`` returns them."""
    found = nn.Linear(1, 1).load_state_dict({"weight": torch.zeros(1, 1), "more": torch.zeros(1)}, strict=False)
    assert type(found) is torch.nn.modules.module._IncompatibleKeys
    assert type(found)(["a"], ["b"]) == (["a"], ["b"])
    assert (found.missing_keys, found.unexpected_keys) == (["bias"], ["more"])


def test_version() -> None:
    """Grows with every change of a tensor in place, also of one that is a parameter."""
    weight = nn.Parameter(torch.zeros(2), requires_grad=False)
    before = weight._version
    weight.copy_(torch.ones(2))
    assert weight._version == before + 1


def test_foreach_lerp() -> None:
    """``a + w (b - a)`` of each pair, in place."""
    average = [torch.zeros(2), torch.full((1,), 4.0)]
    torch._foreach_lerp_(average, [torch.ones(2), torch.zeros(1)], 0.25)
    assert [a.tolist() for a in average] == [[0.25, 0.25], [3.0]]


def test_subclasses() -> None:
    """``torch._subclasses.fake_tensor``: shapes pass through a model of real parameters, and no value is computed."""
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    layer = nn.BatchNorm2d(3)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        out = layer(torch.empty(2, 3, 4, 5))
    assert isinstance(out, FakeTensor) and out.shape == (2, 3, 4, 5)
    assert float(layer.running_mean.abs().sum()) == 0


def test_actions() -> None:
    """What a parser of arguments was given, with the options and choices of each."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--size", choices=["s", "l"])
    assert [(action.option_strings, action.choices) for action in parser._actions] == [(["--size"], ["s", "l"])]


def test_subparsersaction() -> None:
    """The action whose choices are the parsers below."""
    parser = argparse.ArgumentParser()
    below = parser.add_subparsers().add_parser("below")
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    assert [action.choices for action in found] == [{"below": below}]


def test_python_dispatch() -> None:
    """A mode sees each operation with the very tensors that modules passed on, also without gradients."""

    class Seen(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            calls.append((str(func), [id(value) for value in args if isinstance(value, Tensor)]))
            return func(*args, **(kwargs or {}))

    calls: list[tuple[str, list[int]]] = []
    x = torch.ones(1)
    with torch.inference_mode(), Seen():
        x.add(1)
    assert calls == [("aten.add.Tensor", [id(x)])]


def test_forward_hooks() -> None:
    """What a module calls after its ``forward``."""
    model = nn.Identity()
    assert not model._forward_hooks
    handle = model.register_forward_hook(lambda *_: None)
    assert len(model._forward_hooks) == 1
    handle.remove()
    assert not model._forward_hooks


def test_backward_hooks() -> None:
    """`segue.layers.banded_loss`: modules keep the hooks of their backward passes under these names."""
    module = nn.Identity()
    module.register_full_backward_hook(lambda *_: None)
    assert len(module._backward_hooks) == 1


def test_backward_pre_hooks() -> None:
    module = nn.Identity()
    module.register_full_backward_pre_hook(lambda *_: None)
    assert len(module._backward_pre_hooks) == 1


def test_are_functorch_transforms_active() -> None:
    """`segue.layers.banded_loss`: whether a function is being transformed, such as by ``vmap``."""
    seen: list[bool] = []

    def look(x: Tensor) -> Tensor:
        seen.append(torch._C._are_functorch_transforms_active())
        return x

    torch.func.vmap(look)(torch.zeros(2))
    look(torch.zeros(2))
    assert seen == [True, False]


def test_forward_pre_hooks() -> None:
    """What a module calls before its ``forward``."""
    model = nn.Identity()
    model.register_forward_pre_hook(lambda *_: None)
    assert len(model._forward_pre_hooks) == 1


class Twice(_TrainingEpochLoop):
    """As `segue.training.own_loop` puts a loop in the place of Lightning's: two iterations, by its own calls."""

    def run(self, data_fetcher: Any) -> None:
        self.reset()
        self.on_run_start(data_fetcher)
        self.on_iteration_done()
        for index in range(2):
            self.batch_progress.increment_ready()
            self.trainer._logger_connector.on_batch_start(index)
            call._call_callback_hooks(self.trainer, "on_train_batch_start", index, index)
            call._call_lightning_module_hook(self.trainer, "on_train_batch_start", index, index)
            self.batch_progress.increment_started()
            self.batch_progress.increment_processed()
            call._call_callback_hooks(self.trainer, "on_train_batch_end", None, index, index)
            self.trainer._logger_connector.on_batch_end()
            self.batch_progress.increment_completed()


class Seen(Callback):
    """Notes the batches of a callback."""

    def __init__(self) -> None:
        self.points: list[str] = []

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.points.append(f"start {batch_idx}")

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.points.append(f"end {batch_idx}")


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainer, Seen, list[int]]:
    seen, started = Seen(), []

    class Module(Line):
        def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
            started.append(batch_idx)

        def on_train_start(self) -> None:
            """Nothing."""

    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    root = tmp_path_factory.mktemp("twice")
    trainer = Trainer(max_epochs=1, accelerator="cpu", devices=1, callbacks=[seen], limit_val_batches=0,
                      default_root_dir=root, **quiet)  # fmt: skip
    trainer.fit_loop.epoch_loop = Twice(trainer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's own use of torch
        trainer.fit(Module(), DataLoader(torch.zeros(5, 1), batch_size=1))
    return trainer, seen, started


def test_trainingepochloop(twice: Any) -> None:
    assert twice[0].fit_loop.batch_idx == 1 and twice[0].fit_loop.epoch_progress.current.completed == 1


def test_call_callback_hooks(twice: Any) -> None:
    assert twice[1].points == ["start 0", "end 0", "start 1", "end 1"]


def test_call_lightning_module_hook(twice: Any) -> None:
    assert twice[2] == [0, 1]


def test_logger_connector(twice: Any) -> None:
    assert twice[0]._logger_connector.on_batch_start and twice[0]._logger_connector.on_batch_end


def test_parameters() -> None:
    """A module's own parameters by name, also where a property of its class has the name; the state dict reads them."""

    class Doubled(nn.Linear):
        weight = property(lambda self: 2 * self._parameters["weight"])  # type: ignore[assignment]

    layer = nn.Linear(1, 1, bias=False)
    weight = layer.weight
    layer.__class__ = Doubled
    assert layer._parameters["weight"] is weight and layer.state_dict()["weight"].data_ptr() == weight.data_ptr()
    assert list(layer.parameters()) == [weight]
    assert layer(torch.ones(1, 1)).item() == pytest.approx(2 * weight.item())
