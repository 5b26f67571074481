"""0.x's loops of testing: ``single_gpu_test`` and ``multi_gpu_test`` of ``mmseg.apis``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from rich.console import Console

from segue.compat.mmengine.processes import get_dist_info
from segue.images.read import read_image
from segue.system.bars import shown


def single_gpu_test(
    model: Any,
    data_loader: Any,
    show: bool = False,
    out_dir: str | None = None,
    efficient_test: bool = False,
    opacity: float = 0.5,
    pre_eval: bool = False,
    format_only: bool = False,
    format_args: Mapping[str, Any] | None = None,
) -> list[Any]:
    """What a model predicts for every image of a loader of `build_dataloader`, in order.

    Args:
        model: as `MMDataParallel` holds it, or itself.
        data_loader: without shuffling.
        show, out_dir: show the predictions over the images, or write them there.
        efficient_test: label maps stay in memory all the same; ``pre_eval`` saves it.
        opacity: of what is drawn.
        pre_eval: the dataset's `pre_eval` of each image in place of the label map (H, W).
        format_only: the names of the files that the dataset's `format_results` has written.
        format_args: its arguments.
    """
    if sum(map(bool, (efficient_test, pre_eval, format_only))) > 1:
        raise AssertionError("efficient_test, pre_eval and format_only are mutually exclusive")
    model.eval()
    dataset, results = data_loader.dataset, []
    console = Console(stderr=True)
    order = iter(_indices(data_loader))
    for data in shown(data_loader, len(data_loader), "Testing", console):
        with torch.no_grad():
            found = model(return_loss=False, **data)
        indices = [next(order) for _ in found]
        if show or out_dir:
            _draw(model, data, found, dataset, show, out_dir, opacity)
        if format_only:
            found = dataset.format_results(found, indices=indices, **(format_args or {}))
        elif pre_eval:
            found = dataset.pre_eval(found, indices=indices)
        results += found
    return results


def multi_gpu_test(
    model: Any,
    data_loader: Any,
    tmpdir: str | None = None,
    gpu_collect: bool = False,
    efficient_test: bool = False,
    pre_eval: bool = False,
    format_only: bool = False,
    format_args: Mapping[str, Any] | None = None,
) -> list[Any] | None:
    """The same of the parts that several processes have; the first has all results in order, the others None.

    ``tmpdir`` and ``gpu_collect`` are accepted: the processes send each other what they have.
    """
    given: Any = {"efficient_test": efficient_test, "pre_eval": pre_eval, "format_only": format_only}
    own = single_gpu_test(model, data_loader, format_args=format_args, **given)
    rank, world = get_dist_info()
    if world == 1:
        return own
    parts: list[Any] = [None] * world
    torch.distributed.all_gather_object(parts, own)
    if rank:
        return None
    together = [result for results in zip(*parts, strict=True) for result in results]
    return together[: len(data_loader.dataset)]


def _indices(loader: Any) -> list[int]:
    return [int(index) for batch in loader.batch_sampler for index in batch]


def _draw(
    model: Any, data: Mapping[str, Any], found: Any, dataset: Any, show: bool, out_dir: str | None, opacity: float
) -> None:
    inner = getattr(model, "module", model)
    for meta, labels in zip(data["img_metas"][0].data[0], found, strict=True):
        image = read_image(meta["filename"])
        height, width = np.asarray(labels).shape
        out = os.path.join(out_dir, meta["ori_filename"]) if out_dir else None
        colors = {"palette": dataset.PALETTE, "show": show, "out_file": out, "opacity": opacity}
        inner.show_result(image[:height, :width], [labels], **colors)
