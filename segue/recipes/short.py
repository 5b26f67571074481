"""Short names of models, a method and a backbone (``segformer_mit-b0``, ``ocrnet_hr18s``, ``unet``), as recipes.

A recipe's name says also the schedule and the data that it was published with. A short name leaves these out, because
the data is the user's own; what it stands for is decided here, by rules, and said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from segue.errors import ConfigError, alike
from segue.recipes.catalogue import recipe_names
from segue.recipes.compose import is_recipe_name
from segue.recipes.grammar import SETTING, parse

#: What is taken where no model is named: small, trained well from few images, and of the usual size of files.
DEFAULT = "segformer_mit-b0"
#: Names that are a method's alone, where one of its forms is the method as published.
PLAIN = {"unet": "unet-s5-d16_fcn"}
#: Of several recipes of a model, the first of these datasets decides: general photographs before special ones.
_DATA = ("ade20k", "voc12aug", "cityscapes", "coco_stuff164k", "pascal_context", "loveda", "potsdam", "drive")
_ANY_DATA = "_4xb4-80k_ade20k-512x512"
_MOST = 12


@dataclass(frozen=True)
class Chosen:
    """A short name, the recipe that it stands for, and why in a few words."""

    short: str
    recipe: str
    why: str

    def __str__(self) -> str:
        same = self.short == self.recipe
        return f"{self.short}: {self.why}" if same else f"{self.short}: the recipe {self.recipe}, {self.why}"


def resolve(text: str) -> Chosen:
    """The recipe that a short name stands for; a whole name stands for itself.

    Raises:
        ConfigError: several models are meant, or none; it lists them.
    """
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"a model is named by its method and backbone, such as {DEFAULT}, not {text!r}")
    text = text.strip()
    if "." not in text and is_recipe_name(text):
        return Chosen(text, text, "as named")
    wanted = words(PLAIN.get(text.lower(), text))
    same = [head for head in heads() if words(head) == wanted]
    begin = [head for head in heads() if words(head)[: len(wanted)] == wanted]
    if same or len({words(head) for head in begin}) == 1:
        names = [name for head in same or begin for name in heads()[head]]
        best = min(names, key=_rank)
        why = "the only one of this model" if len(names) == 1 else f"of {len(names)} of this model that of {_of(best)}"
        return Chosen(text, best, why)
    if begin:
        raise ConfigError(f"{text} is the beginning of several models: {_some(begin)}; name one of them")
    composed = text + _ANY_DATA
    if re.fullmatch(r"[\w.+-]+", text) and is_recipe_name(composed):
        return Chosen(text, composed, "which nobody has published, composed of the method and the backbone")
    near = alike(text.lower(), list(heads()), 4, 0.6)
    meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    raise ConfigError(
        f"there is no model {text!r}{meant} A model is a method and a backbone, such as {DEFAULT}, ocrnet_hr18s, unet "
        "or pspnet_r50-d8; `segue models` lists them"
    )


def words(text: str) -> tuple[str, ...]:
    """The parts of a name; hyphens and underscores are alike."""
    return tuple(re.split(r"[-_]", text.lower()))


@cache
def heads() -> dict[str, tuple[str, ...]]:
    """The published recipes by what their names say before the settings: method, backbone, head."""
    found: dict[str, list[str]] = {}
    for name in recipe_names():
        tokens = name.split("_")
        end = next((i for i, token in enumerate(tokens) if i and SETTING.match(token)), 0)  # 0: SAN's have no settings
        found.setdefault("_".join(tokens[:end]), []).append(name)
    return {head: tuple(names) for head, names in found.items() if head}


def _rank(name: str) -> tuple[int, int, int, str]:
    """Smaller is preferred: general data, no special settings, one dataset, then by name."""
    ask = parse(name)
    data = _DATA.index(ask.data_stem) if ask.data_stem in _DATA else len(_DATA)
    return data, len(ask.flags) + len(ask.losses), int(ask.test_stem is not None), name


def _of(name: str) -> str:
    return parse(name).data_stem.replace("_", "-")


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(sorted(names)[:_MOST]) + rest
