"""The weights that a config's model starts from; no constructor sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
        init = node.get("init_cfg")
        if isinstance(init, Mapping) and init.get("type") == "Pretrained":
            found.append(PretrainedSource(module, init["checkpoint"], init.get("prefix")))
        for key, value in node.items():
            if key != "init_cfg":
                walk(value, f"{module}.{key}" if module else key)

    walk(cfg["model"], "")
    return found


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
