"""Reads names: ``{algorithm}_{components}_{settings}_{train data}[_{test data}]``.

``pspnet_r50-d8_4xb2-40k_cityscapes-512x1024``: the method pspnet on the backbone r50-d8, trained on 4 GPUs with 2
images each for 40 000 iterations on crops of 512 x 1024 (height x width) of Cityscapes. Settings and data may also
stand in the order of older releases: ``pspnet_r50-d8_512x1024_40k_cityscapes``.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

from segue.errors import ConfigError, alike, nearest
from segue.recipes.data import Data, Size
from segue.recipes.encoders import Encoder, PartError, encoder
from segue.recipes.former import current_name

# Names of the reference that no grammar explains, as names that say the same.
ALIASES = {
    "cityscapes": "deeplabv3_r50-d8_4xb2-40k_dsdl-cityscapes-512x1024",
    "voc": "deeplabv3_r50-d8_4xb4-20k_dsdl-voc-512x512",
}
MISSPELLED = {"mapillay": "mapillary"}  # in the reference's own names
FLAGS = ("amp", "adamw", "ohem", "ce-1.0-dice-3.0")

_SETTINGS = re.compile(r"(?P<gpus>\d+)xb(?P<batch>\d+)(-(?P<rest>.+))?")
_CROP = re.compile(r"(\d{2,})x(\d{2,})")
_OLD_BATCH = re.compile(r"(\d{1,2})x(\d{1,2})")
SETTING = re.compile(r"\d+xb?\d+|\d+k$")  # the beginning of a token that only names of recipes have
_ITERS = re.compile(r"(\d+)k")
_EXAMPLE = "a name reads like pspnet_r50-d8_4xb2-40k_cityscapes-512x1024"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a name asks for.

    Attributes:
        name: the name.
        method: the stem of the method's file.
        parts: what stands between the method and the settings, split at underscores.
        gpus, batch: processes, and images for each; None where the name is silent.
        iters: iterations of training, the dataset's usual number where the name is silent.
        says_iters: whether the name says it.
        crop: height and width of the training crops.
        says_crop: whether the name says it.
        flags: ``amp``, ``adamw``, ``ohem``.
        losses: weights of losses by their short names, ``{"ce": 1.0, "dice": 3.0}``.
        data: the training dataset; ``data_stem`` is the stem of its file.
        test_data: another dataset to test on; ``test_stem`` is the stem of its file.
        test_scale: the size that its images are resized to, (long, short).
    """

    name: str
    method: str
    parts: tuple[str, ...]
    gpus: int | None
    batch: int | None
    iters: int
    says_iters: bool
    crop: Size
    says_crop: bool
    flags: frozenset[str]
    losses: dict[str, float]
    data: Data
    data_stem: str
    test_data: Data | None
    test_stem: str | None
    test_scale: Size | None

    def components(self, *kinds: str) -> tuple[str, ...]:
        """The parts, as many as the method takes; ``kinds`` name them."""
        if len(self.parts) != len(kinds):
            wanted = "_".join([self.method, *(f"{{{kind}}}" for kind in kinds)])
            given = "_".join([self.method, *self.parts])
            raise ConfigError(f"{self.name}: the method {self.method} is written {wanted}, not {given}")
        return self.parts

    def encoder(self) -> Encoder:
        """The backbone, where the method takes nothing else."""
        return encoder("-".join(self.parts))

    @property
    def aligned(self) -> bool:
        """Whether resizing inside the model aligns corners: with crops of odd sides (769 x 769)."""
        return self.crop[0] % 2 == 1 and self.crop[1] % 2 == 1


@cache
def stems(folder: str) -> tuple[str, ...]:
    """The files of ``methods`` or ``datasets``, longest name first."""
    package = importlib.import_module(f"segue.recipes.{folder}")
    return tuple(sorted((info.name for info in pkgutil.iter_modules(package.__path__)), key=lambda s: (-len(s), s)))


