"""What `segue test` will refuse of a config, said before the training that comes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from segue.config.builder import build
from segue.config.trust import rights_of
from segue.errors import ConfigError, Problem
from segue.inference.views import tta_pipeline
from segue.training.data import read_loader
from segue.training.plan import located

_MOST = 3
READ = {"type": "LoadImageFromFile"}


def refused_later(cfg: Mapping[str, Any]) -> list[str]:
    """A line for each of the first problems of the test sections, and of ``tta_pipeline`` and ``tta_model``.

    No file of the data is looked at, and nothing is built.
    """
    lines = []
    for verb, found in (("segue test", _test(cfg)), ("segue test --tta", _views(cfg))):
        problems = list(dict.fromkeys(str(problem) for problem in found))
        lines += [f"{verb} will refuse this: {problem}" for problem in problems[:_MOST]]
        if len(problems) > _MOST:
            lines.append(f"{verb} will refuse {len(problems) - _MOST} more")
    return lines


def _test(cfg: Mapping[str, Any]) -> Iterator[Problem]:
    loader = cfg.get("test_dataloader")
    if not isinstance(loader, Mapping):
        return
    if loader != cfg.get("val_dataloader"):
        yield from _raised(cfg, lambda: read_loader(loader, "test_dataloader", rights_of(cfg)))
        if loader.get("dataset"):
            yield from build.check(cfg, {"test_dataloader.dataset": "datasets"})
    if cfg.get("test_evaluator") and cfg["test_evaluator"] != cfg.get("val_evaluator"):
        yield from build.check(cfg, {"test_evaluator": "metrics"})


def _views(cfg: Mapping[str, Any]) -> Iterator[Problem]:
    given = cfg.get("tta_pipeline")
    # an unknown tta_model alone is told as well: a base may bring the pipeline later
    yield from _raised(cfg, lambda: tta_pipeline({"tta_pipeline": given or [READ], "tta_model": cfg.get("tta_model")}))
    if given:
        yield from build.check(cfg, {"tta_pipeline": "transforms"})


def _raised(cfg: Mapping[str, Any], work: Any) -> list[Problem]:
    try:
        with located(cfg):
            work()
    except ConfigError as error:
        return error.problems
    return []
