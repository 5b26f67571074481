"""Compare Segue's models with recorded numbers of the reference.

    python tools/goldens.py DIR [--configs FILE] [--only TEXT,TEXT] [--salt S] [--json OUT] [--jobs N]

DIR holds one ``<id>.json.gz`` per model: its state-dict keys and shapes, and summaries of its outputs, losses and
gradient norms with weights, image and labels that are pure functions of key or size and of the salt. The model is
built from the resolved config in FILE (default: ``configs.json.gz`` beside or above DIR). One row per model gives the
worst deviation of each kind; the last line counts.

Processors add in different orders, which moves outputs in the sixth digit, and what is decided by them in whole steps.
So decisions are compared in pixels: classes by their counts, and accuracies. A loss or a gradient norm beyond its
tolerance passes if the model's own moves as far when each layer's output moves as it does on another processor
(``rounding.py``): one activation of five million on the other side of its ReLU changes a norm by 2e-3. ``decided``
counts what passed in this way.

DiceLoss is compared with ``count_ignored=True``: the reference counts predictions on ignored pixels as wrong, Segue
does not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import multiprocessing
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rounding import LARGEST_DECISION, explained, relative, training_step
from torch import Tensor, nn
from torch.nn import functional as F

from segue.backbones.mscan import MSCAN
from segue.config.builder.build import build_model
from segue.errors import SegueError
from segue.heads.light_ham import Factorization
from segue.layers.conv import ConvModule
from segue.losses.dice import DiceLoss
from segue.types import Targets

#: relative tolerance of each kind; of ``argmax`` and ``accuracy`` the part of the pixels that may change class
TOLERANCE = {"tensor": 1e-4, "logits": 1e-4, "argmax": 1e-3, "accuracy": 2e-4, "loss": 1e-4, "grad": 1e-4}
DEEP_TOLERANCE = 5e-4  # of tensors and logits, for models of more than 100 layers
#: of models whose loss depends on random points: the same names, the same scale
STOCHASTIC_TOLERANCE = {"loss": 0.5, "grad": math.inf, "accuracy": math.inf}
KINDS = ["keys", *TOLERANCE, "decided"]


def fill(state_dict: dict[str, Tensor], salt: str = "") -> None:
    """Overwrite every floating tensor by a function of its key, its shape and the salt."""
    for key, t in state_dict.items():
        if not t.is_floating_point():
            continue
        g = torch.Generator().manual_seed(zlib.crc32((salt + key).encode()))
        shape = tuple(t.shape)
        if key.endswith("running_var"):
            v = 1.0 + 0.5 * torch.rand(shape, generator=g)
        elif key.endswith("running_mean"):
            v = 0.1 * torch.randn(shape, generator=g)
        elif t.ndim >= 2:
            v = torch.randn(shape, generator=g) / math.sqrt(max(1, math.prod(shape[1:])))
        elif t.ndim == 1 and key.endswith("weight"):
            v = 1.0 + 0.1 * torch.randn(shape, generator=g)
        elif t.ndim == 1:
            v = 0.1 * torch.randn(shape, generator=g)
        else:
            v = torch.full(shape, 0.5)
        with torch.no_grad():
            t.copy_(v.to(t.dtype))


def image(h: int, w: int, channels: int = 3, salt: str = "") -> Tensor:
    """The preprocessed input, float32 (1, channels, h, w), of about zero mean and unit scale."""
    y = np.arange(h, dtype=np.float64)[:, None] / h
    x = np.arange(w, dtype=np.float64)[None, :] / w
    p = zlib.crc32(("image" + salt).encode()) % 1000 / 1000.0
    waves = [
        np.sin(6.283185307179586 * ((k + 1) * x + p))
        + np.cos(6.283185307179586 * ((k + 2) * y - p)) * 0.5
        + 0.25 * np.sin(6.283185307179586 * 7 * (x * y + 0.1 * k))
        for k in range(channels)
    ]
    return torch.from_numpy(np.stack(waves).astype(np.float32))[None]


def labels(h: int, w: int, num_classes: int, ignore: int = 255, salt: str = "") -> Tensor:
    """Labels in 8 x 8 blocks, int64 (h, w), about one block in sixteen ignored."""
    g = np.random.RandomState(zlib.crc32(("labels" + salt).encode()) % (2**31))
    blocks = g.randint(0, num_classes, ((h + 7) // 8, (w + 7) // 8))
    drop = g.randint(0, 16, blocks.shape) == 0
    blocks[drop] = ignore
    return torch.from_numpy(np.kron(blocks, np.ones((8, 8), dtype=np.int64))[:h, :w].astype(np.int64))


def deviation(tensor: Tensor, golden: dict[str, Any]) -> float:
    """The largest difference of a tensor from a summary (values, mean, deviation), relative to its ``absmax``.

    Infinite for another shape, and where the tensor is not finite.
    """
    if list(tensor.shape) != golden["shape"] or not tensor.isfinite().all():
        return math.inf
    f = tensor.detach().float().flatten()
    n = len(golden["values"])
    index = torch.linspace(0, f.numel() - 1, n, dtype=torch.float64).round().long()
    scale = max(golden["absmax"], 1e-12)
    worst = (f[index].double() - torch.tensor(golden["values"], dtype=torch.float64)).abs().max().item()
    worst = max(worst, abs(f.double().mean().item() - golden["mean"]), abs(f.abs().max().item() - golden["absmax"]))
    if f.numel() > 1:
        worst = max(worst, abs(f.double().std().item() - golden["std"]))
    return worst / scale


def flatten(output: Any, path: str = "") -> dict[str, Tensor]:
    """Nested lists of tensors by position: ``""`` for a tensor, ``.0``, ``.1`` inside a list."""
    if isinstance(output, Tensor):
        return {path: output}
    return {k: t for i, item in enumerate(output) for k, t in flatten(item, f"{path}.{i}").items()}


def edges_of(label: Tensor) -> Tensor:
    """Where a 3 x 3 max-pool of a label map (H, W) differs from it: int64 (H, W)."""
    pooled = F.max_pool2d(label[None, None].float(), 3, stride=1, padding=1)[0, 0]
    return (pooled != label.float()).long()


def compare(golden: dict[str, Any], config: dict[str, Any], salt: str = "") -> tuple[dict[str, float], nn.Module]:
    """Build the model of a resolved config and measure its deviation of each kind from the golden."""
    model = build_model(config)
    result = dict.fromkeys([*KINDS, "stochastic"], 0.0)
    result["stochastic"] = float(golden.get("stochastic", False))
    expected = {key: tuple(shape) for key, shape, _ in golden["state_dict"]}
    found = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    result["keys"] = float(len(set(expected.items()) ^ set(found.items())))
    if result["keys"]:
        return result, model
    fill(model.state_dict(), salt)
    for module in model.modules():
        if isinstance(module, DiceLoss):
            module.count_ignored = True
    h, w = golden["size"]
    channels = config["model"].get("backbone", {}).get("in_channels", 3)
    x = image(h, w, channels if isinstance(channels, int) else 3, salt)
    model.eval()
    if not golden.get("fixed_bases"):  # said by numbers that were recorded without these two circumstances
        replay_random_bases(model)
        replay_gradient_layout(model)
    with torch.no_grad():
        if "tensor" in golden:
            outputs = flatten(model(x))
            same = outputs.keys() == golden["tensor"].keys()
            result["tensor"] = max(deviation(outputs[k], g) for k, g in golden["tensor"].items()) if same else math.inf
        logits = model.encode_decode(x)
    result["logits"] = deviation(logits, golden["logits"])
    classes = (logits.sigmoid() > 0.3).long() if logits.shape[1] == 1 else logits.argmax(1)
    counts = torch.bincount(classes.flatten(), minlength=len(golden["argmax_hist"])).tolist()
    if len(counts) != len(golden["argmax_hist"]):
        result["argmax"] = math.inf
    else:
        # A pixel that changes class changes two counts.
        moved = sum(abs(a - b) for a, b in zip(counts, golden["argmax_hist"], strict=True)) / 2
        result["argmax"] = moved / classes.numel()
    if "losses" in golden:
        result |= compare_training(model, golden, x, salt)
    return result, model


def compare_training(model: nn.Module, golden: dict[str, Any], x: Tensor, salt: str) -> dict[str, float]:
    """The worst deviations of accuracies, losses and gradient norms, with norms and dropout in evaluation mode.

    What ``explained`` explains counts as ``decided`` and not as a deviation.
    """
    h, w = golden["size"]
    label = labels(h, w, model.num_classes, salt=salt)  # type: ignore[arg-type]
    edges = edges_of(label)
    if golden.get("reference_bug"):  # it crashed on ignored pixels, so the numbers were made without them
        label[label == 255] = 0
    model.train()
    for module in model.modules():
        name = type(module).__name__
        if "Norm" in name or "Drop" in name:
            module.eval()
    targets = Targets(labels=label[None], edges=edges[None], depth=((label % 80) / 8 + 0.5)[None])
    found, expected = training_step(model, x, targets), golden["grad_norms"]
    # The floor: of norms of about zero, and of the reference's accuracies, which add an epsilon to counts.
    floor = {"loss": 1e-4, "grad": 1e-6 * max(expected.values(), default=1.0)}
    if found["loss"].keys() != golden["losses"].keys():
        return dict.fromkeys(("accuracy", "loss", "grad"), math.inf)
    if any(norm > floor["grad"] for k, norm in found["grad"].items() if k not in expected):
        return {"grad": math.inf}
    right = [abs(found["loss"].pop(k) - v) / 100 for k, v in golden["losses"].items() if "loss" not in k]
    wanted = {"loss": {k: v for k, v in golden["losses"].items() if "loss" in k}, "grad": expected}
    tolerance = TOLERANCE | (STOCHASTIC_TOLERANCE if golden.get("stochastic") else {})
    far = {}
    result = {"accuracy": max(right, default=0.0), "loss": 0.0, "grad": 0.0}
    for kind, numbers in wanted.items():
        for name, value in numbers.items():
            off = relative(found[kind].get(name, 0.0), value, floor[kind])  # 0: frozen, on both sides
            if tolerance[kind] < off < LARGEST_DECISION:
                far[kind, name] = off
            else:
                result[kind] = max(result[kind], off)
    known = explained(model, x, targets, far, floor, tolerance) if far else set()
    for (kind, name), off in far.items():
        if (kind, name) not in known:
            result[kind] = max(result[kind], off)
    return result | {"decided": float(len(known))}


def replay_random_bases(model: nn.Module) -> None:
    """Let SegNeXt's factorization start from the bases that the reference drew when its outputs were recorded.

    The reference draws new ones at each call, Segue a fixed set. The generator was seeded with 0 before the reference
    built the model, which took one number for each value of each convolution, and another for each value of the weights
    of each ``ConvModule``, and then one call followed the other.
    """
    parts = [module for module in model.modules() if isinstance(module, Factorization)]
    if not parts:
        return
    drawn = sum(p.numel() for m in model.modules() if isinstance(m, nn.Conv2d) for p in m.parameters())
    drawn += sum(m.conv.weight.numel() for m in model.modules() if isinstance(m, ConvModule))
    torch.manual_seed(0)
    torch.rand(drawn)

    def draw(module: nn.Module, inputs: tuple[Tensor]) -> None:
        if not module.training:
            width = inputs[0].shape[1] // module.options.MD_S  # type: ignore[union-attr, operator]
            module.bases = F.normalize(torch.rand(width, module.options.MD_R), dim=0)  # type: ignore[union-attr, arg-type]

    for part in parts:
        part.register_forward_pre_hook(draw)


def replay_gradient_layout(model: nn.Module) -> None:
    """Hand MSCAN's embeddings their gradients in the memory layout that they had when the norms were recorded.

    There, as a batch of one that passed through transposed tokens, the strides are (C, 1, W * C, C), for which torch
    2.13 on CPU returns wrong gradients of batch normalization; Segue's layout gives right ones (``tests/backbones/
    test_mscan.py``). The recorded numbers contain that mistake, so that it is made here as well.
    """

    def restride(grad: Tensor) -> Tensor:
        _, c, h, w = grad.shape
        return grad.permute(0, 2, 3, 1).contiguous().as_strided((1, c, h, w), (c, 1, w * c, c))

    def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if output.requires_grad:
            output.register_hook(restride)

    for backbone in model.modules():
        if isinstance(backbone, MSCAN):
            for i in range(1, backbone.num_stages + 1):
                embed = getattr(backbone, f"patch_embed{i}")
                embed.register_forward_hook(hook)


def passes(result: dict[str, float], model: nn.Module) -> bool:
    """Whether every deviation is within its tolerance; a model of over 100 layers has a wider one for its outputs."""
    layers = sum(isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)) for m in model.modules())
    limits = dict(TOLERANCE)
    if layers > 100:
        limits |= {"tensor": DEEP_TOLERANCE, "logits": DEEP_TOLERANCE}
    if result["stochastic"]:
        limits |= STOCHASTIC_TOLERANCE
    return result["keys"] == 0 and all(result[kind] <= limit for kind, limit in limits.items())


def check(path: Path, config: dict[str, Any], salt: str) -> dict[str, Any]:
    """One row of the table: the deviations of the model that a file describes, and whether it passes."""
    torch.set_num_threads(1)  # one model a process is faster than one model on all cores
    golden, start, error = read_json(path), time.perf_counter(), ""
    result = dict.fromkeys([*KINDS, "stochastic"], math.nan)
    try:
        result, model = compare(golden, config, salt)
        ok = passes(result, model)
    except (SegueError, KeyError, RuntimeError) as caught:
        ok, error = False, f"{type(caught).__name__}: {caught}".splitlines()[0]
    seconds = time.perf_counter() - start
    return {"id": path.name.partition(".")[0], **result, "pass": ok, "error": error, "seconds": round(seconds, 1)}


def read_json(path: Path) -> Any:
    """A gzipped JSON file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def find_configs(folder: Path) -> Path:
    """``configs.json.gz`` in a folder or in the one above."""
    for place in (folder, folder.resolve().parent):
        if (place / "configs.json.gz").is_file():
            return place / "configs.json.gz"
    raise SystemExit(f"{folder}: no configs.json.gz there or above; name the file with --configs")


