"""From a name to a config."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import PurePath
from typing import Any

from segue.config import Config
from segue.config.nodes import HEADS, heads_in
from segue.errors import ConfigError
from segue.recipes import data as datas
from segue.recipes import schedules
from segue.recipes.encoders import ABSENT, PartError
from segue.recipes.grammar import ALIASES, SETTING, Request, explain, method_file, parse
from segue.recipes.parts import Recipe, Section, auxiliary, encoder_decoder, slide

IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


def is_recipe_name(text: str | PurePath) -> bool:
    """Whether a text is a recipe's name: every part of it is known, so that ``compose`` takes it."""
    try:
        tree(parse(str(text)))
    except ConfigError:
        return False
    return True


def looks_like_name(text: str | PurePath) -> bool:
    """Whether a text that is no file is meant as a name, so that errors explain its parts."""
    name = str(text)
    if set(name) & set("/\\ :") or "." in name.rpartition("_")[2]:
        return False
    return name in ALIASES or any(SETTING.match(token) for token in name.split("_")[1:]) or is_recipe_name(name)


def compose(name: str) -> Config:
    """The config of a name, which is its ``filename``.

    Raises:
        ConfigError: a part of the name is not known, or the method cannot be combined with it.
    """
    return Config(tree(parse(name)), filename=name)


