"""Data preprocessors for user code: Segue's with mmseg's arguments, and a user's own between Segue's samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from segue.compat.mmengine.registry import MODELS
from segue.compat.mmengine.structures import SegDataSample, from_segue, to_segue
from segue.compat.overrides import Guarded, overridden
from segue.models.seg_data_preprocessor import PadOptions
from segue.models.seg_data_preprocessor import SegDataPreProcessor as House
from segue.types import SegSample


class Prepared(dict[str, Any]):
    """A prepared batch: ``inputs, samples = prepared`` as Segue takes it, ``model(**prepared)`` as mmseg does."""

    def __iter__(self) -> Any:
        return iter([self["inputs"], self["data_samples"]])

    def keys(self) -> Any:
        """``inputs`` and ``data_samples``."""
        return dict.keys(self)


class SegDataPreProcessor(Guarded, House):
    """Segue's, with mmseg's arguments; samples come out of the kind that went in."""

    takes_config = True
    stands_for: ClassVar = ("preprocessors", "SegDataPreProcessor")

    def __init__(
        self,
        mean: Any = None,
        std: Any = None,
        size: Any = None,
        size_divisor: int | None = None,
        pad_val: float = 0,
        seg_pad_val: float = 255,
        bgr_to_rgb: bool = False,
        rgb_to_bgr: bool = False,
        batch_augments: Any = None,
        test_cfg: Any = None,
        non_blocking: bool = False,
    ) -> None:
        super().__init__(
            mean=mean,
            std=std,
            size=size,
            size_divisor=size_divisor,
            pad_val=pad_val,
            seg_pad_val=int(seg_pad_val),
            bgr_to_rgb=bgr_to_rgb,
            rgb_to_bgr=rgb_to_bgr,
            test=PadOptions(**test_cfg) if test_cfg else None,
        )
        self._pads_in_tests = bool(test_cfg)

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        return self.mean.device

    def cast_data(self, data: Any) -> Any:
        """Tensors, at any depth, to the device."""
        return _moved(data, self.device)

    def _size(self, sizes: list[tuple[int, int]], training: bool) -> tuple[int, int]:
        """As of Segue's; in a loop of the user's own, such as a benchmark of whole images, larger ones stay."""
        height, width = super()._size(sizes, training)
        if not self._by_hand:
            return height, width
        return max(height, *(size[0] for size in sizes)), max(width, *(size[1] for size in sizes))

    _by_hand = False

    def forward(self, batch: Any, training: bool = False) -> Any:
        """A batch to inputs (B, C, H, W) and samples."""
        if overridden(self, "cast_data", "device"):
            batch = self.cast_data(batch)
        given = batch.get("data_samples") or [SegSample() for _ in batch["inputs"]]
        own = [to_segue(sample) for sample in given]
        foreign = self._by_hand = isinstance(given[0], SegDataSample)
        inputs, samples = super().forward({"inputs": list(batch["inputs"]), "data_samples": own}, training)
        made: list[Any] = [from_segue(sample) for sample in samples] if foreign else samples
        if foreign and not training and self._pads_in_tests:
            for sample in made:
                sample.set_metainfo({"img_padding_size": sample.metainfo.get("padding_size", (0, 0, 0, 0))})
        return Prepared(inputs=inputs, data_samples=made)


class BaseDataPreprocessor(Guarded, nn.Module):
    """The base of preprocessors; ``forward(data, training)`` returns a dict with ``inputs`` and ``data_samples``."""

    takes_config = True
    stands_for: ClassVar = ("preprocessors", "BaseDataPreprocessor")

    def __init__(self, non_blocking: bool = False) -> None:
        super().__init__()
        self.register_buffer("_place", torch.zeros(0), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        return self._place.device  # type: ignore[union-attr,return-value]

    def cast_data(self, data: Any) -> Any:
        """Tensors, at any depth, to the device."""
        return _moved(data, self.device)

    def forward(self, data: Any, training: bool = False) -> Any:
        """The batch on the device."""
        return self.cast_data(data)


def stack_batch(
    inputs: Any,
    data_samples: Any = None,
    size: Any = None,
    size_divisor: int | None = None,
    pad_val: float = 0,
    seg_pad_val: float = 255,
) -> tuple[Tensor, list[Any]]:
    """Images (C, H, W) padded at right and bottom to one size, (B, C, H, W); and their samples, padded likewise."""
    if not isinstance(inputs, list):
        raise AssertionError(f"Expected input type to be list, but got {type(inputs)}")
    if (size is None) == (size_divisor is None):
        raise AssertionError("only one of size and size_divisor should be valid")
    made = SegDataPreProcessor(size=size, size_divisor=size_divisor, pad_val=pad_val, seg_pad_val=seg_pad_val)
    found = made({"inputs": inputs, "data_samples": data_samples or [SegDataSample() for _ in inputs]}, True)
    if data_samples is None:
        metas = [sample.metainfo for sample in found["data_samples"]]
        return found["inputs"], [{"img_padding_size": m["padding_size"], "pad_shape": m["pad_shape"]} for m in metas]
    return found["inputs"], found["data_samples"]


def _moved(data: Any, device: torch.device) -> Any:
    if isinstance(data, Mapping):
        return {key: _moved(value, device) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return type(data)(_moved(value, device) for value in data)
    return data.to(device) if isinstance(data, Tensor) or hasattr(data, "all_items") else data


class Bridge(nn.Module):
    """A user's preprocessor between Segue's samples."""

    def __init__(self, own: nn.Module) -> None:
        super().__init__()
        self.own = own

    def forward(self, batch: Any, training: bool = False) -> Any:
        """As the user's, with samples of the kind that went in; what is no batch of Segue's passes as it is."""
        if not isinstance(batch, Mapping) or "inputs" not in batch:
            return self.own(batch, training)
        given = list(batch.get("data_samples") or [])
        house = bool(given) and isinstance(given[0], SegSample)
        samples = [from_segue(s) if house else s for s in given]
        made = self.own({**batch, "data_samples": samples}, training)
        found = [to_segue(s) for s in made["data_samples"]] if house else made["data_samples"]
        return Prepared(inputs=made["inputs"], data_samples=found)


def take_preprocessor(model: Any, cfg: Mapping[str, Any]) -> None:
    """Give a model that was built from a 0.x dict the preprocessor that its pipelines were translated to."""
    if not isinstance(model.data_preprocessor, House):
        model.data_preprocessor = MODELS.build(cfg["model"]["data_preprocessor"])