def main(argv: list[str] | None = None) -> int:
    """Compare, print, and return 0 only if some model was checked and all passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--configs", type=Path, help="resolved configs by path, gzipped JSON")
    parser.add_argument("--only", default="", help="check models with a config whose path contains one of these texts")
    parser.add_argument("--salt", default="", help="salt of weights, image and labels that the files were made with")
    parser.add_argument("--json", type=Path, dest="out", help="write the table to this file as well")
    parser.add_argument("--jobs", type=int, default=1, help="models that are compared at the same time")
    args = parser.parse_args(argv)
    if not args.folder.is_dir():
        raise SystemExit(f"{args.folder}: no such folder")
    configs = read_json(args.configs or find_configs(args.folder))
    wanted = [text for text in args.only.split(",") if text]
    chosen, without = [], 0
    for path in sorted(args.folder.glob("*.json.gz")):
        golden = read_json(path)
        names = golden.get("configs") or [golden["config"]]
        if wanted and not any(text in name for text in wanted for name in names):
            continue
        if "state_dict" in golden:
            chosen.append((path, names[0]))
        else:
            without += 1
    width = 76
    print(f"{'model':{width}} " + " ".join(f"{kind:>8}" for kind in KINDS) + "   result")
    rows = []
    # Forked workers would inherit torch's thread pool in an unusable state.
    with ProcessPoolExecutor(args.jobs, multiprocessing.get_context("spawn")) as pool:
        pending = [(name, pool.submit(check, path, configs[name], args.salt)) for path, name in chosen]
        for name, future in pending:
            row = {"config": name, **future.result()}
            rows.append(row)
            cells = f"{row['keys']:8.0f} " + " ".join(f"{row[kind]:8.1e}" for kind in TOLERANCE)
            cells += f" {row['decided']:8.0f}"
            verdict = "pass" if row["pass"] else f"FAIL {row['error']}"
            print(f"{name[:width]:{width}} {cells}   {verdict} ({row['seconds']} s)", flush=True)
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1))
    if without:
        print(f"{without} files record no numbers and were passed over")
    failed = sum(not row["pass"] for row in rows)
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 0 if rows and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
