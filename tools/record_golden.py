"""Record what mmseg 1.2.2 computes with one model, as a golden of ``tests/goldens/``.

    python tools/record_golden.py CONFIG OUT.json.gz [--size H W]

CONFIG is a config of mmseg, preferably of its smallest model of the kind. Weights, image and labels are pure functions
of keys and sizes (``tools/goldens.py``), so that nothing is downloaded and Segue's numbers can be compared. Runs with
the Python of an environment that holds the reference, and this checkout on its path; CONTRIBUTING.md has the commands.

mmcv-lite comes without compiled operators. A stub stands in for them, so that mmseg can be imported; a model that
calls one (PSANet's mask, for example) stops with its name, and is recorded where the full mmcv is built.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from goldens import edges_of, fill, flatten, image, labels
from torch import Tensor, nn


class Stub(ModuleType):
    """Answers to the name of every compiled operator; calling one stops."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*args: Any, **options: Any) -> Any:
            raise SystemExit(f"mmcv-lite has no compiled {name}; record this model with the full mmcv")

        return missing


def summary(tensor: Tensor, count: int = 256) -> dict[str, Any]:
    """Evenly spread elements of a tensor, its mean, deviation and largest magnitude."""
    flat = tensor.detach().float().flatten()
    index = torch.linspace(0, flat.numel() - 1, min(count, flat.numel()), dtype=torch.float64).round().long()
    return {
        "shape": list(tensor.shape),
        "mean": flat.double().mean().item(),
        "std": flat.double().std().item() if flat.numel() > 1 else 0.0,
        "absmax": flat.abs().max().item(),
        "values": [float(f"{value:.7g}") for value in flat[index].tolist()],
    }


def plain(config: Any) -> Any:
    """A config for one process without weights: no ``pretrained``, BN for SyncBN."""
    if isinstance(config, (list, tuple)):
        return [plain(item) for item in config]
    if not isinstance(config, dict):
        return "BN" if config == "SyncBN" else config
    loads = {key for key, value in config.items() if key == "init_cfg" and "Pretrained" in str(value)}
    return {key: plain(value) for key, value in config.items() if key != "pretrained" and key not in loads}


def record(config: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """The golden of a resolved ``model`` section, built and run by mmseg."""
    from mmengine.registry import init_default_scope
    from mmengine.structures import PixelData
    from mmseg.registry import MODELS
    from mmseg.structures import SegDataSample
    from mmseg.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    init_default_scope("mmseg")
    torch.manual_seed(0)
    model: Any = MODELS.build(plain(config))
    state = model.state_dict()
    kept = [[key, list(value.shape), str(value.dtype).removeprefix("torch.")] for key, value in state.items()]
    fill(state)
    h, w = size
    x = image(h, w, config.get("backbone", {}).get("in_channels", 3))
    meta = {"img_shape": size, "ori_shape": size, "pad_shape": size, "batch_input_shape": size}
    model.eval()
    with torch.no_grad():
        tensors = {path: summary(value) for path, value in flatten(model(x, mode="tensor")).items()}
        logits = model.encode_decode(x, [meta])
    classes = (logits.sigmoid() > 0.3).long() if logits.shape[1] == 1 else logits.argmax(1)
    label = labels(h, w, model.num_classes)
    truth = SegDataSample(metainfo=meta)
    truth.gt_sem_seg = PixelData(data=label[None])
    truth.gt_edge_map = PixelData(data=edges_of(label)[None])
    truth.gt_depth_map = PixelData(data=((label % 80) / 8 + 0.5)[None])
    losses, norms = train(model, x, truth)
    return {
        "size": [h, w],
        "state_dict": kept,
        "tensor": tensors,
        "logits": summary(logits, 512),
        "argmax_hist": torch.bincount(classes.flatten(), minlength=max(2, logits.shape[1])).tolist(),
        "losses": losses,
        "grad_norms": norms,
    }


def train(model: Any, x: Tensor, truth: Any) -> tuple[dict[str, float], dict[str, float]]:
    """Losses, and gradient norms by the first two parts of a name, with norms and dropout in evaluation mode."""
    model.train()
    modules: list[nn.Module] = list(model.modules())
    for module in modules:
        if "Norm" in type(module).__name__ or "Drop" in type(module).__name__:
            module.eval()
    torch.manual_seed(0)
    losses = model.loss(x, [truth])
    sum(value for key, value in losses.items() if "loss" in key).backward()
    squares: dict[str, float] = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            prefix = ".".join(name.split(".")[:2])
            squares[prefix] = squares.get(prefix, 0.0) + float(parameter.grad.double().pow(2).sum())
    norms = {prefix: float(f"{math.sqrt(square):.7g}") for prefix, square in squares.items()}
    return {key: value.item() for key, value in losses.items()}, norms


def main() -> int:
    """Record one config."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, metavar="CONFIG")
    parser.add_argument("out", type=Path, metavar="OUT.json.gz")
    parser.add_argument("--size", type=int, nargs=2, default=(128, 160), metavar=("H", "W"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    sys.modules.setdefault("mmcv._ext", Stub("mmcv._ext"))
    from mmengine.config import Config

    model = Config.fromfile(str(args.config)).to_dict()["model"]
    golden = {"config": "/".join(args.config.parts[-2:]), **record(model, tuple(args.size))}
    text = json.dumps({"config": {"model": model}, "golden": golden}, sort_keys=True)
    args.out.write_bytes(gzip.compress(text.encode(), mtime=0))  # no date inside: the same model, the same file
    print(f"{args.out}: {len(golden['state_dict'])} keys, losses {golden['losses']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
