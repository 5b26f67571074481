"""A model of a recipe for the user's own classes and bands, without a config."""

from __future__ import annotations

import logging

from torch import nn

from segue.checkpoints import load_weights
from segue.config.builder.build import build_model
from segue.errors import DownloadError, InputError
from segue.recipes.data import Size
from segue.recipes.fitted import config_of, fit_recipe
from segue.recipes.short import resolve


def model(
    name: str, *, classes: int, in_channels: int = 3, crop_size: Size | None = None, pretrained: bool = True
) -> nn.Module:
    """The model of a recipe for other classes and bands: a plain module, without data or a config.

    ``net(images)`` gives logits at the resolution of its head, ``net.encode_decode(images)`` those of each pixel, and
    ``net.loss(images, segue.types.Targets(labels))`` a dict of losses, which are added up; images (B, C, H, W) are
    float and normalized, labels (B, H, W) int64 with 255 for unlabeled.

    Args:
        name: a method and a backbone, such as ``segformer_mit-b0``, or a recipe's whole name.
        classes: that it predicts.
        in_channels: bands of an image.
        crop_size: (H, W) that it is trained on, which some backbones are made for; by default the recipe's.
        pretrained: start the backbone from the recipe's weights; where they cannot be had, one line says so.

    Raises:
        ConfigError: no such model, or several.
        CheckpointError: the weights are not of this model.
    """
    if crop_size is not None and not (
        isinstance(crop_size, (tuple, list))
        and len(crop_size) == 2
        and all(type(n) is int and n > 0 for n in crop_size)
    ):
        raise InputError(f"crop_size={crop_size!r}: height and width are expected, such as (512, 512)")
    chosen = resolve(name)
    size = None if crop_size is None else (crop_size[0], crop_size[1])
    fitted = fit_recipe(chosen.recipe, classes=classes, in_channels=in_channels, crop=size)
    log = logging.getLogger("segue")
    try:
        net = build_model(config_of(fitted), fetching=pretrained)
    except DownloadError as error:
        log.warning(f"{name} starts from random weights: {error}")
        net = build_model(config_of(fitted))
    if not pretrained:
        return net
    for source in fitted.weights:
        try:
            report = load_weights(net.get_submodule(source.module), source.checkpoint, prefix=source.prefix)
        except DownloadError:
            log.warning(
                f"{name}: the weights {source.checkpoint} are not available here, so it starts from random ones; get "
                f"them by segue weights fetch {fitted.recipe}, or say pretrained=False"
            )
        else:
            log.info(f"{name}: weights of {source.checkpoint}: {report}")
    return net
