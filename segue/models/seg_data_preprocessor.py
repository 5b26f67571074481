"""From what the loader gives to what the network takes: channel order, normalization, one padded batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.types import SegSample, Size, Targets


@dataclass(frozen=True, kw_only=True)
class PadOptions:
    """Padding of a batch in evaluation (the preprocessor's ``test_cfg``): to ``size`` (H, W), or to multiples."""

    size: Sequence[int] | None = None
    size_divisor: int | None = None


class SegDataPreProcessor(nn.Module):
    """Normalizes images and stacks them.

    Args:
        mean, std: per channel, in the units of the image (0-255 for 8 bits), in the order after the swap below.
        size: (H, W) that training batches are padded to, at the right and the bottom.
        size_divisor: pads training batches to multiples of this instead. With neither, to the largest image.
        pad_val: value of padded pixels, after normalization.
        seg_pad_val: label of padded pixels.
        bgr_to_rgb, rgb_to_bgr: reverse the order of three channels.
        test: padding in evaluation; by default there is none.

    Raises:
        InputError: contradictory arguments.
    """

    def __init__(
        self,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        size: Sequence[int] | None = None,
        size_divisor: int | None = None,
        pad_val: float = 0,
        seg_pad_val: int = 255,
        bgr_to_rgb: bool = False,
        rgb_to_bgr: bool = False,
        test: PadOptions | None = None,
    ) -> None:
        super().__init__()
        if (mean is None) != (std is None) or (mean is not None and len(mean) != len(std or ())):
            raise InputError(f"SegDataPreProcessor: mean={mean} and std={std} must be given together, of equal length")
        if bgr_to_rgb and rgb_to_bgr:
            raise InputError("SegDataPreProcessor: bgr_to_rgb and rgb_to_bgr are both set; they would undo each other")
        if size is not None and size_divisor is not None:
            raise InputError(f"SegDataPreProcessor: size={size} and size_divisor={size_divisor}; give one of them")
        self.train_padding = PadOptions(size=size, size_divisor=size_divisor)
        self.test_padding = test
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val
        self.swap = bgr_to_rgb or rgb_to_bgr
        self.mean: Tensor
        self.std: Tensor
        # Not part of the state dict: checkpoints of the reference do not hold them.
        self.register_buffer("mean", _channel_values(mean), persistent=False)
        self.register_buffer("std", _channel_values(std), persistent=False)

    def forward(self, batch: dict[str, Any], training: bool = False) -> tuple[Tensor, list[SegSample]]:
        """A batch of the loader to (inputs (B, C, H, W) float32 on this module's device, samples).

        ``batch["inputs"]`` holds images (C, H, W), ``batch["data_samples"]`` their ``SegSample``. In training labels
        are padded along with the images. ``meta["padding_size"]`` of each sample says what was added: (left, right,
        top, bottom).

        Raises:
            InputError: channels that ``mean`` does not fit; in training an image larger than ``size``;
                in evaluation, images of different sizes.
        """
        images = [self.normalize(image) for image in batch["inputs"]]
        target = self._size([tuple(image.shape[-2:]) for image in images], training)  # type: ignore[misc]
        stacked, samples = [], []
        for image, sample in zip(images, batch["data_samples"], strict=True):
            h, w = image.shape[-2:]
            pad = (0, target[1] - w, 0, target[0] - h)
            if min(pad) < 0:
                raise InputError(
                    f"{sample.meta.get('img_path', 'an image')}: {h} x {w} pixels after the pipeline, but the "
                    f"data_preprocessor's size is {target[0]} x {target[1]}; crop or resize to that in train_pipeline"
                )
            stacked.append(F.pad(image, pad, value=self.pad_val) if any(pad) else image)
            meta = sample.meta | {"padding_size": pad, "pad_shape": tuple(target)}
            sample = replace(sample, meta=meta)
            if training:
                sample = self._padded(sample, pad)
            samples.append(sample)
        return torch.stack(stacked), samples

    def padded_size(self, size: Size) -> Size:
        """(H, W) that an image of that size has in evaluation when it is a batch by itself. Images that agree in it are
        padded in one batch as each would be alone.
        """
        return self._size([size], training=False)

    def normalize(self, image: Tensor) -> Tensor:
        """Image (C, H, W) of any dtype to normalized float32 on this module's device."""
        image = image.to(self.mean.device)
        if self.swap and image.shape[0] == 3:
            image = image.flip(0)
        image = image.float()
        if self.mean.numel() == 0:
            return image
        if self.mean.numel() not in (1, image.shape[0]):
            raise InputError(
                f"an image has {image.shape[0]} channels, but data_preprocessor.mean has {self.mean.numel()} values; "
                "give mean and std one value per channel"
            )
        return (image - self.mean) / self.std

    def _size(self, sizes: list[Size], training: bool) -> Size:
        largest = (max(h for h, _ in sizes), max(w for _, w in sizes))
        padding = self.train_padding if training else self.test_padding
        if padding is None and len(set(sizes)) > 1:
            raise InputError(f"images of different sizes {sorted(set(sizes))} in one batch; group them by size")
        if padding is None:
            return largest
        if padding.size is not None:
            size = (padding.size[0], padding.size[1])
            return size if training else (max(size[0], largest[0]), max(size[1], largest[1]))
        step = padding.size_divisor or 1
        return (-(-largest[0] // step) * step, -(-largest[1] // step) * step)

    def _padded(self, sample: SegSample, pad: tuple[int, int, int, int]) -> SegSample:
        def grow(label: Tensor | None, value: float) -> Tensor | None:
            return F.pad(label, pad, value=value) if label is not None and any(pad) else label

        return replace(
            sample,
            gt_sem_seg=grow(sample.gt_sem_seg, self.seg_pad_val),
            gt_edge_map=grow(sample.gt_edge_map, self.seg_pad_val),
            gt_depth_map=grow(sample.gt_depth_map, 0),
        )


def stack_targets(samples: Sequence[SegSample], device: torch.device | str = "cpu") -> Targets:
    """The annotations of a training batch, stacked.

    Raises:
        InputError: a sample without labels.
    """
    for sample in samples:
        if sample.gt_sem_seg is None and sample.gt_depth_map is None:
            raise InputError(
                f"{sample.meta.get('img_path', 'an image')} has no labels; training needs "
                "LoadAnnotations in its pipeline"
            )

    def stack(name: str) -> Tensor | None:
        values = [getattr(sample, name) for sample in samples]
        return None if values[0] is None else torch.stack(values).to(device)

    labels = stack("gt_sem_seg")
    if labels is None:
        labels = torch.zeros(0, dtype=torch.int64, device=device)
    metas = [sample.meta for sample in samples]
    if labels.ndim != 4 or labels.dtype != torch.uint8:  # several classes per pixel stay small
        labels = labels.long()
    return Targets(labels=labels, edges=stack("gt_edge_map"), depth=stack("gt_depth_map"), metas=metas)


def is_house(prepare: object) -> bool:
    """Whether a preprocessor does what `SegDataPreProcessor` says, and is no subclass of a project's own."""
    return isinstance(prepare, SegDataPreProcessor) and type(prepare).__module__.startswith("segue.")


def _channel_values(values: Sequence[float] | None) -> Tensor:
    return torch.tensor(list(values or ()), dtype=torch.float32).view(-1, 1, 1)
