"""mmengine's ``Runner.build_dataloader``: a torch DataLoader of a ``*_dataloader`` section, for scripts' own loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader

from segue.compat.mmengine.registry import DATA_SAMPLERS, DATASETS
from segue.compat.mmengine.sampling import InfiniteSampler
from segue.compat.mmengine.structures import from_segue
from segue.config.tree import ConfigDict
from segue.errors import ConfigError, Problem
from segue.types import SegSample

#: Settings of a section that torch's DataLoader has, too.
_TORCH = ("batch_size", "num_workers", "persistent_workers", "pin_memory", "drop_last", "prefetch_factor", "timeout")


def build_dataloader(dataloader: Any, seed: int | None = None, diff_rank_seed: bool = False) -> Any:
    """A DataLoader whose batches have ``inputs`` and ``data_samples``, lists; one that is made already passes.

    Args:
        dataloader: the section: a dataset (or its dict), a sampler's dict, ``batch_size``, ``num_workers`` ...
        seed: of the order.
        diff_rank_seed: accepted; scripts' own loops run in one process.

    Raises:
        ConfigError: a sampler that has no meaning in one process, or a section without dataset.
    """
    if not isinstance(dataloader, Mapping):
        return dataloader
    given = ConfigDict(dataloader)
    dataset = given.get("dataset")
    if dataset is None:
        raise ConfigError(Problem("dataset", "the loader has no dataset"))
    if isinstance(dataset, Mapping):
        dataset = DATASETS.build(dataset)
    if hasattr(dataset, "full_init"):
        dataset.full_init()
    arguments = {key: given[key] for key in _TORCH if key in given}
    if not arguments.get("num_workers"):
        arguments.pop("persistent_workers", None)
        arguments.pop("prefetch_factor", None)
    sampler = _sampler(given.get("sampler") or {}, dataset, seed)
    return DataLoader(dataset, sampler=sampler, collate_fn=collate, **arguments)


def _sampler(node: Any, dataset: Any, seed: int | None) -> Any:
    if not isinstance(node, Mapping):
        return node
    node = dict(node)
    kind = node.pop("type", "DefaultSampler")
    own = DATA_SAMPLERS.get(kind)
    if own is not None and not str(own.__module__).startswith("segue."):
        return own(dataset, **{**node, "seed": seed})
    if str(kind).rpartition(".")[2] not in ("DefaultSampler", "InfiniteSampler"):
        raise ConfigError(
            Problem("sampler.type", f"{kind}: a loop of one's own takes DefaultSampler or InfiniteSampler")
        )
    if str(kind).endswith("InfiniteSampler"):
        first = node.get("seed") if seed is None else seed
        return InfiniteSampler(dataset, node.get("shuffle", True), None if first is None else int(first))
    if not node.get("shuffle", True):
        return None
    generator = torch.Generator()
    generator.manual_seed(seed if seed is not None else int(node.get("seed") or 0))
    return torch.utils.data.RandomSampler(dataset, generator=generator)


def collate(samples: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Samples as a dict of lists, as mmengine's ``pseudo_collate``; label maps in a ``SegDataSample``."""
    return {key: [shown(sample[key]) for sample in samples] for key in samples[0]}


def shown(value: Any) -> Any:
    """A sample as mmseg has it, also in a list; anything else as it is."""
    if isinstance(value, list):
        return [shown(each) for each in value]
    return from_segue(value) if isinstance(value, SegSample) else value