def tree(ask: Request) -> Section:
    """The config as plain data."""
    recipe = method_recipe(ask)
    if recipe.iters is not None:
        ask = dataclasses.replace(ask, iters=recipe.iters)
    data = dataclasses.replace(ask.data, **recipe.data)
    cfg: Section = dict(crop_size=ask.crop)
    cfg.update(data_sections(ask, recipe, data))
    cfg["model"] = model(ask, recipe, data)
    interval = recipe.interval or max(ask.iters // 10, 1)
    cfg["optim_wrapper"] = optimizer(ask, recipe)
    cfg["param_scheduler"] = recipe.schedule or [schedules.poly(ask.iters)]
    cfg.update(schedules.loops(ask.iters, interval))
    cfg["default_hooks"] = schedules.hooks(interval)
    cfg.update(schedules.runtime())
    cfg["tta_model"] = dict(type="SegTTAModel")
    merge(cfg, recipe.more)
    stripped: dict[str, Any] = strip(cfg)
    return stripped


def method_recipe(ask: Request) -> Recipe:
    """What the method decides: its ``recipe``, or its ``decode_head`` with the usual auxiliary head.

    Raises:
        ConfigError: the method cannot be combined with another part of the name.
    """
    if ("depth" in str(ask.data.evaluator).lower()) != (ask.method == "vpd"):
        raise ConfigError(f"{ask.name}: only vpd estimates depth, and only nyu has it")
    method = method_file(ask.method)
    try:
        if hasattr(method, "recipe"):
            recipe: Recipe = method.recipe(ask)
        else:
            net = ask.encoder()
            recipe = Recipe(model=encoder_decoder(net, method.decode_head(net), auxiliary(net)))
    except PartError as error:
        raise explain(ask.name, error) from None
    if recipe.optim is None and "adamw" in ask.flags:
        recipe.optim = schedules.adamw(0.0005, 0.05, betas=None, clip_grad=dict(max_norm=1, norm_type=2))
        recipe.schedule = schedules.warm_steps(ask.iters)
    return recipe


def data_sections(ask: Request, recipe: Recipe, data: datas.Data) -> Section:
    """Pipelines, loaders and evaluators."""
    train = datas.train_pipeline(data, ask.crop, recipe.resize)
    if recipe.edit is not None:
        train = recipe.edit(train)
    val = datas.test_pipeline(data, ask.crop, recipe.test_resize)
    tested, arguments, steps = data, data.val if data.test is None else data.test, val
    if ask.test_data is not None:
        tested, arguments = ask.test_data, ask.test_data.val
        steps = datas.test_pipeline(dataclasses.replace(tested, scale=ask.test_scale or tested.scale), ask.crop)
    batch = ask.batch or recipe.batch or data.batch
    # Two loader processes for two images of Cityscapes' size, else four: what the reference's configs mostly say.
    workers = recipe.workers or (data.workers if batch == data.batch else max(data.workers, 4))
    cfg: Section = dict(dataset_type=data.type, data_root=data.root, train_pipeline=train, test_pipeline=steps)
    cfg["tta_pipeline"] = datas.tta_pipeline(data) if data.tta else ABSENT
    cfg["train_dataloader"] = datas.train_loader(datas.train_dataset(data, train), batch, workers)
    cfg["val_dataloader"] = datas.test_loader(datas.split(data, data.val, val))
    cfg["test_dataloader"] = datas.test_loader(datas.split(tested, arguments, steps))
    cfg["val_evaluator"], cfg["test_evaluator"] = datas.evaluator(data), datas.evaluator(tested)
    return cfg


def preprocessor(ask: Request, recipe: Recipe) -> Section:
    """The normalization, and the size that batches are padded to."""
    usual = dict(type="SegDataPreProcessor", **copy.deepcopy(IMAGENET), bgr_to_rgb=True, pad_val=0, seg_pad_val=255)
    chosen = dict(usual, **dict(dict(size=ask.crop), **recipe.preprocessor))
    for key in ("mean", "std"):
        chosen[key] = chosen[key] * ask.data.pictures
    return chosen


def model(ask: Request, recipe: Recipe, data: datas.Data) -> Section:
    """The model with the dataset's classes and the flags' samplers and losses."""
    net = copy.deepcopy(recipe.model)
    net["data_preprocessor"] = preprocessor(ask, recipe)
    whole = net.get("test_cfg", {}).get("mode") == "whole"
    if whole and (ask.aligned or data.slide):
        stride = ((ask.crop[0] * 2 + 1) // 3, (ask.crop[1] * 2 + 1) // 3)
        net["test_cfg"] = dict(net["test_cfg"], **slide(ask.crop, stride))
    for role in HEADS:
        for head in heads(net.get(role)):
            head.setdefault("num_classes", data.num_classes)
            head.setdefault("align_corners", ask.aligned)
            if "ohem" in ask.flags:
                head.setdefault("sampler", dict(type="OHEMPixelSampler", thresh=0.7, min_kept=10000))
    if ask.data.pictures > 1:  # of a backbone, and of one inside it
        for backbone in (net["backbone"], net["backbone"].get("backbone_cfg", {})):
            backbone.update(in_channels=3 * ask.data.pictures)
    if ask.losses:
        last = heads(net["decode_head"])[-1]
        last["loss_decode"] = [loss(short, weight) for short, weight in ask.losses.items()]
    return net


def heads(node: Any) -> list[Section]:
    """All heads in a ``decode_head`` or ``auxiliary_head``; the last is the one that predicts."""
    # K-Net's is a head and what updates its kernels
    return [head.get("kernel_generate_head", head) for _, head in heads_in(node, "") if isinstance(head, dict)]


def loss(short: str, weight: float) -> Section:
    """A loss by its short name."""
    kind = dict(ce="CrossEntropyLoss", dice="DiceLoss")[short]
    return dict(type=kind, loss_name=f"loss_{short}", loss_weight=weight)


def optimizer(ask: Request, recipe: Recipe) -> Section:
    """The optimizer, in mixed precision where the name says ``amp``."""
    wrapper = recipe.optim or schedules.sgd(ask.data.rate, ask.data.weight_decay)
    if "amp" in ask.flags and wrapper["type"] != "AmpOptimWrapper":
        scale = 512.0 if wrapper["optimizer"]["type"] == "SGD" else "dynamic"
        wrapper = dict(wrapper, type="AmpOptimWrapper", loss_scale=scale)
        if wrapper.get("clip_grad", ABSENT) is None:
            del wrapper["clip_grad"]
    return wrapper


def merge(base: Section, changes: Section) -> None:
    """Merge sections into a config, dict into dict."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value


def strip(node: Any) -> Any:
    """A tree without the arguments marked as absent; nothing in it is shared."""
    if isinstance(node, dict):
        return {key: strip(value) for key, value in node.items() if value is not ABSENT}
    if isinstance(node, list):
        return [strip(item) for item in node]
    return tuple(strip(item) for item in node) if isinstance(node, tuple) else node
