"""Heads whose methods in mmseg differ from other heads': masks with classes, refined kernels, pooled pyramids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from segue.compat.mmengine.structures import SegDataSample, to_samples, to_targets
from segue.compat.mmseg.interface import TakesBoth, device_of, metas_of, size_of, split_arguments
from segue.compat.mmseg.mask_parts import Mask2FormerParts
from segue.layers.mask_head import MaskHead, Masks
from segue.layers.resize import resize
from segue.types import Targets


class MaskInterface(TakesBoth):
    """``forward(x, batch_data_samples)`` of Mask2FormerHead and MaskFormerHead: scores and masks of each layer."""

    num_classes: int
    _samples: Any = None

    def _remember(self: Any, given: Any) -> None:
        """Keep what user code reads back."""
        self.train_cfg, self.test_cfg = given.get("train_cfg"), given.get("test_cfg")

    def forward(self: Any, x: Any, batch_data_samples: Any = None) -> tuple[Any, Any]:
        """Class scores [(B, Q, classes + 1)] and mask logits [(B, Q, h, w)], one of each a layer."""
        found = super().outputs(x)  # type: ignore[misc]
        return [masks.scores for masks in found], [masks.masks for masks in found]

    def outputs(self: Any, features: Any) -> list[Masks]:
        """What ``forward`` gives, as Segue compares and combines it."""
        scores, masks = self(features, self._samples)
        return [Masks(*pair) for pair in zip(scores, masks, strict=True)]

    def loss(self: Any, inputs: Any, *args: Any) -> Any:
        """Segue's ``loss(features, targets)``, or mmseg's ``loss(inputs, data_samples, train_cfg)``."""
        _, given = split_arguments(args)
        targets = given if isinstance(given, Targets) else to_targets(given, device_of(inputs))
        self._samples = to_samples(targets) if isinstance(given, Targets) else given
        try:
            return super().loss(inputs, targets)  # type: ignore[misc]
        finally:
            self._samples = None

    def predict(self: Any, inputs: Any, *args: Any) -> Tensor:
        """Segue's ``predict(features, size)``, or mmseg's ``predict(inputs, img_metas, test_cfg)``."""
        _, where = split_arguments(args)
        metas = metas_of(where, inputs)
        self._samples = [SegDataSample(metainfo=dict(meta)) for meta in metas]
        try:
            return super().predict(inputs, size_of(where))  # type: ignore[misc]
        finally:
            self._samples = None

    loss.takes_both = predict.takes_both = True  # type: ignore[attr-defined]


class MaskFormerInterface(MaskInterface):
    """MaskFormerHead's ``forward`` stacks the layers: scores (L, B, Q, classes + 1) and masks (L, B, Q, h, w)."""

    def forward(self: Any, x: Any, batch_data_samples: Any = None) -> tuple[Any, Any]:
        """Class scores and mask logits of all layers."""
        scores, masks = super().forward(x, batch_data_samples)
        return torch.stack(scores), torch.stack(masks)


class SideAdapterInterface(MaskInterface):
    """``forward(inputs, deep_supervision_idxs)`` of SideAdapterCLIPHead: masks and class scores of these layers."""

    def forward(self: Any, inputs: Any, deep_supervision_idxs: Any = ()) -> tuple[Any, Any]:
        """Mask logits [(B, Q, h, w)] and class scores [(B, Q, classes + 1)]."""
        found = super(MaskInterface, self)._masks(inputs, deep_supervision_idxs)  # type: ignore[misc]
        return [masks.masks for masks in found], [masks.scores for masks in found]

    def outputs(self: Any, features: Any) -> list[Masks]:
        """As Segue's class says."""
        found: list[Masks] = super(MaskInterface, self).outputs(features)  # type: ignore[misc]
        return found

    def _masks(self: Any, features: Any, wanted: Sequence[int]) -> list[Masks]:
        masks, scores = self(features, wanted)
        return [Masks(*pair) for pair in zip(scores, masks, strict=True)]


