"""mmseg's segmentors for user code: built from dicts, called with data samples, trained by Segue's task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from torch import Tensor, nn

from segue.compat.mmengine.registry import MODELS, build_from_cfg
from segue.compat.mmengine.structures import PixelData, SegDataSample, from_segue
from segue.compat.mmseg.base_model import BaseModel
from segue.compat.mmseg.interface import TakesBoth
from segue.compat.mmseg.old_calls import (
    OldSegmentor,
    callable_by_both,
    encode_both_ways,
    inference_both_ways,
    merged_calls,
    model_loss_both_ways,
    of_simple_test,
    part_loss_both_ways,
    train_step_both_ways,
)
from segue.compat.overrides import overridden
from segue.config.tree import ConfigDict
from segue.inference.segment import labels_of, original_logits, slide
from segue.layers.points import PointSampling, Subdivision
from segue.models.encoder_decoder import prefixed
from segue.types import SegSample, TestOptions


class BaseSegmentor(TakesBoth, OldSegmentor, BaseModel):
    """The base of segmentors. Subclasses write ``extract_feat``, ``encode_decode``, ``loss``, ``predict``."""

    stands_for: ClassVar = ("models", "BaseSegmentor")
    align_corners = False
    both_ways: ClassVar = {
        "loss": model_loss_both_ways,
        "encode_decode": encode_both_ways,
        "train_step": train_step_both_ways,
        "_decode_head_forward_train": part_loss_both_ways,
        "_auxiliary_head_forward_train": part_loss_both_ways,
        "inference": inference_both_ways,
        "whole_inference": inference_both_ways,
        "slide_inference": inference_both_ways,
    }

    @property
    def with_neck(self) -> bool:
        """Whether there is a neck."""
        return getattr(self, "neck", None) is not None

    @property
    def with_auxiliary_head(self) -> bool:
        """Whether there are auxiliary heads."""
        return getattr(self, "auxiliary_head", None) is not None

    @property
    def with_decode_head(self) -> bool:
        """Whether there is a decode head."""
        return getattr(self, "decode_head", None) is not None

    @property
    def head(self) -> Any:
        """The head whose logits are the model's."""
        head = getattr(self, "decode_head", None)
        if head is None and hasattr(self, "segmentor"):
            return self.segmentor.head  # type: ignore[union-attr]
        return self if head is None else head[-1] if isinstance(head, nn.ModuleList) else head

    @property
    def test(self) -> TestOptions:
        """``test_cfg`` as Segue reads it."""
        given = dict(self.test_cfg or {})
        known = {key: given[key] for key in ("mode", "crop_size", "stride") if key in given}
        return TestOptions(**known)

    @property
    def label_maps(self) -> Any:
        """How a subclass that predicts in its own way finds labels; None for the others, which Segue evaluates."""
        names = (
            "predict",
            "simple_test",
            "inference",
            "slide_inference",
            "slide_flip_inference",
            "whole_inference",
            "postprocess_result",
        )
        users = [cls for cls in type(self).__mro__ if not cls.__module__.startswith("segue.")]
        return self._own_label_maps if any(name in cls.__dict__ for cls in users for name in names) else None

    @property
    def sees_alone(self) -> bool:
        """Whether prediction is ``encode_decode``, of whole images or windows, so that an exported file does as much;
        metas that it reads are then those of the size alone.
        """
        return self.label_maps is None

    def whole_or_slide(self, inputs: Tensor, samples: Any) -> Tensor:
        """Logits of preprocessed images, for Segue's predictor; ``encode_decode`` gets the images' metas."""
        return self.inference(inputs, [from_segue(sample).metainfo for sample in samples])

    def _own_label_maps(self, batch: Mapping[str, Any]) -> list[Tensor]:
        samples = [from_segue(sample) for sample in batch["data_samples"]]
        found = self.val_step({"inputs": list(batch["inputs"]), "data_samples": samples})
        return [sample.pred_sem_seg.data[0].long() for sample in found]

    def forward(self, inputs: Any = None, data_samples: Any = None, mode: str = "tensor", **old: Any) -> Any:
        """Losses, predicted samples, or logits; or as 0.x was called, with ``img``, ``img_metas``, ``return_loss``."""
        if old:
            return self.called_as_0x(**merged_calls(inputs, data_samples, old))
        if mode == "loss":
            return self.loss(inputs, data_samples)
        if mode == "predict":
            return self.predict(inputs, data_samples)
        if mode == "tensor":
            return self._forward(inputs, data_samples)
        raise RuntimeError(f'Invalid mode "{mode}". Only supports loss, predict and tensor mode')

    def predict(self, inputs: Tensor, data_samples: Any = None) -> Any:
        """Samples with ``pred_sem_seg`` and ``seg_logits`` at the size of the original image."""
        size = tuple(inputs.shape[2:])
        if data_samples is None:
            meta = {"ori_shape": size, "img_shape": size, "pad_shape": size, "padding_size": [0, 0, 0, 0]}
            metas: list[Any] = [meta] * inputs.shape[0]
        else:
            metas = [sample.metainfo for sample in data_samples]
        if overridden(self, "simple_test"):
            return of_simple_test(self.simple_test(inputs, metas, True), data_samples)
        return self.postprocess_result(self.inference(inputs, metas), data_samples)

    def _forward(self, inputs: Tensor, data_samples: Any = None) -> Any:
        """Logits at the head's resolution."""
        return self.decode_head.forward(self.extract_feat(inputs))  # type: ignore[union-attr,operator]

    @inference_both_ways
    def inference(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
        """Logits at the size of the input, as ``test_cfg`` says."""
        return (
            self.slide_inference(inputs, batch_img_metas)
            if self.test.mode == "slide"
            else self.whole_inference(inputs, batch_img_metas)
        )

    @inference_both_ways
    def slide_inference(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
        """Logits averaged over windows, each with the image's metas and its own ``img_shape``."""

        def encode(window: Tensor) -> Tensor:
            metas = [{**meta, "img_shape": window.shape[2:]} for meta in batch_img_metas or [{}] * len(window)]
            return self.encode_decode(window, metas)  # type: ignore[operator]

        return slide(self, inputs, encode)

    @inference_both_ways
    def whole_inference(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
        """Logits of the whole image."""
        return self.encode_decode(inputs, batch_img_metas)  # type: ignore[operator]

    def postprocess_result(self, seg_logits: Tensor, data_samples: Any = None) -> Any:
        """Logits at the size of the input to samples at that of the original image."""
        found = list(data_samples) if data_samples is not None else [SegDataSample() for _ in seg_logits]
        for logits, sample in zip(seg_logits, found, strict=True):
            meta = dict(sample.metainfo)
            meta.setdefault("padding_size", meta.get("img_padding_size", (0, 0, 0, 0)))
            own = original_logits(self, logits[None], SegSample(meta=meta))
            labels = labels_of(self, own)
            sample.set_data(
                {
                    "seg_logits": PixelData(data=own[0] if own.shape[1] > 1 else own[0].sigmoid()),
                    "pred_sem_seg": PixelData(data=labels),
                }
            )
        return found


class EncoderDecoder(BaseSegmentor):
    """Backbone, neck, heads, from dicts."""

    stands_for: ClassVar = ("models", "EncoderDecoder")

    def __init__(
        self,
        backbone: Any,
        decode_head: Any,
        neck: Any = None,
        auxiliary_head: Any = None,
        train_cfg: Any = None,
        test_cfg: Any = None,
        data_preprocessor: Any = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.pretrained = pretrained
        if pretrained is not None and isinstance(backbone, Mapping):
            if backbone.get("pretrained") is not None:
                raise AssertionError("both backbone and segmentor set pretrained weight")
            backbone = {**backbone, "pretrained": pretrained}
        self.backbone = _build(backbone)
        if neck is not None:
            self.neck = _build(neck)
        self.train_cfg = None if train_cfg is None else ConfigDict(train_cfg)
        self.test_cfg = None if test_cfg is None else ConfigDict(test_cfg)
        self._init_decode_head(decode_head)
        self._init_auxiliary_head(auxiliary_head)

    def _init_decode_head(self, decode_head: Any) -> None:
        self.decode_head = _build(decode_head)
        self._take_over(self.decode_head)

    def _take_over(self, head: Any) -> None:
        for name in ("align_corners", "num_classes", "out_channels"):
            setattr(self, name, getattr(head, name, None))

    def _init_auxiliary_head(self, auxiliary_head: Any) -> None:
        if auxiliary_head is None:
            return
        several = isinstance(auxiliary_head, (list, tuple))
        self.auxiliary_head = nn.ModuleList(map(_build, auxiliary_head)) if several else _build(auxiliary_head)

    def extract_feat(self, inputs: Tensor) -> Any:
        """Images (B, C, H, W) to feature maps."""
        features = self.backbone(inputs)
        return self.neck(features) if self.with_neck else features

    def encode_decode(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
        """Images to logits of their size."""
        if overridden(self, "_decode_head_forward_test"):
            return self.encode_as_0x(inputs, batch_img_metas)
        return self.decode_head.predict(self.extract_feat(inputs), batch_img_metas, self.test_cfg)

    @part_loss_both_ways
    def _decode_head_forward_train(self, inputs: Any, data_samples: Any) -> dict[str, Tensor]:
        return prefixed("decode", self.decode_head.loss(inputs, data_samples, self.train_cfg))

    @part_loss_both_ways
    def _auxiliary_head_forward_train(self, inputs: Any, data_samples: Any) -> dict[str, Tensor]:
        if not isinstance(self.auxiliary_head, nn.ModuleList):
            return prefixed("aux", self.auxiliary_head.loss(inputs, data_samples, self.train_cfg))
        losses: dict[str, Tensor] = {}
        for i, head in enumerate(self.auxiliary_head):
            losses |= prefixed(f"aux_{i}", head.loss(inputs, data_samples, self.train_cfg))  # type: ignore[operator]
        return losses

    def loss(self, inputs: Tensor, data_samples: Any) -> dict[str, Tensor]:
        """Losses by name: those of a subclass's ``forward_train``, where it is of 0.x."""
        if self.trains_as_0x:
            return super().loss(inputs, data_samples)
        features = self.extract_feat(inputs)
        losses = self._decode_head_forward_train(features, data_samples)
        if self.with_auxiliary_head:
            losses |= self._auxiliary_head_forward_train(features, data_samples)
        return losses


class CascadeEncoderDecoder(EncoderDecoder):
    """Heads in a row, each reading the output of the one before."""

    stands_for: ClassVar = ("models", "CascadeEncoderDecoder")

    def __init__(self, num_stages: int, backbone: Any, decode_head: Any, **kwargs: Any) -> None:
        self.num_stages = num_stages
        super().__init__(backbone, decode_head, **kwargs)
        for head in self.decode_head:
            if hasattr(head, "set_point_options"):
                head.set_point_options(_known(PointSampling, self.train_cfg), _known(Subdivision, self.test_cfg))

    def _init_decode_head(self, decode_head: Any) -> None:
        if len(decode_head) != self.num_stages:
            raise ValueError(f"num_stages={self.num_stages}, but decode_head lists {len(decode_head)} heads")
        self.decode_head = nn.ModuleList(map(_build, decode_head))
        self._take_over(self.decode_head[-1])

    def _before_last(self, features: Any, metas: Any) -> Any:
        output = self.decode_head[0].forward(features)
        for head in self.decode_head[1:-1]:  # type: ignore[index]
            output = head.forward(features, output)
        return output

    def encode_decode(self, inputs: Tensor, batch_img_metas: Any) -> Tensor:
        """Images to logits of their size."""
        features = self.extract_feat(inputs)
        previous = self._before_last(features, batch_img_metas)
        return self.decode_head[-1].predict(features, previous, batch_img_metas, self.test_cfg)

    @part_loss_both_ways
    def _decode_head_forward_train(self, inputs: Any, data_samples: Any) -> dict[str, Tensor]:
        heads = list(self.decode_head)
        losses = prefixed("decode_0", heads[0].loss(inputs, data_samples, self.train_cfg))
        previous = heads[0].forward(inputs)
        for i, head in enumerate(heads[1:], 1):
            losses |= prefixed(f"decode_{i}", head.loss(inputs, previous, data_samples, self.train_cfg))
            if i < len(heads) - 1:
                previous = head.forward(inputs, previous)
        return losses

    def _forward(self, inputs: Tensor, data_samples: Any = None) -> Any:
        """The last head's logits."""
        features = self.extract_feat(inputs)
        return self.decode_head[-1].forward(features, self._before_last(features, None))


def _known(options: Any, given: Any) -> Any:
    """An options dataclass from those entries of a dict that it has."""
    names = {field.name for field in fields(options)}
    return options(**{key: value for key, value in dict(given or {}).items() if key in names})


def _build(part: Any) -> Any:
    return callable_by_both(MODELS.build(part) if isinstance(part, (Mapping, list, tuple)) else part)


def build_segmentor(cfg: Mapping[str, Any], train_cfg: Any = None, test_cfg: Any = None) -> Any:
    """The model of a config's ``model`` section (the name of 0.x)."""
    default = {key: value for key, value in (("train_cfg", train_cfg), ("test_cfg", test_cfg)) if value is not None}
    return build_from_cfg(cfg, MODELS, default)


def build_part(cfg: Mapping[str, Any]) -> Any:
    """A backbone, neck, head or loss of a config dict."""
    return MODELS.build(cfg)


build_backbone = build_neck = build_head = build_loss = build_part
build_model_from_cfg = build_part
