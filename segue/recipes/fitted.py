"""A recipe's model and optimizer for other data: the user's classes, bands and crop in place of the published ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from segue.config import Config
from segue.config.builder.find import find
from segue.config.builder.pretrained import PretrainedSource, pretrained_sources
from segue.config.builder.signature import signature
from segue.errors import ConfigError, InputError
from segue.recipes.compose import IMAGENET, method_recipe, model, optimizer, strip
from segue.recipes.data import Size
from segue.recipes.grammar import parse
from segue.recipes.parts import Section

#: Methods whose model is made for one thing.
_OTHER = {
    "san": "its classes are known by their text, which a folder does not give",
    "vpd": "it estimates depth",
}
#: Keys of the model that name files of weights to start from.
_WEIGHTS = ("pretrained", "init_cfg")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A recipe for other data.

    Attributes:
        recipe: its name.
        model: the section ``model``, with the weights that it starts from.
        optim: the section ``optim_wrapper``.
        batch: images that the recipe trains on in one step, over all processes.
        crop: (H, W) of the recipe's own crops.
        power: of the polynomial in which its learning rate falls; of one that falls otherwise 0.9, the usual one.
        weights: what the model starts from.
    """

    recipe: str
    model: Section
    optim: Section
    batch: int
    crop: Size
    power: float
    weights: tuple[PretrainedSource, ...]


def fit_recipe(
    recipe: str,
    *,
    classes: int,
    in_channels: int = 3,
    crop: Size | None = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
) -> Fitted:
    """A recipe's model with other classes, bands, crop and normalization.

    Args:
        recipe: the whole name.
        classes: that the model predicts.
        in_channels: bands of an image; with others than 3 the values are taken as they are stored, without ``mean``.
        crop: (H, W) of the training crops; None: the recipe's.
        mean, std: per band; by default ImageNet's for 3 bands, else 0 and 1.

    Raises:
        ConfigError: the name, or the method cannot be used so.
        InputError: a number that cannot be.
    """
    for name, value, least in (("classes", classes, 1), ("in_channels", in_channels, 1)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InputError(f"{name}={value!r}: a whole number from {least} on is expected")
    ask = parse(recipe)
    if ask.method in _OTHER:
        raise ConfigError(f"{recipe}: {ask.method} cannot be fitted to other data: {_OTHER[ask.method]}")
    published = method_recipe(ask)
    batch = (ask.gpus or 1) * (ask.batch or published.batch or ask.data.batch)
    data = dataclasses.replace(ask.data, num_classes=classes, pictures=1, slide=False)
    ask = dataclasses.replace(ask, data=data, crop=crop or ask.crop, says_crop=True)
    made = method_recipe(ask)
    net = model(ask, made, dataclasses.replace(data, **{**made.data, "num_classes": classes}))
    fill_preprocessor(net["data_preprocessor"], in_channels, mean, std)
    if in_channels != 3:
        _set_bands(net, in_channels, recipe)
    section: Section = strip(net)
    section.pop("annealing", None)  # times within the published training, which is not this one
    optim: Section = strip(optimizer(ask, made))
    crop_there = parse(recipe).crop
    sources = tuple(pretrained_sources({"model": section}))
    falls = [rule["power"] for rule in made.schedule or () if rule["type"] == "PolyLR" and "power" in rule]
    power = falls[-1] if falls else 0.9
    return Fitted(recipe=recipe, model=section, optim=optim, batch=batch, crop=crop_there, power=power, weights=sources)


def fill_preprocessor(node: Section, bands: int, mean: Sequence[float], std: Sequence[float]) -> None:
    """The normalization of images of so many bands."""
    if mean or std:
        node.update(mean=list(mean), std=list(std))
    elif bands == 3:
        node.update({key: list(values) for key, values in IMAGENET.items()})
    else:
        node.update(mean=[0.0] * bands, std=[1.0] * bands)
    if bands != 3:
        node["bgr_to_rgb"] = False


def _set_bands(net: Section, bands: int, recipe: str) -> None:
    """Tell the backbone, and one inside it."""
    backbone = net.get("backbone")
    if not isinstance(backbone, dict):
        raise ConfigError(f"{recipe}: its model has no backbone that could take {bands} bands; choose another model")
    for node in (backbone, backbone.get("backbone_cfg")):  # STDC's path and ICNet have one inside
        if isinstance(node, dict) and "in_channels" in signature(find("backbones", node["type"]))[0]:
            node["in_channels"] = bands


def without_weights(section: Section) -> Section:
    """A model that starts from random weights."""

    def walk(node: object) -> object:
        if isinstance(node, dict):
            kept = {k: walk(v) for k, v in node.items() if k not in _WEIGHTS or not _names_weights(k, v)}
            random = False if node.get("type") == "TIMMBackbone" else None
            return kept | ({"pretrained": random} if "pretrained" in node else {})
        return type(node)(map(walk, node)) if isinstance(node, (list, tuple)) else node

    found = walk(section)
    assert isinstance(found, dict)
    return found


def _names_weights(key: str, value: object) -> bool:
    if key == "pretrained":
        return isinstance(value, str)
    inits = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(one, dict) and one.get("type") == "Pretrained" for one in inits)


def config_of(fitted: Fitted) -> Config:
    """The model as a config of its own, to build it."""
    return Config({"model": fitted.model, "crop_size": fitted.crop})
