"""The functions of mmseg 0.x scripts: ``train_segmentor``, ``init_segmentor``, ``inference_segmentor`` ..."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from segue.compat.mmengine.config import Config
from segue.compat.mmengine.runner import Runner
from segue.compat.mmengine.runner import set_random_seed as seed_everything
from segue.compat.mmseg.apis import inference_model, init_model
from segue.compat.mmseg.preprocessors import take_preprocessor
from segue.config.v0 import is_v0
from segue.recipes.open import read_config


def set_random_seed(seed: int, deterministic: bool = False) -> None:
    """Seed Python, numpy and torch."""
    seed_everything(seed, deterministic)


def init_random_seed(seed: int | None = None, device: str = "cuda") -> int:
    """The seed, or a new one."""
    return int(seed) if seed is not None else int(torch.randint(2**31 - 1, ()).item())


def get_root_logger(log_file: Any = None, log_level: int = logging.INFO) -> logging.Logger:
    """The logger of the name ``mmseg``."""
    logger = logging.getLogger("mmseg")
    logger.setLevel(log_level)
    return logger


def train_segmentor(
    model: Any,
    dataset: Any,
    cfg: Any,
    distributed: bool = False,
    validate: bool = False,
    timestamp: Any = None,
    meta: Mapping[str, Any] | None = None,
) -> Any:
    """Train a model on datasets that exist, as a 0.x config says; returns Segue's ``TrainResult``.

    ``meta`` is accepted: checkpoints always hold the config, the classes and the palette.
    """
    from segue.training import train

    datasets = list(dataset) if isinstance(dataset, Sequence) else [dataset]
    new = read_config(cfg)
    if not validate:
        for section in ("val_dataloader", "val_evaluator", "val_cfg"):
            new.pop(section)
    take_preprocessor(model, new)
    new["work_dir"] = cfg.get("work_dir") or str(Path("work_dirs") / "run")
    runner = Runner(model, new["work_dir"], cfg=new)

    def parts() -> Any:
        made = runner._parts("train" if validate else "none")
        made.train_data = datasets[0]
        return made

    seed = cfg.get("seed")
    result = train(runner.cfg, work_dir=new["work_dir"], build=parts, seed=None if seed is None else int(seed))
    model.CLASSES = getattr(datasets[0], "CLASSES", None) or (meta or {}).get("CLASSES")
    model.PALETTE = getattr(datasets[0], "PALETTE", None) or (meta or {}).get("PALETTE")
    return result


def init_segmentor(config: Any, checkpoint: Any = None, device: str = "cuda:0", **kwargs: Any) -> Any:
    """A model ready for ``inference_segmentor``, with ``CLASSES`` and ``PALETTE``."""
    model = init_model(config, checkpoint, device, kwargs.get("cfg_options"))
    given = Config.fromfile(config) if isinstance(config, (str, Path)) else config
    if is_v0(given):  # as the script knows it: cfg.data.test
        if kwargs.get("cfg_options"):
            given.merge_from_dict(dict(kwargs["cfg_options"]))
        model._translated, model.cfg = (given, model.cfg), given
    meta = getattr(model, "dataset_meta", None) or {}
    model.CLASSES, model.PALETTE = meta.get("classes"), meta.get("palette")
    return model


def inference_segmentor(model: Any, imgs: Any) -> list[Any]:
    """Label maps (H, W) of one image or several."""
    found = inference_model(model, imgs)
    found = found if isinstance(found, list) else [found]
    return [sample.pred_sem_seg.data[0].cpu().numpy() for sample in found]
