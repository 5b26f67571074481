"""mmseg.apis: models for prediction, and pictures of what they predict."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from segue.compat.mmengine.registry import MODELS
from segue.compat.mmengine.structures import PixelData, SegDataSample, from_segue
from segue.compat.mmengine.visualization import SegLocalVisualizer
from segue.compat.mmseg.preprocessors import take_preprocessor
from segue.config.tree import ConfigDict
from segue.config.v0 import is_v0
from segue.datasets.palette import generate_palette
from segue.errors import CheckpointError
from segue.images.read import read_image
from segue.inference.load import class_names, merged_after, warn_of_random_weights
from segue.inference.predictor import image_pipeline
from segue.recipes.open import read_config


def usable(device: Any) -> torch.device:
    """The device asked for; the CPU where there is no CUDA, as for the default ``cuda:0``, which one line says."""
    wanted = torch.device(device)
    if wanted.type != "cuda" or torch.cuda.is_available():
        return wanted
    logging.getLogger("segue").warning(f"{wanted}: no CUDA device is usable here; the model is on the CPU")
    return torch.device("cpu")


def init_model(
    config: Any, checkpoint: Any = None, device: str = "cuda:0", cfg_options: Mapping[str, Any] | None = None
) -> Any:
    """A model in evaluation mode with ``cfg``, and with ``dataset_meta`` if there is a checkpoint."""
    if not isinstance(config, (str, Path, Mapping)):
        raise TypeError(f"config must be a filename or Config object, but got {type(config)}")
    cfg = read_config(config)
    if cfg_options:
        cfg.merge_from_dict(dict(cfg_options))
    node = copy.deepcopy(ConfigDict(cfg["model"]))
    node["pretrained"] = None
    node["train_cfg"] = None
    if not node.get("data_preprocessor") and cfg.get("data_preprocessor"):
        node["data_preprocessor"] = cfg["data_preprocessor"]
    model = MODELS.build(node)
    if checkpoint is not None:
        load_for_inference(model, cfg, checkpoint)
    else:
        warn_of_random_weights(config)
    model.cfg = cfg
    return model.to(usable(device)).eval()


def load_for_inference(model: Any, cfg: Any, checkpoint: Any) -> None:
    """Load weights and take class names and colors from the file, or else from the config's datasets.

    Raises:
        CheckpointError: weights are missing: what the model predicts would mean nothing.
    """
    from segue.checkpoints import fetch, load_weights, read

    found = read(fetch(checkpoint))
    report = load_weights(model, found)
    if report.missing or report.mismatched:
        raise CheckpointError(f"{checkpoint} does not fit the model of the config. {report}")
    merged_after(model, report, checkpoint)
    classes, palette = found.classes, found.palette
    if classes is None:
        named, colors = class_names(cfg, model.num_classes)
        classes, palette = tuple(named), [list(c) for c in colors] if colors else None
    if palette is None or len(palette) != len(classes):
        palette = generate_palette(classes)
    model.dataset_meta = {"classes": tuple(classes), "palette": [list(color) for color in palette]}


def config_of_1x(model: Any) -> Any:
    """A model's config; a 0.x one, as a script hangs it on the model, translated."""
    if not is_v0(model.cfg):
        return model.cfg
    known = getattr(model, "_translated", None)
    if known is None or known[0] is not model.cfg:
        known = model._translated = model.cfg, read_config(model.cfg)
        take_preprocessor(model, known[1])
    return known[1]


def packed(model: Any, images: Sequence[Any], pipeline: tuple[Any, list[Any]] | None = None) -> dict[str, Any]:
    """Images (paths, or arrays BGR) through the test pipeline, or through one that was built before, as a batch."""
    read, steps = pipeline or image_pipeline(config_of_1x(model))
    batch: dict[str, Any] = {"inputs": [], "data_samples": []}
    for image in images:
        if isinstance(image, np.ndarray):
            sample: Any = {"img": image, "img_shape": image.shape[:2], "ori_shape": image.shape[:2], "img_path": None}
        else:
            sample = read({"img_path": str(image)})
        for step in steps:
            sample = step(sample)
        batch["inputs"].append(sample["inputs"])
        batch["data_samples"].append(from_segue(sample["data_samples"]))
    return batch


