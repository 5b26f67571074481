"""The weights that a config's model starts from; no constructor sees them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segue.config.nodes import dicts_in
from segue.config.trust import bare, registered
from segue.errors import nearest

#: mmengine's initializers.
INITIALIZERS = ("Caffe2Xavier", "Constant", "Kaiming", "Normal", "Pretrained", "TruncNormal", "Uniform", "Xavier")
WEIGHT_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".npz")


@dataclass(frozen=True)
class PretrainedSource:
    """Weights that a config asks for: of ``checkpoint``, the keys below ``prefix``, into the submodule ``module``."""

    module: str
    checkpoint: str
    prefix: str | None = None


def pretrained_sources(cfg: Mapping[str, Any]) -> list[PretrainedSource]:
    """The ``pretrained`` and ``init_cfg`` weights of a config's model, outermost first."""
    found: list[PretrainedSource] = []

    def walk(node: Any, module: str) -> None:
        if isinstance(node, (list, tuple)):
            for i, item in enumerate(node):
                walk(item, f"{module}.{i}")
        if not isinstance(node, Mapping):
            return
        if isinstance(node.get("pretrained"), str):
            # The model's `pretrained` is the backbone's, if it has one; a model of image and text takes both from it.
            target = "backbone" if module == "" and "backbone" in node else module
            found.append(PretrainedSource(target, node["pretrained"]))
        for init in listed(node.get("init_cfg")):
            if isinstance(init, Mapping) and bare(str(init.get("type"))) == "Pretrained":
                found.append(PretrainedSource(module, init["checkpoint"], init.get("prefix")))
        for key, value in node.items():
            if key != "init_cfg":
                walk(value, f"{module}.{key}" if module else key)

    walk(cfg["model"], "")
    return found


def fetching(model: Any) -> list[Any]:
    """The dicts of a model's encoders whose weights timm gets over the network."""
    encoders = [node for node in dicts_in(model) if bare(str(node.get("type"))) == "TIMMBackbone"]
    return [node for node in encoders if node.get("pretrained") is not False]


def unfetched(cfg: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config as a model is built from it whose weights come from elsewhere: timm gets none over the network."""

    if not fetching(cfg.get("model")):
        return cfg
    cfg = copy.deepcopy(cfg)
    for node in fetching(cfg["model"]):
        node["pretrained"] = False
    return cfg


def listed(init: Any) -> Sequence[Any]:
    """The initializers of an ``init_cfg``: one dict or several."""
    return init if isinstance(init, (list, tuple)) else [] if init is None else [init]


def initializer_problems(init: Any) -> Iterator[tuple[str, str]]:
    """(the end of the key path, what is wrong) of an ``init_cfg`` that stands at a class of Segue."""
    for i, one in enumerate(listed(init)):
        at = f".{i}" if isinstance(init, (list, tuple)) else ""
        if not isinstance(one, Mapping):
            yield at, f"a dict(type='...') is expected, not {one!r:.60}"
            continue
        kind = one.get("type")
        name = bare(kind) if isinstance(kind, str) else ""
        if not name:
            yield f"{at}.type", f"a name is expected, not {kind!r:.60}"
        elif name not in INITIALIZERS and name not in registered and "." not in name:
            yield f"{at}.type", f"there is no initializer {name!r}{nearest(name, INITIALIZERS)}"
        elif name == "Pretrained" and not (isinstance(one.get("checkpoint"), str) and one["checkpoint"]):
            given = one.get("checkpoint")
            yield f"{at}.checkpoint", f"a path, URL or alias of weights is expected, not {given!r:.60}"


def unapplied_initializers(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(key path, name) of the initializers that classes of Segue do not apply."""

    def walk(node: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, (list, tuple)):
            for i, item in enumerate(node):
                yield from walk(item, f"{path}.{i}")
        elif isinstance(node, Mapping):
            kind = node.get("type")
            own = not isinstance(kind, str) or bare(kind) in registered or "." in bare(kind)
            names = [str(one.get("type")) for one in listed(node.get("init_cfg")) if isinstance(one, Mapping)]
            if not own:
                yield from ((f"{path}.init_cfg", name) for name in names if bare(name) != "Pretrained")
            for key, value in node.items():
                if key != "init_cfg":
                    yield from walk(value, f"{path}.{key}")

    yield from walk(cfg.get("model"), "model")


def needed_weights(cfg: Mapping[str, Any]) -> list[str]:
    """Every file of weights that training with a config reads, as the config names it: path, alias or URL.

    Those are ``load_from`` or else the pretrained weights, and what parts of the model read themselves: files that
    other arguments name, and the vocabulary of CLIP.
    """
    named = [cfg["load_from"]] if cfg.get("load_from") else [s.checkpoint for s in pretrained_sources(cfg)]
    starts = {source.checkpoint for source in pretrained_sources(cfg)}

    def walk(node: Any) -> None:
        if isinstance(node, Mapping):
            if node.get("type") == "CLIPTextEncoder":
                from segue.layers.clip_tokenizer import VOCABULARY

                named.append(str(node.get("bpe_path") or VOCABULARY))
            for value in node.values():
                walk(value)
        elif isinstance(node, (list, tuple)):
            for value in node:
                walk(value)
        elif isinstance(node, str) and node.endswith(WEIGHT_SUFFIXES) and node not in starts:
            named.append(node)

    walk(cfg["model"])
    return list(dict.fromkeys(named))
