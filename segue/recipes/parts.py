"""The pieces that methods put together: heads, the usual losses, whole models, and what a method's file returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from segue.recipes.data import Size, Step
from segue.recipes.encoders import ABSENT, Encoder, sync_bn

Section = dict[str, Any]


@dataclass(kw_only=True)
class Recipe:
    """What a method decides; everything else follows from the name's dataset, crop and schedule.

    Attributes:
        model: the model; class counts, ``align_corners`` and the size of the preprocessor are filled in.
        optim: the ``optim_wrapper``; None: SGD with a rate of 0.01.
        schedule: the ``param_scheduler``; None: polynomial decay.
        iters, batch, workers: where neither the name nor the dataset decides.
        data: fields of the dataset's ``Data`` that the method sets otherwise.
        resize, test_resize: resizing of training and test images that is not the usual one.
        edit: changes the training pipeline.
        preprocessor: arguments of ``SegDataPreProcessor`` that are not the usual ones.
        interval: iterations between validations, if not a tenth of the training.
        more: sections of the config that the method sets otherwise, merged last.
    """

    model: Section
    optim: Section | None = None
    schedule: list[Section] | None = None
    iters: int | None = None
    batch: int | None = None
    workers: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    resize: Step | None = None
    test_resize: list[Step] | None = None
    edit: Callable[[list[Step]], list[Step]] | None = None
    preprocessor: Section = field(default_factory=dict)
    interval: int | None = None
    more: Section = field(default_factory=dict)


def cross_entropy(weight: Any = 1.0, **arguments: Any) -> Section:
    """Softmax cross entropy."""
    return dict(type="CrossEntropyLoss", **dict(dict(use_sigmoid=False), **arguments), loss_weight=weight)


def head(kind: str, in_channels: Any, in_index: Any, channels: int, *, loss: Any = 1.0, **arguments: Any) -> Section:
    """A head with the usual dropout, SyncBN and cross entropy of weight ``loss``, unless ``arguments`` say otherwise.

    Class counts and ``align_corners`` are filled in when the name is composed.
    """
    usual = dict(dropout_ratio=0.1, norm_cfg=sync_bn(), loss_decode=cross_entropy(loss))
    return dict(type=kind, in_channels=in_channels, in_index=in_index, channels=channels, **dict(usual, **arguments))


def fcn_head(in_channels: int, in_index: Any, channels: int, *, loss: Any = 1.0, **arguments: Any) -> Section:
    """One convolution and the classifier."""
    usual = dict(num_convs=1, concat_input=False)
    return head("FCNHead", in_channels, in_index, channels, loss=loss, **dict(usual, **arguments))


def auxiliary(net: Encoder, index: int = 2) -> Section:
    """The usual auxiliary head on the third stage."""
    return fcn_head(net.channels[index], index, net.width(256), loss=0.4)


def encoder_decoder(net: Encoder, decode_head: Any, auxiliary_head: Any = ABSENT, **more: Any) -> Section:
    """A whole model around a backbone."""
    usual = dict(
        type="EncoderDecoder",
        data_preprocessor=None,  # filled in
        pretrained=net.pretrained,
        backbone=net.backbone,
        decode_head=decode_head,
        auxiliary_head=auxiliary_head,
        train_cfg={},
        test_cfg=dict(mode="whole"),
    )
    return dict(usual, **more)


def cascade(net: Encoder, heads: list[Section], **more: Any) -> Section:
    """A model whose heads refine each other's output."""
    return dict(encoder_decoder(net, heads, **more), type="CascadeEncoderDecoder", num_stages=len(heads))


def slide(window: Size, stride: Size) -> Section:
    """Testing with a sliding window."""
    return dict(mode="slide", crop_size=window, stride=stride)


def two_thirds(window: Size) -> Size:
    """The usual stride of a window, rounded down."""
    return (window[0] * 2 // 3, window[1] * 2 // 3)


def pretrained_init(checkpoint: str, **more: Any) -> Section:
    """The ``init_cfg`` that loads a backbone's weights."""
    return dict(type="Pretrained", checkpoint=checkpoint, **more)
