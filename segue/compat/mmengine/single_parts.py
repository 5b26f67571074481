"""Single parts of mmengine: what is shared out, saved memory, files in LMDB, inferencers."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from segue.compat.mmengine.local_files import BaseStorageBackend
from segue.compat.mmengine.wrappers import MMDistributedDataParallel
from segue.errors import MissingExtraError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of torch's own, about what it uses itself
    from torch.distributed.optim import ZeroRedundancyOptimizer as _Zero


class ZeroRedundancyOptimizer(_Zero):
    """torch's, whose state is shared out among processes; ``optimizer_type`` is a name of torch.optim."""

    def __init__(self, params: Any, optimizer_type: str, **kwargs: Any) -> None:
        cls = getattr(torch.optim, optimizer_type, None)
        if not (isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer)):
            raise AssertionError(f"{optimizer_type!r} is no optimizer of torch.optim")
        super().__init__(params, optimizer_class=cls, **kwargs)


def turn_on_activation_checkpointing(model: nn.Module, modules: str | Sequence[str]) -> None:
    """Compute what is inside some modules, named by their path, again in the backward pass in place of keeping it."""
    names = [modules] if isinstance(modules, str) else list(modules)
    known = dict(model.named_modules())
    for name in names:
        if name not in known:
            raise ValueError(f"the model has no module {name!r}")
    for name in names:
        _save(known[name])


def _save(module: nn.Module) -> None:
    usual = module.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        return checkpoint(usual, *args, use_reentrant=False, **kwargs)

    module.forward = forward  # type: ignore[method-assign]


class MMSeparateDistributedDataParallel(nn.Module):
    """A model whose parts that learn are each distributed by themselves, as several optimizers need it."""

    def __init__(
        self, module: nn.Module, broadcast_buffers: bool = False, find_unused_parameters: bool = False, **kwargs: Any
    ) -> None:
        super().__init__()
        self.module = module
        for name, part in list(module._modules.items()):
            if part is not None and any(parameter.requires_grad for parameter in part.parameters()):
                options = {"broadcast_buffers": broadcast_buffers, "find_unused_parameters": find_unused_parameters}
                module._modules[name] = MMDistributedDataParallel(part, **options, **kwargs)

    def train_step(self, data: Any, optim_wrapper: Any) -> Any:
        """The model's."""
        return self.module.train_step(data, optim_wrapper)  # type: ignore[operator]

    def val_step(self, data: Any) -> Any:
        """The model's."""
        return self.module.val_step(data)  # type: ignore[operator]

    def test_step(self, data: Any) -> Any:
        """The model's."""
        return self.module.test_step(data)  # type: ignore[operator]

    @contextmanager
    def no_sync(self) -> Any:
        """Gradients stay with their process inside."""
        with ExitStack() as stack:
            for part in self.module.children():
                if isinstance(part, MMDistributedDataParallel):
                    stack.enter_context(part.no_sync())
            yield


class LmdbBackend(BaseStorageBackend):
    """Files that are values of an LMDB database; it needs the package ``lmdb``."""

    def __init__(
        self, db_path: Any, readonly: bool = True, lock: bool = False, readahead: bool = False, **kwargs: Any
    ) -> None:
        try:
            import lmdb
        except ImportError as error:
            remedy = "pip install lmdb"
            raise MissingExtraError("lmdb", purpose="reading files out of LMDB", remedy=remedy) from error
        self.db_path = str(db_path)
        self._made = lmdb.open(self.db_path, readonly=readonly, lock=lock, readahead=readahead, **kwargs)

    def get(self, filepath: Any) -> bytes:
        """The value of a key."""
        with self._made.begin(write=False) as transaction:
            found = transaction.get(str(filepath).encode())
        if found is None:
            raise FileNotFoundError(f"{self.db_path} has no {filepath}")
        return bytes(found)

    def get_text(self, filepath: Any, encoding: str = "utf-8") -> str:
        """The value of a key as text."""
        return self.get(filepath).decode(encoding)


class BaseInferencer:
    """The frame of an inferencer: images are prepared, predicted in batches, drawn and put together.

    A subclass writes ``visualize`` and ``postprocess``, and says in ``preprocess_kwargs`` and its kin which arguments
    of a call each step takes. ``model`` is a config or a model, as `init_model` takes it.
    """

    preprocess_kwargs: set[str] = set()  # noqa: RUF012  # as in mmengine
    forward_kwargs: set[str] = set()  # noqa: RUF012
    visualize_kwargs: set[str] = set()  # noqa: RUF012
    postprocess_kwargs: set[str] = set()  # noqa: RUF012

    def __init__(
        self,
        model: Any,
        weights: Any = None,
        device: str | None = None,
        scope: str | None = None,
        show_progress: bool = True,
    ) -> None:
        from segue.compat.mmseg.apis import init_model

        self.scope, self.show_progress = scope or "mmseg", show_progress
        self.model = model if isinstance(model, nn.Module) else init_model(model, weights, device=device or "cpu")
        self.cfg = getattr(self.model, "cfg", None)

    def __call__(self, inputs: Any, return_datasamples: bool = False, batch_size: int = 1, **kwargs: Any) -> Any:
        """What ``postprocess`` makes of all predictions and pictures."""
        steps = (self.preprocess_kwargs, self.forward_kwargs, self.visualize_kwargs, self.postprocess_kwargs)
        unknown = set(kwargs) - set().union(*steps)
        if unknown:
            raise ValueError(
                f"unknown argument {sorted(unknown)} for `preprocess`, `forward`, `visualize` and `postprocess`"
            )
        prepare, ask, draw, finish = ({k: v for k, v in kwargs.items() if k in step} for step in steps)
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        found: list[Any] = []
        for data in self.preprocess(given, batch_size, **prepare):
            found += self.forward(data, **ask)
        return self.postprocess(found, self.visualize(given, found, **draw), return_datasamples, **finish)

    def preprocess(self, inputs: Sequence[Any], batch_size: int = 1, **kwargs: Any) -> Any:
        """Batches for ``test_step``, by the config's test pipeline."""
        from segue.compat.mmseg.apis import packed

        for start in range(0, len(inputs), batch_size):
            yield packed(self.model, inputs[start : start + batch_size])

    def forward(self, inputs: Any, **kwargs: Any) -> Any:
        """Predictions of a batch."""
        model: Any = self.model
        with torch.no_grad():
            return model.test_step(inputs)

    @abstractmethod
    def visualize(self, inputs: Sequence[Any], preds: Any, show: bool = False, **kwargs: Any) -> Any:
        """Pictures of the predictions, or None."""
        raise NotImplementedError(f"{type(self).__name__} does not write visualize")

    @abstractmethod
    def postprocess(self, preds: Any, visualization: Any, return_datasample: bool = False, **kwargs: Any) -> Any:
        """What a call gives."""
        raise NotImplementedError(f"{type(self).__name__} does not write postprocess")
