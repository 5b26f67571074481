"""Under which licence the weights are that recipes start from, and whether it allows commercial use.

As their publishers state it, at the time of writing; data sets have terms of their own (ImageNet, ADE20K and Cityscapes
among them), which no licence of weights lifts. Where nothing is stated that is known here, nothing is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from segue.config.builder.pretrained import fetching, needed_weights
from segue.recipes.compose import compose


@dataclass(frozen=True, kw_only=True)
class Licence:
    """A licence of weights.

    Attributes:
        name: as its publisher calls it.
        commercial: whether it allows commercial use; None: that is not known.
        gated: whether the files are given only to those who accept it.
        where: the page to accept it at, of gated files.
        note: what else it asks for.
    """

    name: str
    commercial: bool | None
    gated: bool = False
    where: str | None = None
    note: str = ""

    def __str__(self) -> str:
        allowed = {True: "commercial use allowed", False: "no commercial use", None: "commercial use: not known"}
        words = [self.name, *(["gated"] if self.gated else []), allowed[self.commercial] + self.note]
        return ", ".join(words) + (f": accept it at {self.where}" if self.where else "")


APACHE, MIT = Licence(name="Apache 2.0", commercial=True), Licence(name="MIT", commercial=True)
UNKNOWN = Licence(name="not stated", commercial=None)
DINOV3 = Licence(
    name="DINOv3 License", commercial=True, gated=True, where="https://ai.meta.com/dinov3", note=" under its terms"
)
#: what the names of files hold -> their licence; the first that is found applies
SOURCES: tuple[tuple[str, Licence], ...] = (
    (r"dinov3_", DINOV3),
    (r"dinov2_", APACHE),
    (r"segformer/mit_b", Licence(name="NVIDIA Source Code License for SegFormer", commercial=False)),
    (r"mae_pretrain", Licence(name="CC BY-NC 4.0", commercial=False)),
    (
        r"segnext/mscan",
        Licence(name="Apache 2.0", commercial=False, note=" without asking its authors, as they state beside it"),
    ),
    (
        r"stable_diffusion",
        Licence(name="CreativeML Open RAIL-M", commercial=True, note=" within its restrictions of use"),
    ),
    (r"vpd/", MIT),
    (r"openai/CLIP|san/clip", MIT),
    (r"/swin/|beit_|/convnext/|/stdc/|/pidnet/|/ddrnet/|hrnetv2", MIT),
    (r"timm://(?:efficientvit|mobilenetv4)", APACHE),
    (r"/twins/|/poolformer/|resnest|deit_|/segmenter/|jx_vit|vit-b16_p16|vit_(?:base|large)_p", APACHE),
    (r"torchvision://", Licence(name="BSD 3-Clause", commercial=True)),
    (r"open-mmlab://resnet|mmcls://mobilenet_v2|mmclassification/v0/resnet/", APACHE),
)


def licence_of(source: str) -> Licence:
    """The licence of a file of weights, as configs name it."""
    return next((found for pattern, found in SOURCES if re.search(pattern, source)), UNKNOWN)


def sources(name: str) -> dict[str, Licence]:
    """The files that a recipe starts from, each with its licence.

    Raises:
        ConfigError: the name cannot be read.
    """
    cfg = compose(name)
    of_timm = [f"timm://{node['model_name']}" for node in fetching(cfg["model"])]
    return {source: licence_of(source) for source in (*needed_weights(cfg), *of_timm)}


def licence_words(files: Mapping[str, Licence]) -> str:
    """The licences of files in a line, each once with the files that it is of."""
    if not files:
        return "starts from random numbers: no licence of weights"
    named: dict[Licence, list[str]] = {}
    for source, licence in files.items():
        named.setdefault(licence, []).append(source.rpartition("/")[2])
    return "; ".join(f"of {' and '.join(names)}: {licence}" for licence, names in named.items())


def licences(name: str) -> list[Licence]:
    """The licences of all files that a recipe starts from, each once; none where it starts from random numbers.

    Raises:
        ConfigError: the name cannot be read.
    """
    return list(dict.fromkeys(sources(name).values()))


def allows_commerce(found: Iterable[Licence]) -> bool | None:
    """Whether all of some licences allow commercial use; None: that is not known of one, and none forbids it."""
    answers = {one.commercial for one in found}
    return False if False in answers else None if None in answers else True