def method_file(stem: str) -> ModuleType:
    """The module of a method."""
    return importlib.import_module(f"segue.recipes.methods.{stem}")


def head_of(method: str, net: Encoder) -> dict[str, Any]:
    """The head of another method on a backbone.

    Raises:
        PartError: no such method, or it is no head on any backbone.
    """
    if method in stems("methods") and hasattr(method_file(method), "decode_head"):
        head: dict[str, Any] = method_file(method).decode_head(net)
        return head
    heads = (stem for stem in stems("methods") if hasattr(method_file(stem), "decode_head"))
    raise PartError("method", method, tuple(sorted(heads)))


def dataset(stem: str) -> Data:
    """The dataset of a file in ``datasets``."""
    data: Data = importlib.import_module(f"segue.recipes.datasets.{stem}").DATA
    return data


def known(folder: str) -> tuple[str, ...]:
    """The names of methods or datasets as they are written in names."""
    return tuple(sorted(stem.replace("_", "-") if folder == "datasets" else stem for stem in stems(folder)))


def find(text: str, folder: str, part: str, after: str) -> tuple[str, str]:
    """The longest file stem that starts a text, and the rest of the text.

    Underscores and hyphens are alike, and may be missing. ``after`` is what may follow, a pattern.

    Raises:
        PartError: no file starts the text.
    """
    for stem in stems(folder):
        if match := re.match(stem.replace("_", "[-_]?") + rf"(?=$|{after})", text, re.IGNORECASE):
            return stem, text[match.end() :]
    raise PartError(part, text, known(folder))


def parse(name: str) -> Request:
    """Read a name.

    Raises:
        ConfigError: which part is not known, and what is near it.
    """
    try:
        return read(ALIASES.get(name) or current_name(name), name)
    except PartError as error:
        raise explain(name, error) from None


def explain(name: str, error: PartError) -> ConfigError:
    """The error for an unknown part of a name, with near ones."""
    first = re.split("[-_]", error.given)[0]
    given = error.given if alike(error.given, error.known) else first
    return ConfigError(f"{name}: unknown {error.part} {error.given!r}{nearest(given, error.known, 4, listed=40)}")


@dataclass
class _Settings:
    gpus: int | None = None
    batch: int | None = None
    iters: int | None = None
    crop: Size | None = None
    flags: set[str] = field(default_factory=set)
    losses: dict[str, float] = field(default_factory=dict)


def read(text: str, name: str) -> Request:
    """Read a name; ``text`` is the name without aliases."""
    tokens = text.split("_")
    settings = _Settings()
    first, last = _settings_tokens(tokens, settings, name)
    try:
        stem, rest = find("_".join(tokens[:first]), "methods", "algorithm", r"[-_]|\d")
    except PartError as error:
        raise PartError("algorithm", tokens[0], error.known) from None
    parts = tuple(part for part in re.split("_", rest.strip("-_")) if part)
    data_text = "_".join(tokens[last:])
    if not data_text:
        raise ConfigError(f"{name}: names no dataset; {_EXAMPLE}")
    data_stem, crop, test_stem, test_crop = _data(data_text, name)
    data = dataset(data_stem)
    crop = crop or settings.crop
    if not data.train and not data.joined:
        raise ConfigError(f"{name}: {data_stem} has no images to train on; name it last, after another dataset")
    for word, count in (("GPUs", settings.gpus), ("images per GPU", settings.batch), ("iterations", settings.iters)):
        if count == 0:
            raise ConfigError(f"{name}: needs more than 0 {word}")
    return Request(
        name=name,
        method=stem,
        parts=parts,
        gpus=settings.gpus,
        batch=settings.batch,
        iters=settings.iters or data.iters,
        says_iters=settings.iters is not None,
        crop=crop or data.crop,
        says_crop=crop is not None,
        flags=frozenset(settings.flags),
        losses=settings.losses,
        data=data,
        data_stem=data_stem,
        test_data=dataset(test_stem) if test_stem else None,
        test_stem=test_stem,
        test_scale=test_crop,
    )


