"""mmengine's data elements and mmseg's SegDataSample, and the way from Segue's samples and targets to them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segue.types import SegSample, Targets

_OWN = ("_metainfo_fields", "_data_fields")
_MAPS = ("gt_sem_seg", "gt_edge_map", "gt_depth_map")
#: the note that holds a user's other data on its way through Segue
_OTHERS = "data_fields"


class BaseDataElement:
    """Named data and named notes about it (``metainfo``), both reachable as attributes.

    ``BaseDataElement(metainfo=dict(img_shape=(4, 4)), bboxes=...)``: what is passed or assigned later is data.
    """

    def __init__(self, *, metainfo: Mapping[str, Any] | None = None, **data: Any) -> None:
        object.__setattr__(self, "_metainfo_fields", {})
        object.__setattr__(self, "_data_fields", {})
        if metainfo is not None:
            self.set_metainfo(metainfo)
        if data:
            self.set_data(data)

    def __getattr__(self, name: str) -> Any:
        if name in _OWN or name.startswith("__"):  # only while a copy is being made
            raise AttributeError(name)
        for fields in (self._data_fields, self._metainfo_fields):
            if name in fields:
                return fields[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
            return
        self.set_field(value, name)

    def __delattr__(self, name: str) -> None:
        if self._data_fields.pop(name, ...) is ... and self._metainfo_fields.pop(name, ...) is ...:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    __delitem__ = __delattr__

    def __contains__(self, name: str) -> bool:
        return name in self._data_fields or name in self._metainfo_fields

    def __repr__(self) -> str:
        meta = "".join(f"    {k}: {v!r}\n" for k, v in self.metainfo_items())
        data = "".join(f"    {k}: {v!r}\n" for k, v in self.items())
        return f"<{type(self).__name__}(\n  META INFORMATION\n{meta}  DATA FIELDS\n{data})>"

    def set_field(self, value: Any, name: str, dtype: Any = None, field_type: str = "data") -> None:
        """Set one entry, as data or as ``metainfo``; ``dtype`` is demanded of the value."""
        if name in _OWN:
            raise AttributeError(f"{name} is a private attribute")
        if dtype is not None and not isinstance(value, dtype):
            raise AssertionError(f"{value} should be a {dtype} but got {type(value)}")
        mine, other = self._data_fields, self._metainfo_fields
        if field_type == "metainfo":
            mine, other = other, mine
        if name in other:
            raise AttributeError(f"{name} is used in the other kind of fields already")
        mine[name] = value

    def set_metainfo(self, metainfo: Mapping[str, Any]) -> None:
        """Set notes; they are copied."""
        _must_be_dict("metainfo", metainfo)
        for name, value in copy.deepcopy(dict(metainfo)).items():
            self.set_field(value, name, field_type="metainfo")

    def set_data(self, data: Mapping[str, Any]) -> None:
        """Set data."""
        _must_be_dict("data", data)
        for name, value in data.items():
            setattr(self, name, value)

    def update(self, instance: BaseDataElement) -> None:
        """Take all entries of another element."""
        self.set_metainfo(dict(instance.metainfo_items()))
        self.set_data(dict(instance.items()))

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a name, or the default."""
        return getattr(self, key, default)

    def pop(self, *args: Any) -> Any:
        """Remove an entry and return its value."""
        name, *default = args
        for fields in (self._data_fields, self._metainfo_fields):
            if name in fields:
                return fields.pop(name)
        if default:
            return default[0]
        raise KeyError(f"{name} is not contained in metainfo or data")

    @property
    def metainfo(self) -> dict[str, Any]:
        """A copy of the notes."""
        return dict(self._metainfo_fields)

    def keys(self) -> list[str]:
        """Names of the data."""
        return list(self._data_fields)

    def values(self) -> list[Any]:
        """The data."""
        return list(self._data_fields.values())

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and data."""
        return iter(self._data_fields.items())

    def metainfo_keys(self) -> list[str]:
        """Names of the notes."""
        return list(self._metainfo_fields)

    def metainfo_values(self) -> list[Any]:
        """The notes."""
        return list(self._metainfo_fields.values())

    def metainfo_items(self) -> Iterator[tuple[str, Any]]:
        """Names and notes."""
        return iter(self._metainfo_fields.items())

    def all_keys(self) -> list[str]:
        """Names of notes and data."""
        return self.metainfo_keys() + self.keys()

    def all_values(self) -> list[Any]:
        """Notes and data."""
        return self.metainfo_values() + self.values()

    def all_items(self) -> Iterator[tuple[str, Any]]:
        """Names and values of both."""
        yield from self.metainfo_items()
        yield from self.items()

    def new(self, *, metainfo: Mapping[str, Any] | None = None, **data: Any) -> Any:
        """An element of this type with the same notes and data, or those given."""
        fresh = type(self)()
        fresh.set_metainfo(self.metainfo if metainfo is None else metainfo)
        fresh.set_data(data or dict(self.items()))
        return fresh

    def clone(self) -> Any:
        """A deep copy."""
        return self._each(copy.deepcopy)

    def _each(self, change: Any) -> Any:
        fresh = type(self)()
        fresh.set_metainfo(self.metainfo)
        fresh.set_data({name: change(value) for name, value in self.items()})
        return fresh

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        def change(value: Any) -> Any:
            return getattr(value, method)(*args, **kwargs) if hasattr(value, method) else value

        return self._each(change)

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """A copy elsewhere."""
        return self._call("to", *args, **kwargs)

    def cpu(self) -> Any:
        """A copy on the CPU."""
        return self._call("cpu")

    def cuda(self) -> Any:
        """A copy on the GPU."""
        return self._call("cuda")

    def detach(self) -> Any:
        """A copy without gradients."""
        return self._call("detach")

    def numpy(self) -> Any:
        """A copy with arrays for tensors."""
        return self._each(lambda v: v.detach().cpu().numpy() if isinstance(v, Tensor) else _inner(v, "numpy"))

    def to_tensor(self) -> Any:
        """A copy with tensors for arrays."""
        return self._each(lambda v: torch.from_numpy(v) if isinstance(v, np.ndarray) else _inner(v, "to_tensor"))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain dicts."""
        return {k: v.to_dict() if isinstance(v, BaseDataElement) else v for k, v in self.all_items()}