class IterativeInterface(TakesBoth):
    """``forward(inputs)`` of IterativeDecodeHead: the logits of every stage, which ``loss_by_feat`` gets."""

    align_corners: bool
    #: whether every stage is asked for, as in training
    _all: bool = False

    def forward(self: Any, inputs: Any) -> Any:
        """Logits (B, num_classes, H', W') of the first head and of every stage; of the last one in evaluation."""
        found: list[Tensor] = super().stages(inputs)  # type: ignore[misc]
        return found if self.training or self._all else found[-1]

    def stages(self: Any, features: Any) -> list[Tensor]:
        """Those of every stage, whatever the mode."""
        self._all = True
        try:
            found: list[Tensor] = self(features)
        finally:
            self._all = False
        return found

    def loss_by_feat(self: Any, seg_logits: Sequence[Tensor], batch_data_samples: Any) -> dict[str, Tensor]:
        """Losses of all stages by name: ``loss_ce.s0``, ``loss_ce.s1`` ..."""
        targets = self._targets(batch_data_samples, device_of(seg_logits))
        losses: dict[str, Tensor] = {}
        for i, logits in enumerate(seg_logits):
            found = self.generator.loss_of_logits(logits, targets)
            losses |= {f"{name}.s{i}": value for name, value in found.items()}
        return losses

    def predict_by_feat(self: Any, seg_logits: Tensor, batch_img_metas: Any) -> Tensor:
        """The last stage's logits at the size of the input."""
        return resize(seg_logits, size_of(batch_img_metas), self.align_corners)

    def loss(self: Any, inputs: Any, *args: Any) -> Any:
        """Segue's ``loss(features, targets)``, or mmseg's ``loss(inputs, data_samples, train_cfg)``."""
        _, given = split_arguments(args)
        return self.loss_by_feat(self.stages(inputs), to_samples(given) if isinstance(given, Targets) else given)

    def predict(self: Any, inputs: Any, *args: Any) -> Tensor:
        """Segue's ``predict(features, size)``, or mmseg's ``predict(inputs, img_metas, test_cfg)``."""
        _, where = split_arguments(args)
        return self.predict_by_feat(self(inputs), metas_of(where, inputs))

    loss.takes_both = predict.takes_both = True  # type: ignore[attr-defined]


class _SeveralOutputs:
    """PIDHead and DDRHead: in training ``forward`` gives what every branch says, which Segue's losses ask for apart."""

    def forward(self: Any, inputs: Any) -> Any:
        """Logits, or in training a tuple: of P, all three and D; of the context and the spatial branch."""
        logits = super().forward(inputs)  # type: ignore[misc]
        if not self.training or self._in_loss:
            return logits
        if hasattr(self, "p_head"):
            return self.p_cls_seg(self.p_head(inputs[0])), logits, self.d_cls_seg(self.d_head(inputs[2]))
        return logits, self.aux_cls_seg(self.aux_head(inputs[0]))

    _in_loss = False

    def loss(self: Any, inputs: Any, *args: Any) -> Any:
        """As everywhere."""
        self._in_loss = True
        try:
            return super().loss(inputs, *args)  # type: ignore[misc]
        finally:
            self._in_loss = False

    loss.takes_both = True  # type: ignore[attr-defined]


class _Updates:
    """KernelUpdateHead, whose masks may be asked for at a size of their own."""

    def forward(self: Any, x: Tensor, proposal_feat: Tensor, mask_preds: Tensor, mask_shape: Any = None) -> Any:
        """Features (B, C, H, W), kernels (B, N, C, K, K) and mask logits (B, N, H', W') to better masks and kernels."""
        masks, kernels = super().forward(x, proposal_feat, mask_preds)  # type: ignore[misc]
        if mask_shape is not None and mask_shape[0] != masks.shape[-2]:
            masks = resize(masks, (int(mask_shape[0]), int(mask_shape[1])), False)
        return masks, kernels


def of(cls: type, name: str, usual: type) -> type:
    """What goes before a head of Segue."""
    if name == "SideAdapterCLIPHead":
        return SideAdapterInterface
    if name == "KernelUpdateHead":
        return type(name, (_Updates, usual), {"__module__": __name__})
    if name == "Mask2FormerHead":
        return type(name, (Mask2FormerParts, MaskInterface), {"__module__": __name__})
    if issubclass(cls, MaskHead):
        return MaskFormerInterface if name == "MaskFormerHead" else MaskInterface
    if name == "IterativeDecodeHead":
        return type(name, (IterativeInterface, usual), {"__module__": __name__})
    if name in ("PIDHead", "DDRHead"):
        return type(name, (_SeveralOutputs, _Branches, usual), {"__module__": __name__})
    return type(name, (_Pooling, usual), {"__module__": __name__}) if name == "UPerHead" else usual


class _Branches:
    """DDRHead and PIDHead, to which mmseg gives one map in evaluation."""

    def select(self, features: Any) -> Tensor:
        """That map, or the one among several."""
        found: Tensor = features if isinstance(features, Tensor) else super().select(features)  # type: ignore[misc]
        return found


class _Pooling:
    """``psp_forward(inputs)`` of UPerHead."""

    def psp_forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """The coarsest map with its surroundings."""
        found: Tensor = super().pool(inputs)  # type: ignore[misc]
        return found

    def pool(self, maps: Sequence[Tensor]) -> Tensor:
        """The same, as Segue calls it."""
        return self.psp_forward(maps)
