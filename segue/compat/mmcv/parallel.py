"""mmcv.parallel of 0.x: holders of batches and models, thin: Lightning places models and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import default_collate

MODULE_WRAPPERS: tuple[type[nn.Module], ...]


class DataContainer:
    """A value with the way it is put into a batch: ``stack`` (padded), ``cpu_only`` or a list."""

    def __init__(
        self, data: Any, stack: bool = False, padding_value: float = 0, cpu_only: bool = False, pad_dims: int | None = 2
    ) -> None:
        if pad_dims not in (None, 1, 2, 3):
            raise AssertionError(f"pad_dims={pad_dims}: None, 1, 2 or 3")
        self._data, self._stack, self._padding_value = data, stack, padding_value
        self._cpu_only, self._pad_dims = cpu_only, pad_dims

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data!r})"

    def __len__(self) -> int:
        return len(self._data)

    @property
    def data(self) -> Any:
        """The value."""
        return self._data

    @property
    def datatype(self) -> Any:
        """Its type."""
        return self._data.type() if isinstance(self._data, Tensor) else type(self._data)

    @property
    def cpu_only(self) -> bool:
        """Whether it stays on the CPU."""
        return self._cpu_only

    @property
    def stack(self) -> bool:
        """Whether it is stacked."""
        return self._stack

    @property
    def padding_value(self) -> float:
        """What it is padded with."""
        return self._padding_value

    @property
    def pad_dims(self) -> int | None:
        """How many of the last axes are padded."""
        return self._pad_dims

    def size(self, *args: Any, **kwargs: Any) -> Any:
        """Of a tensor."""
        return self._data.size(*args, **kwargs)

    def dim(self) -> int:
        """Of a tensor."""
        return self._data.dim()


def _padded(tensors: Sequence[Tensor], dims: int, value: float) -> Tensor:
    sizes = [max(t.shape[-axis] for t in tensors) for axis in range(1, dims + 1)]
    out = []
    for tensor in tensors:
        pads = [n for axis, size in enumerate(sizes, 1) for n in (0, size - tensor.shape[-axis])]
        out.append(F.pad(tensor, pads, value=value))
    return default_collate(out)


def collate(batch: Any, samples_per_gpu: int = 1) -> Any:
    """Samples to a batch; a `DataContainer` keeps a list with one part per ``samples_per_gpu`` samples."""
    if not isinstance(batch, Sequence):
        raise TypeError(f"{type(batch)} is not supported.")
    first = batch[0]
    if isinstance(first, DataContainer):
        parts = [batch[n : n + samples_per_gpu] for n in range(0, len(batch), samples_per_gpu)]
        values: list[Any] = []
        for part in parts:
            data = [item.data for item in part]
            if first.cpu_only or not first.stack:
                values.append(data)
            elif first.pad_dims is None:
                values.append(default_collate(data))
            else:
                values.append(_padded(data, first.pad_dims, first.padding_value))
        if first.cpu_only:
            return DataContainer(values, first.stack, first.padding_value, cpu_only=True)
        return DataContainer(values, first.stack, first.padding_value)
    if isinstance(first, Mapping):
        return {key: collate([item[key] for item in batch], samples_per_gpu) for key in first}
    if isinstance(first, Sequence) and not isinstance(first, (str, bytes)):
        return [collate(items, samples_per_gpu) for items in zip(*batch, strict=True)]
    return default_collate(list(batch))


def scatter(inputs: Any, target_gpus: Sequence[int], dim: int = 0) -> list[Any]:
    """The first part of every `DataContainer`, on the first device (-1: the CPU): a list of one batch.

    Raises:
        ValueError: several devices; start a process for each instead.
    """
    if len(target_gpus) > 1:
        raise ValueError("scatter to several devices from one process is not offered: start a process for each")
    device = torch.device("cpu") if not target_gpus or target_gpus[0] == -1 else torch.device("cuda", target_gpus[0])

    def place(item: Any) -> Any:
        if isinstance(item, DataContainer):
            return item.data[0] if item.cpu_only else move(item.data[0])
        if isinstance(item, Tensor):
            return item.to(device)
        if isinstance(item, Mapping):
            return {key: place(value) for key, value in item.items()}
        if isinstance(item, (list, tuple)):
            return type(item)(place(value) for value in item)
        return item

    def move(item: Any) -> Any:
        if isinstance(item, (list, tuple)):
            return type(item)(move(value) for value in item)
        return item.to(device) if isinstance(item, Tensor) else item

    return [place(inputs)]


def scatter_kwargs(inputs: Any, kwargs: Any, target_gpus: Sequence[int], dim: int = 0) -> tuple[Any, Any]:
    """The same for arguments and keyword arguments."""
    return scatter(inputs, target_gpus, dim), scatter(kwargs, target_gpus, dim)


class MMDataParallel(nn.Module):
    """A model on one device, called with batches of `collate`."""

    def __init__(self, module: nn.Module, device_ids: Sequence[int] | None = None, dim: int = 0, **kwargs: Any) -> None:
        super().__init__()
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError("MMDataParallel on several devices is not offered: start a process for each")
        self.device_ids = list(device_ids) if device_ids is not None and torch.cuda.is_available() else []
        self.module = module.cuda(self.device_ids[0]) if self.device_ids else module
        self.dim = dim

    def _arguments(self, inputs: Any, kwargs: Any) -> tuple[Any, Any]:
        where = self.device_ids or [-1]
        return scatter(inputs, where)[0], scatter(kwargs, where)[0]

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The model's."""
        inputs, kwargs = self._arguments(inputs, kwargs)
        return self.module(*inputs, **kwargs)

    def train_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """The model's."""
        inputs, kwargs = self._arguments(inputs, kwargs)
        return self.module.train_step(*inputs, **kwargs)  # type: ignore[operator]

    def val_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """The model's."""
        inputs, kwargs = self._arguments(inputs, kwargs)
        return self.module.val_step(*inputs, **kwargs)  # type: ignore[operator]


class MMDistributedDataParallel(nn.parallel.DistributedDataParallel):
    """DistributedDataParallel, called with batches of `collate`."""

    def _place(self, inputs: Any, kwargs: Any) -> tuple[Any, Any]:
        where = [d if isinstance(d, int) else d.index for d in self.device_ids or [-1]]
        return scatter(inputs, where)[0], scatter(kwargs, where)[0]

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The model's."""
        inputs, kwargs = self._place(inputs, kwargs)
        return super().forward(*inputs, **kwargs)


MODULE_WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel, MMDataParallel)


def is_module_wrapper(module: nn.Module) -> bool:
    """Whether a model is wrapped."""
    return isinstance(module, MODULE_WRAPPERS)
