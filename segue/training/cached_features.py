"""``feature_cache``: what a frozen backbone makes of an image is computed once and kept on disk.

The backbone is not called for inputs whose features are there. An entry's name is a hash of the input itself, as the
pipeline and the data preprocessor leave it, of the backbone's weights and settings, and of how it computes, so nothing
can be mistaken for something else: a changed image, pipeline, weight or precision finds nothing and is computed. What
changes an image in every step would find nothing ever, and is refused; a flip makes a second image, which is kept, too.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from segue.checkpoints.fingerprint import fingerprint
from segue.config.tree import to_plain
from segue.config.trust import bare
from segue.errors import Problem
from segue.packs.features import FeatureStore
from segue.training.saving import writable
from segue.version import __version__

#: steps of pipelines that make the same of an image in every step of the training
SAME = frozenset(
    {
        "AdjustGamma",
        "BioMedical3DPad",
        "CLAHE",
        "CenterCrop",
        "Collect",
        "ConcatCDInput",
        "DefaultFormatBundle",
        "GenerateEdge",
        "ImageToTensor",
        "InferencerLoader",
        "LoadAnnotations",
        "LoadBiomedicalAnnotation",
        "LoadBiomedicalData",
        "LoadBiomedicalImageFromFile",
        "LoadDepthAnnotation",
        "LoadImageFromFile",
        "LoadImageFromNDArray",
        "LoadMultipleRSImageFromFile",
        "LoadSingleRSImageFromFile",
        "Normalize",
        "PackSegInputs",
        "Pad",
        "RGB2Gray",
        "Rerange",
        "Resize",
        "ResizeShortestEdge",
        "ResizeToMultiple",
        "SegRescale",
        "ToTensor",
    }
)
#: those that make one of a few images, each of which is kept
FEW = ("RandomFlip",)
#: how those that change it every time are called, by the beginning of the name
EVERY = ("Random", "PhotoMetric", "Albu", "BioMedical", "MultiScaleFlipAug", "TestTimeAug")


def problems(cfg: Mapping[str, Any], model: nn.Module | None) -> Iterator[Problem]:
    """Why features cannot be kept: a backbone that is trained, or steps that change the image every time."""
    if not cfg.get("feature_cache"):
        return
    for path, name in _steps(cfg):
        if name.startswith(EVERY) and name not in FEW and name not in SAME:
            yield Problem(
                path,
                f"feature_cache: {name} changes the image in every step, so that its features are never found again; "
                "take it out (RandomFlip may stay, Resize and Pad make images of one size), or train without the cache",
            )
    if model is None:
        return
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, nn.Module):
        yield Problem("feature_cache", f"{type(model).__name__} has no backbone whose features could be kept")
        return
    trained = [name for name, p in backbone.named_parameters() if p.requires_grad]
    if trained:
        yield Problem(
            "feature_cache",
            f"the backbone is trained ({len(trained)} of its tensors, such as {trained[0]}), so its features change; "
            "set model.backbone.freeze=True",
        )
    elif moving := _moving(model, backbone):
        yield Problem(
            "feature_cache",
            f"{moving} of the backbone is in training mode in training, so its features change; "
            "set model.backbone.freeze=True",
        )


def _moving(model: nn.Module, backbone: nn.Module) -> str:
    """A part of a backbone that training puts into training mode, and that computes otherwise there."""
    modes = {module: module.training for module in model.modules()}
    try:
        model.train()
        return next((name or "all" for name, module in backbone.named_modules() if module.training), "")
    finally:
        for module, mode in modes.items():
            module.training = mode


def _datasets(node: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All datasets of a node, those that hold others included, with their key paths."""
    if isinstance(node, (list, tuple)):
        for i, item in enumerate(node):
            yield from _datasets(item, f"{path}.{i}")
    elif isinstance(node, Mapping):
        yield path, node
        for key in ("dataset", "datasets"):
            yield from _datasets(node.get(key), f"{path}.{key}")