def inference_model(model: nn.Module, img: Any) -> Any:
    """A SegDataSample for an image (path or BGR array), or a list of them for a list."""
    several = isinstance(img, (list, tuple))
    found: list[SegDataSample] = []
    with torch.no_grad():
        for image in img if several else [img]:  # one by one: sizes may differ
            found += model.test_step(packed(model, [image]))  # type: ignore[operator]
    return found if several else found[0]


def show_result_pyplot(model: Any, img: Any, result: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    """The image (H, W, 3) RGB with its labels drawn over it; written to ``out_file`` if given.

    A window is opened only where there is a display and nothing is written. After ``result`` come the arguments of
    1.x, ``opacity=0.5, title='', draw_gt=True, draw_pred=True, wait_time=0, show=True, with_labels=True, save_dir=None,
    out_file=None``, or those of 0.x, ``palette=None, fig_size=(15, 10), opacity=0.5, title='', block=True,
    out_file=None``: what says so is a palette in the fourth place, a name of 0.x, or a list of label maps as a result.
    """
    old = isinstance(result, (list, tuple)) or bool(args and not isinstance(args[0], (int, float)))
    names = OLD_PICTURE if old or kwargs.keys() & {"palette", "fig_size", "block"} else PICTURE
    if len(args) > len(names):
        raise TypeError(f"show_result_pyplot takes {', '.join(names)} after result, but {len(args)} were given")
    given = dict(zip(names, args, strict=False))
    if twice := given.keys() & kwargs.keys():
        raise TypeError(f"show_result_pyplot got {sorted(twice)[0]!r} twice")
    given |= kwargs
    for name in ("fig_size", "block"):  # of matplotlib's window
        given.pop(name, None)
    if unknown := given.keys() - {*PICTURE, "palette"}:
        raise TypeError(f"show_result_pyplot got {sorted(unknown)[0]!r} unexpectedly")
    return _picture(model, img, result, **given)


PICTURE = ("opacity", "title", "draw_gt", "draw_pred", "wait_time", "show", "with_labels", "save_dir", "out_file")
OLD_PICTURE = ("palette", "fig_size", "opacity", "title", "block", "out_file")


def _picture(
    model: Any,
    img: Any,
    result: Any,
    opacity: float = 0.5,
    title: str = "",
    draw_gt: bool = True,
    draw_pred: bool = True,
    wait_time: float = 0,
    show: bool = True,
    with_labels: bool = True,
    save_dir: str | None = None,
    out_file: str | None = None,
    palette: Any = None,
) -> np.ndarray:
    if isinstance(result, (list, tuple)) and isinstance(result[0], np.ndarray):  # the results of 0.x
        result = SegDataSample(pred_sem_seg=PixelData(data=result[0]))
    if not isinstance(result, SegDataSample):
        raise TypeError(f"result is a SegDataSample, as inference_model gives it, not {type(result).__name__}")
    picture = read_image(img) if isinstance(img, (str, Path)) else np.asarray(img)
    visualizer = SegLocalVisualizer(save_dir=save_dir, alpha=opacity)
    meta = getattr(model, "dataset_meta", None)
    if getattr(model, "CLASSES", None):
        meta = {"classes": model.CLASSES, "palette": palette or model.PALETTE or generate_palette(model.CLASSES)}
    if meta is None:
        classes, colors = class_names(config_of_1x(model), model.num_classes)
        visualizer.set_dataset_meta(classes, palette or colors)
    else:
        visualizer.dataset_meta = {"classes": meta["classes"], "palette": palette or meta["palette"]}
    visualizer.add_datasample(
        name=title,
        image=np.ascontiguousarray(picture[..., ::-1]),
        data_sample=result,
        draw_gt=draw_gt,
        draw_pred=draw_pred,
        wait_time=wait_time,
        out_file=out_file,
        show=show,
        with_labels=with_labels,
    )
    return visualizer.get_image()
