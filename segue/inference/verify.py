"""Whether a file of weights is whole, sound and of its model; and a fingerprint to compare with other copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from segue.checkpoints import Checkpoint, load_weights, read
from segue.checkpoints.convert import AS_IS, locate, opened, reading
from segue.checkpoints.downloads.cache import digest, hash_in_name
from segue.checkpoints.fingerprint import fingerprint
from segue.config import Config
from segue.config.builder.build import build_model
from segue.errors import SegueError

Status = Literal["ok", "failed", "not checked"]

SIDE = 128  # of the fixed input, in pixels
SHOWN = 4  # keys named in a message


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what, how it went, and what was found."""

    what: str
    status: Status
    found: str


@dataclass
class Verification:
    """The checks of a file, and its fingerprints: of its tensors, and of the model's output for a fixed input."""

    file: Path
    checks: list[Check] = field(default_factory=list)
    fingerprint: str = ""
    output: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing failed."""
        return all(check.status != "failed" for check in self.checks)

    def add(self, what: str, good: bool | None, found: str) -> None:
        """Note a check; None: it could not be made."""
        self.checks.append(Check(what, "not checked" if good is None else "ok" if good else "failed", found))


def verify(
    source: str | Path,
    *,
    config: Any = None,
    read_config: Callable[[Any], Mapping[str, Any]],
    against: str | Path | None = None,
) -> Verification:
    """Check a file of weights.

    Args:
        source: a path, URL or alias, or a folder of transformers.
        config: of the model; None: the one that the file holds.
        read_config: what makes a config of it, `segue.recipes.open.read_config`.
        against: the file that it was converted from.

    Raises:
        CheckpointError: the file cannot be read at all.
    """
    path, checkpoint = opened(source)
    result = Verification(path, fingerprint=fingerprint(checkpoint.state_dict))
    check_hash(result, str(source) if "://" in str(source) else path.name)
    check_values(result, checkpoint.state_dict)
    if config is None and checkpoint.config is not None:
        config = Config.inside(checkpoint.config, path)
    model = check_model(result, checkpoint, None if config is None else lambda: read_config(config))
    check_classes(result, checkpoint, model)
    if model is not None:
        check_output(result, model)
    if against is not None:
        check_original(result, checkpoint, against)
    return result


def check_hash(result: Verification, name: str) -> None:
    """The SHA-256 against the beginning of one in the name."""
    found = digest(result.file)
    wanted = hash_in_name(name)
    if wanted is None:
        result.add("SHA-256", None, f"{found[:16]}..., and the name holds none to compare")
    else:
        result.add("SHA-256", found.startswith(wanted), f"{found[:16]}..., the name says {wanted}")


def check_values(result: Verification, state: Mapping[str, Tensor]) -> None:
    """No NaN or infinity, no negative variance, no tensor without elements."""
    bad = []
    for key, tensor in state.items():
        if tensor.is_floating_point() and tensor.element_size() == 1:
            tensor = tensor.float()  # torch compares no values of 8 bits
        if tensor.numel() == 0:
            bad.append(f"{key} is empty")
        elif (tensor.is_floating_point() or tensor.is_complex()) and not bool(tensor.isfinite().all()):
            bad.append(f"{key} has {int((~tensor.isfinite()).sum())} values that are not finite")
        elif key.endswith("running_var") and tensor.is_floating_point() and bool((tensor < 0).any()):
            bad.append(f"{key} has negative variances")
    count = sum(tensor.numel() for tensor in state.values())
    result.add("values", not bad, listed(bad) or f"{count:,} values in {len(state)} tensors, all finite")


def check_model(
    result: Verification, checkpoint: Checkpoint, config: Callable[[], Mapping[str, Any]] | None
) -> nn.Module | None:
    """Every tensor has its place in the model, and every place its tensor. Returns the model with the weights."""
    if config is None:
        result.add("model", None, "the file holds no config; give one with --config")
        return None
    try:
        model = build_model(config())
        report = load_weights(model, checkpoint)
    except SegueError as error:
        result.add("model", False, str(error))
        return None
    groups = (
        ("missing", report.missing),
        ("of another shape", [str(mismatch) for mismatch in report.mismatched]),
        ("unexpected", report.unexpected),
    )
    wrong = [f"{len(group)} {title}: {listed(group)}" for title, group in groups if group]
    if report.conversion:
        source = report.conversion.source
        wrong.append(f"the names are those of {source.title}: segue weights convert --from {source.name}")
    result.add("model", not wrong, "\n".join(wrong) or f"{len(report.loaded)} tensors loaded strictly")
    return None if report.missing or report.mismatched else model.eval()


def check_classes(result: Verification, checkpoint: Checkpoint, model: nn.Module | None) -> None:
    """One name, and one color if there are colors, per class of the model."""
    classes, palette = checkpoint.classes, checkpoint.palette
    if classes is None:
        result.add("classes", None, "the file holds no class names")
        return
    wanted = getattr(model, "num_classes", len(classes))
    wrong = [f"{len(classes)} names for {wanted} classes"] if len(classes) != wanted else []
    if palette is not None and len(palette) != len(classes):
        wrong.append(f"{len(palette)} colors for {len(classes)} names")
    if len(set(classes)) != len(classes):
        wrong.append(f"names occur twice: {listed(sorted({c for c in classes if classes.count(c) > 1}))}")
    if wrong or model is not None:
        result.add("classes", not wrong, "; ".join(wrong) or f"{len(classes)} names for {wanted} classes")
    else:
        result.add("classes", None, f"{len(classes)} names, and no model to compare with")


def check_output(result: Verification, model: Any) -> None:
    """What the model makes of a fixed input is finite; how it is distributed goes into ``result.output``."""
    preprocessor = getattr(model, "data_preprocessor", None)
    mean = getattr(preprocessor, "mean", None)
    channels = mean.numel() if isinstance(mean, Tensor) and mean.numel() > 1 else 3
    try:
        with torch.inference_mode():
            logits = model.encode_decode(fixed_input(channels)).float()
    except (SegueError, RuntimeError, ValueError) as error:
        result.add("output", False, f"the model fails on {channels} x {SIDE} x {SIDE} pixels: {error}")
        return
    finite = bool(logits.isfinite().all())
    labels = logits.argmax(dim=1) if logits.shape[1] > 1 else (logits > 0).long()
    counts = labels.flatten().bincount().tolist()
    top = sorted(range(len(counts)), key=lambda i: -counts[i])[:SHOWN]
    shares = ", ".join(f"{i}: {counts[i] / labels.numel():.1%}" for i in top if counts[i])
    result.output = f"mean {logits.mean():.6g}, deviation {logits.std():.6g}, labels {shares}"
    shape = " x ".join(str(n) for n in logits.shape)
    result.add("output", finite, result.output if finite else f"{shape} values that are not all finite")


def fixed_input(channels: int) -> Tensor:
    """(1, channels, SIDE, SIDE): waves of several lengths, in the range of normalized images."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    waves = [torch.sin(x / (3 + c)) + torch.cos(y / (5 + 2 * c)) for c in range(channels)]
    return torch.stack(waves).unsqueeze(0)