def _settings_tokens(tokens: list[str], settings: _Settings, name: str) -> tuple[int, int]:
    """Reads the settings; returns where they begin and end among the tokens."""
    for index, token in enumerate(tokens):
        if match := _SETTINGS.fullmatch(token):
            settings.gpus, settings.batch = int(match["gpus"]), int(match["batch"])
            _flags(match["rest"] or "", settings, name)
            return index, index + 1
    old = [i for i, token in enumerate(tokens) if i and _old_setting(token, settings)]
    if old:
        return old[0], old[-1] + 1
    for index in range(1, len(tokens)):  # no settings at all: san-vit-b16_coco-stuff164k-640x640
        try:
            find("_".join(tokens[index:]), "datasets", "dataset", r"[-_]|\d")
        except PartError:
            continue
        return index, index
    if len(tokens) == 1:
        find(tokens[0], "methods", "algorithm", r"[-_]|\d")
        raise ConfigError(f"{name}: names no dataset; {_EXAMPLE}")
    return len(tokens) - 1, len(tokens) - 1


def _old_setting(token: str, settings: _Settings) -> bool:
    """Reads one setting in the order of older releases: 512x1024, 40k, 8x4 (GPUs x images)."""
    if match := _ITERS.fullmatch(token):
        settings.iters = int(match[1]) * 1000
    elif match := _CROP.fullmatch(token):
        settings.crop = (int(match[1]), int(match[2]))
    elif match := _OLD_BATCH.fullmatch(token):
        settings.gpus, settings.batch = int(match[1]), int(match[2])
    else:
        return False
    return True


def _flags(text: str, settings: _Settings, name: str) -> None:
    """Reads what follows the batch size: ``amp-80k``, ``ce-1.0-dice-3.0-40k``."""
    words = text.split("-") if text else []
    while words:
        word = words.pop(0)
        if match := _ITERS.fullmatch(word):
            settings.iters = int(match[1]) * 1000
        elif word in ("amp", "adamw", "ohem"):
            settings.flags.add(word)
        elif word in ("ce", "dice") and words and re.fullmatch(r"\d+(\.\d+)?", words[0]):
            settings.losses[word] = float(words.pop(0))
        elif re.match(r"\d", word):
            raise ConfigError(
                f"{name}: unknown schedule {word!r}; a schedule is thousands of iterations, 20k, 40k, 80k, 160k ..."
            )
        else:
            raise PartError("setting", word, FLAGS)


def _data(text: str, name: str) -> tuple[str, Size | None, str | None, Size | None]:
    """The training dataset, its crop, the test dataset and its scale."""
    crop = None
    if match := re.match(r"(\d{2,})x(\d{2,})-", text):  # 1024x1024-cityscapes
        crop, text = (int(match[1]), int(match[2])), text[match.end() :]
    for wrong, right in MISSPELLED.items():
        text = text.replace(wrong, right)
    stem, rest = find(text, "datasets", "dataset", r"[-_]|\d+x\d")
    if match := re.match(r"-?(\d+)x(\d+)", rest):
        crop, rest = (int(match[1]), int(match[2])), rest[match.end() :]
    if crop is not None and min(crop) < 8:
        raise ConfigError(f"{name}: a crop of {crop[0]} x {crop[1]} pixels is too small")
    if rest in ("", "-ms", "_ms"):  # ms: the published number was measured with several scales
        return stem, crop, None, None
    test, rest = find(rest.strip("_-"), "datasets", "test dataset", r"[-_]|\d+x\d")
    if match := re.fullmatch(r"(-(\d+)x(\d+))?", rest):
        return stem, crop, test, (int(match[2]), int(match[3])) if match[1] else None
    raise PartError("test dataset", test + rest, known("datasets"))
