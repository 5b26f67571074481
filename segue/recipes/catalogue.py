"""What is published about recipes: names, papers, measured numbers, weights (``published.json``)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from segue.errors import ConfigError, alike, fold
from segue.recipes import today
from segue.recipes.compose import method_recipe
from segue.recipes.deviations import DEVIATIONS
from segue.recipes.former import current_name, published
from segue.recipes.grammar import Request, parse
from segue.recipes.licences import allows_commerce, licences

#: Comparisons of the OCR paper (section 4.2), which the reference does not have.
ABLATIONS = tuple(
    f"ocrnet-{kind}_r101-d8_4xb2-40k_cityscapes-512x1024" for kind in ("acf", "double", "gt", "unsupervised")
)
FACTS = ("mIoU", "mIoU_ms", "mDice", "Dice", "rmse")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A recipe in a list.

    Attributes:
        name: what to give to ``compose``.
        algorithm, backbone: the method, and what its name says before the settings.
        data, test_data: datasets, as names write them.
        crop: height and width of the training crops.
        iters, gpus, batch: the schedule, and how many GPUs take how many images each.
        flags: other settings, such as ``amp``.
        paper, link: what describes the method.
        metrics: published numbers in percent; ``mIoU_ms`` with several sizes and flips.
        weights: where the published weights lie.
        deviation: what the reference's file of this name has instead, if it contradicts its name.
        licence: of the weights that training starts from, where it is not as free as those of the reference's.
    """

    name: str
    algorithm: str
    backbone: str
    data: str
    test_data: str | None
    crop: tuple[int, int]
    iters: int
    gpus: int | None
    batch: int
    flags: tuple[str, ...]
    paper: str | None
    link: str | None
    metrics: dict[str, float]
    weights: str | None
    deviation: str | None
    licence: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The facts as JSON data."""
        return asdict(self)


def recipe_names() -> tuple[str, ...]:
    """The names that the reference ships, sorted; others compose as well."""
    return tuple(published()["recipes"])


def near_recipe(name: str, most: int = 3) -> str:
    """``; did you mean 'X' or 'Y'?`` of recipes that begin nearly so, or nothing."""
    begin = _plain(name)
    names = recipe_names()
    close = [other for other in names if _plain(other).startswith(begin)] if begin else []
    if not close:
        begins = {_plain(other)[: len(begin)]: other for other in reversed(names)}
        close = [begins[found] for found in alike(begin, begins, most, 0.7)]
    return f"; did you mean {' or '.join(map(repr, close[:most]))}?" if close else ""


def _plain(name: str) -> str:
    return fold(name).replace("-", "")


def published_weights(name: str) -> str | None:
    """The URL of a recipe's published weights, by its name now or in mmseg 0.x; None where there are none."""
    weights = published()["recipes"].get(current_name(name), {}).get("weights")
    return _address(weights) if weights else None


def _address(weights: str) -> str:
    return weights if "://" in weights else published()["base"] + weights


def entry(name: str) -> Entry:
    """What is known about a name; a name that nobody has published has its parts only.

    Raises:
        ConfigError: the name cannot be read.
    """
    ask = parse(name)
    chosen = method_recipe(ask)
    facts = published()["recipes"].get(current_name(name)) or today.facts(name)
    title, link = published()["papers"].get(facts.get("paper"), (facts.get("title"), facts.get("link")))
    deviation = DEVIATIONS.get(current_name(name))
    return Entry(
        name=name,
        algorithm=ask.method,
        backbone="_".join(ask.parts) or ask.method,
        data=_written(ask.data_stem),
        test_data=_written(ask.test_stem) if ask.test_stem else None,
        crop=ask.crop,
        iters=chosen.iters or ask.iters,
        gpus=ask.gpus,
        batch=ask.batch or chosen.batch or ask.data.batch,
        flags=_flags(ask),
        paper=title,
        link=link,
        metrics={key: facts[key] for key in FACTS if key in facts},
        weights=_address(facts["weights"]) if "weights" in facts else None,
        deviation=deviation.reason if deviation else None,
        licence=today.licence(name),
    )


def _written(stem: str) -> str:
    return stem.replace("_", "-")


def _flags(ask: Request) -> tuple[str, ...]:
    return (*sorted(ask.flags), *(f"{short}-{weight}" for short, weight in ask.losses.items()))


def select(pattern: str = "*", data: str | None = None, *, commercial: bool = False) -> Iterator[Entry]:
    """The recipes whose name matches a pattern, and that are trained or tested on a dataset: the reference's, and
    comparisons and models that it does not have.

    Args:
        pattern: as of file names: ``ocrnet*``, ``*_r50-d8_*``.
        data: the beginning of a dataset's name.
        commercial: only those that start from weights whose licences are known to allow commercial use, or from none
            (`segue.recipes.licences`).

    Raises:
        ConfigError: there is no such dataset.
    """
    wanted = data.lower().replace("-", "_") if data else ""
    if data and not any(known.startswith(wanted) for known in _datasets()):
        raise ConfigError(f"no recipe has the dataset {data!r}; there are {', '.join(map(_written, _datasets()))}")
    for name in sorted((*recipe_names(), *ABLATIONS, *today.NAMES)):
        if not fnmatch.fnmatchcase(name.lower(), pattern.lower()):
            continue
        found = entry(name)
        if not any((stem or "").replace("-", "_").startswith(wanted) for stem in (found.data, found.test_data)):
            continue
        if not commercial or allows_commerce(licences(name)):
            yield found


@cache
def _datasets() -> tuple[str, ...]:
    found = {parse(name).data_stem for name in recipe_names()}
    return tuple(sorted(found | {stem for name in recipe_names() if (stem := parse(name).test_stem)}))