def check_original(result: Verification, checkpoint: Checkpoint, against: str | Path) -> None:
    """The tensors are those of the file that this one was converted from, bit for bit."""
    original = read(locate(against)).state_dict
    name = checkpoint.meta.get("converted_from")
    try:
        conversion, _ = reading(original, str(name) if name else AS_IS, str(against))
    except SegueError as error:
        result.add("original", False, f"this file was converted from {name}. {error}")
        return
    wanted = conversion.state if conversion else original
    own = checkpoint.state_dict
    wrong = [f"{key} is missing" for key in wanted if key not in own]
    wrong += [f"{key} is not in the original" for key in own if key not in wanted]
    wrong += [f"{key} differs" for key in own if key in wanted and not same(own[key], wanted[key])]
    how = f", read as {conversion.source.title}" if conversion else ""
    result.add("original", not wrong, listed(wrong) or f"all {len(own)} tensors equal those of {against}{how}")


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have one type, shape and bytes, so that NaN equals itself."""
    return a.dtype == b.dtype and a.shape == b.shape and fingerprint({"": a}) == fingerprint({"": b})


def listed(entries: Any) -> str:
    """The first few of some entries, and how many more there are."""
    entries = list(entries)
    more = f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
    return ", ".join(entries[:SHOWN]) + more