def _must_be_dict(name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise AssertionError(f"{name} should be a dict but got {type(value)}")


def _inner(value: Any, method: str) -> Any:
    return getattr(value, method)() if isinstance(value, BaseDataElement) else value


class PixelData(BaseDataElement):
    """Data per pixel: tensors or arrays (C, H, W) of one size; (H, W) becomes (1, H, W)."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            raise AttributeError(f"{name} is a private attribute")
        if not isinstance(value, (Tensor, np.ndarray)):
            raise AssertionError(f"Can not set {type(value)}, only support {(Tensor, np.ndarray)}")
        if value.ndim == 2:
            value = value[None]
        if value.ndim != 3:
            raise AssertionError(f"The dim of value must be 2 or 3, but got {value.ndim}")
        if self.shape is not None and tuple(value.shape[-2:]) != self.shape:
            raise AssertionError(f"The height and width of values {tuple(value.shape[-2:])} are not {self.shape}")
        super().__setattr__(name, value)

    def __getitem__(self, item: Any) -> PixelData:
        fresh = type(self)(metainfo=self.metainfo)
        rows, columns = item
        as_slice = [slice(i, i + 1) if isinstance(i, int) else i for i in (rows, columns)]
        for name, value in self.items():
            setattr(fresh, name, value[:, as_slice[0], as_slice[1]])
        return fresh

    @property
    def shape(self) -> tuple[int, int] | None:
        """(H, W); None while there is no data."""
        for value in self.values():
            return tuple(value.shape[-2:])  # type: ignore[return-value]
        return None


class InstanceData(BaseDataElement):
    """Data per instance: sequences of one length, indexed together."""

    def __len__(self) -> int:
        return len(self.values()[0]) if self.values() else 0

    def __getitem__(self, item: Any) -> InstanceData:
        if isinstance(item, str):
            return getattr(self, item)
        if isinstance(item, int):
            item = slice(item, item + 1)
        return self.new(**{name: value[item] for name, value in self.items()})


LabelData = BaseDataElement


class SegDataSample(BaseDataElement):
    """``gt_sem_seg``, ``pred_sem_seg`` and ``seg_logits`` of one image, each a ``PixelData``."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("gt_sem_seg", "pred_sem_seg", "seg_logits") and not isinstance(value, PixelData):
            raise AssertionError(f"{name} should be a PixelData but got {type(value)}")
        super().__setattr__(name, value)

    def as_segue(self) -> SegSample:
        """What Segue's loaders pass on."""
        found: SegSample = to_segue(self)
        return found


SampleList = Sequence[SegDataSample]


def to_samples(targets: Targets) -> list[SegDataSample]:
    """The annotations of a batch as mmseg passes them to heads and segmentors."""
    samples = []
    count = max(len(targets.labels), len(targets.metas or ()), 0 if targets.depth is None else len(targets.depth))
    for index in range(count):
        meta = dict(targets.metas[index]) if targets.metas else {}
        sample = _with_notes(meta)
        if index < len(targets.labels):
            sample.gt_sem_seg = PixelData(data=targets.labels[index])
        if targets.edges is not None:
            sample.gt_edge_map = PixelData(data=targets.edges[index])
        if targets.depth is not None:
            sample.gt_depth_map = PixelData(data=targets.depth[index])
        samples.append(sample)
    return samples


def to_targets(samples: Sequence[Any], device: Any = None) -> Targets:
    """The other way."""

    def stack(name: str) -> Tensor | None:
        found = [getattr(sample, name, None) for sample in samples]
        if any(value is None for value in found):
            return None
        data = [torch.as_tensor(value.data if isinstance(value, PixelData) else value) for value in found]
        return torch.stack([d[0] if d.ndim == 3 else d for d in data]).to(device)

    labels = stack("gt_sem_seg")
    none = torch.zeros(0, dtype=torch.int64, device=device)
    metas = [getattr(sample, "metainfo", None) or getattr(sample, "meta", {}) for sample in samples]
    return Targets(none if labels is None else labels.long(), stack("gt_edge_map"), stack("gt_depth_map"), metas)


def to_segue(sample: Any) -> Any:
    """A SegDataSample that a user's transform packed, as Segue's loaders pass it on.

    Its other data goes with the notes, from where `from_segue` and `to_samples` take it.
    """
    if not isinstance(sample, SegDataSample):
        return sample
    parts = {name: sample.get(name) for name in _MAPS}
    maps = {name: _plain(torch.as_tensor(value.data)) for name, value in parts.items() if value is not None}
    if "gt_sem_seg" in maps and maps["gt_sem_seg"].ndim == 2:
        maps["gt_sem_seg"] = maps["gt_sem_seg"].long()
    meta = sample.metainfo
    others = {name: value for name, value in sample.items() if name not in _MAPS}
    if others:
        meta[_OTHERS] = others
    return SegSample(meta=meta, **maps)


def _plain(data: Tensor) -> Tensor:
    """(1, H, W) to (H, W); several classes per pixel, and volumes, stay."""
    return data[0] if data.ndim == 3 and data.shape[0] == 1 else data


def _with_notes(meta: Mapping[str, Any]) -> SegDataSample:
    """A sample with notes, and with the data that `to_segue` put among them."""
    notes = dict(meta)
    others = notes.pop(_OTHERS, {})
    made = SegDataSample(metainfo=notes)
    made.set_data(others)
    return made


def from_segue(sample: SegSample) -> SegDataSample:
    """A sample of Segue's loaders as mmseg's."""
    made = _with_notes(sample.meta)
    for name in _MAPS:
        value = getattr(sample, name)
        if value is not None:
            setattr(made, name, PixelData(data=value))
    return made