def _steps(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The steps of the training's pipelines, those within others included: key path and name."""

    def walk(node: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, (list, tuple)):
            for i, item in enumerate(node):
                yield from walk(item, f"{path}.{i}")
        elif isinstance(node, Mapping) and node.get("type") is not None:
            kind = node["type"]
            name = bare(kind) if isinstance(kind, str) else getattr(kind, "__name__", type(kind).__name__)
            yield path, name.rpartition(".")[2]
            if not name.startswith(EVERY):
                yield from walk(node.get("transforms"), f"{path}.transforms")

    loader = cfg.get("train_dataloader") or {}
    for path, node in _datasets(loader.get("dataset"), "train_dataloader.dataset"):
        yield from walk(node.get("pipeline"), f"{path}.pipeline")


class CachedFeatures:
    """Stands before a backbone in training.

    Args:
        model: the segmentor; its backbone is frozen.
        node: the backbone's part of the config.
        folder: of the features of all encoders.
        say: told once why nothing is written any more, or that nothing is found.
        images: of the training data, flips counted: so many inputs are new at most.
    """

    def __init__(
        self, model: Any, node: Any, folder: Path, say: Callable[[str], None], images: int | None = None
    ) -> None:
        self.model: Any = model
        self.say, self.images, self.folder = say, images, writable(folder)
        self.backbone: Any = model.backbone
        about = [__version__, torch.__version__, type(self.backbone).__name__]
        self._about = [*about, json.dumps(to_plain(node), sort_keys=True, default=str)]
        self._base = b""
        self.store: FeatureStore | None = None
        self.usual = self.backbone.forward
        self.backbone.forward = self.forward
        self.asked = self.found = 0
        self._told: set[str] = set()

    def begin(self) -> None:
        """Count from here on: a step was done to measure it, which is not of the training. If the model has not called
        its backbone in it, as those do not that call its blocks one by one, a line says so.
        """
        self.asked = self.found = 0
        if self.store is None:
            self._say("uncalled", self.told())

    def opened(self) -> FeatureStore:
        """The features of this backbone, whose weights are known by its first call: a resumed run loads them late."""
        if self.store is None:
            weights = fingerprint(self.backbone.state_dict())
            self._base = hashlib.blake2b("\n".join([*self._about, weights]).encode(), digest_size=16).digest()
            self.store = FeatureStore(self.folder / self._base.hex())
        return self.store

    def forward(self, x: Tensor) -> Any:
        """What the backbone makes of images (B, C, H, W): features that are kept, and of the other images new ones."""
        if not self.model.training or not isinstance(x, Tensor) or x.requires_grad or _is_fake(x):
            return self.usual(x)
        store = self.opened()
        keys = self.keys(x)
        kept = [store.get(key) for key in keys]
        if any(one is None for one in kept):
            store.refresh()  # another process may have computed it
            kept = [store.get(key) if one is None else one for key, one in zip(keys, kept, strict=True)]
        missing = [i for i, one in enumerate(kept) if one is None]
        self.asked += len(keys)
        self.found += len(keys) - len(missing)
        made: Any = None
        if missing:
            with torch.no_grad():
                made = self.usual(x if len(missing) == len(x) else x[missing])
            maps = [made] if isinstance(made, Tensor) else made
            fits = isinstance(maps, (list, tuple)) and all(
                isinstance(part, Tensor) and part.ndim > 0 and len(part) == len(missing) for part in maps
            )
            if not fits:
                self._say("kind", f"feature_cache: {type(self.backbone).__name__} gives no maps; nothing is kept")
                return self.usual(x)
            for row, i in enumerate(missing):
                self._keep(keys[i], [part[row] for part in maps], single=isinstance(made, Tensor))
            self._watch()
            if len(missing) == len(x):
                return made
        return self._joined(kept, missing, made, x.device)

    def keys(self, x: Tensor) -> list[bytes]:
        """Of inputs (B, C, H, W), and of how they are computed."""
        kind = x.device.type
        amp = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
        start = hashlib.blake2b(self._base, digest_size=16)
        start.update(f"{kind} {amp} {x.dtype} {tuple(x.shape[1:])}".encode())
        found = []
        for image in x.detach().cpu():
            one = start.copy()
            one.update(_bytes(image).data)
            found.append(one.digest())
        return found

    def _keep(self, key: bytes, maps: Sequence[Tensor], single: bool) -> None:
        about = [[str(part.dtype).removeprefix("torch."), list(part.shape), _strides(part)] for part in maps]
        parts = [part.detach().cpu() for part in maps]
        note = {"single": single, "maps": about}
        store = self.opened()
        if not store.put(key, note, [_bytes(part) for part in parts]):
            self._say(
                "full",
                f"feature_cache: {store.folder} takes no more ({store.stopped}) after {len(store)} images; training "
                "goes on, and computes the features of the others each time",
            )

    def _joined(self, kept: Sequence[Any], missing: Sequence[int], made: Any, device: torch.device) -> Any:
        """One batch of maps from those that are kept and those that are new."""
        note = next(one for one in kept if one is not None)[0]
        new = [] if made is None else [made] if isinstance(made, Tensor) else list(made)
        rows = {i: row for row, i in enumerate(missing)}
        maps = []
        for at, (dtype, shape, strides) in enumerate(note["maps"]):
            whole = math.prod(shape)
            batch = torch.empty_strided((len(kept), *shape), (whole, *strides), dtype=getattr(torch, dtype))
            for i, one in enumerate(kept):
                if one is not None:
                    batch[i] = torch.from_numpy(one[1][at]).view(batch.dtype).reshape(shape)
            batch = batch.to(device, non_blocking=True)
            for i, row in rows.items():
                batch[i] = new[at][row]
            maps.append(batch)
        return maps[0] if note["single"] else maps

    def _watch(self) -> None:
        """One line where the third pass still finds little: something changes the images after all."""
        if self.images and self.asked > 3 * self.images and self.found < self.asked / 2:
            self._say(
                "rare",
                f"feature_cache: of {self.asked} images only {self.found} were found again; a step of train_pipeline "
                "changes them every time, and the cache costs more than it saves",
            )

    def _say(self, what: str, text: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self.say(text)

    def told(self) -> str:
        """What came of it."""
        if self.store is None:
            return f"feature_cache: {type(self.model).__name__} has not called its backbone, so nothing is kept"
        share = self.found / self.asked if self.asked else 0.0
        return (
            f"feature_cache: {self.found} of {self.asked} images ({share:.0%}) did not pass the backbone; "
            f"{len(self.store)} are kept in {self.store.folder}, {self.store.nbytes / 1e9:.2f} GB"
        )

    def close(self) -> None:
        """Close the files."""
        if self.store is not None:
            self.store.close()

    def expected(self, size: tuple[int, int, int]) -> str:
        """How much the features of all images will take, and how much is free."""
        try:
            with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
                made = self.usual(torch.empty(1, *size))
            one = sum(part.numel() * part.element_size() for part in ([made] if isinstance(made, Tensor) else made))
        except Exception:  # a backbone that cannot be followed without values; only a number is lost
            return f"feature_cache: {self.folder}"
        whole = one * (self.images or 1)
        free = shutil.disk_usage(self.folder).free
        text = f"feature_cache: {self.folder}; about {whole / 1e9:.2f} GB for {self.images} images, flips counted"
        return text + ("" if whole < free else f", but {free / 1e9:.2f} GB are free: the rest is computed each time")


def installed(
    model: nn.Module, cfg: Mapping[str, Any], folder: Path, images: int, say: Callable[[str], None]
) -> CachedFeatures | None:
    """Put the cache before a model's backbone if the config asks for it; None if it does not."""
    given = cfg.get("feature_cache")
    if not given:
        return None
    flips = 1
    for _, name in _steps(cfg):
        flips = 2 * flips if name in FEW else flips
    place = Path(given).expanduser() if isinstance(given, str) else folder / "features"
    return CachedFeatures(model, cfg["model"].get("backbone"), place, say, images * flips)


def unknown_steps(cfg: Mapping[str, Any]) -> list[str]:
    """A line for steps of which it is not known whether they change the image in every step."""
    names = {name for _, name in _steps(cfg) if name not in SAME and name not in FEW and not name.startswith(EVERY)}
    if not cfg.get("feature_cache") or not names:
        return []
    return [
        f"feature_cache: {', '.join(sorted(names))}: if this changes an image in every step, nothing is found again"
    ]


def _strides(one: Tensor) -> list[int]:
    """How a map lies in memory, which later sums depend on in their last bits; one with gaps is kept without them."""
    spread = 1 + sum((size - 1) * stride for size, stride in zip(one.shape, one.stride(), strict=True))
    return list(one.stride() if spread == one.numel() else one.contiguous().stride())


def _bytes(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The bytes (N,) uint8 of a tensor; of one on the processor, its own memory."""
    found: np.ndarray[Any, Any] = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return found


def _is_fake(x: Tensor) -> bool:
    return type(x).__name__ == "FakeTensor"
