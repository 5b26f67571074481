"""An exported file in place of a segmentor: prediction, evaluation and windows run it as they run a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.export.certificate import certificate_of, is_sealed
from segue.export.session import SUFFIXES, open_session
from segue.export.targets import suffix_of
from segue.export.verify import preprocessor_of
from segue.layers.resize import resize
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.types import TestOptions


class RuntimeModel(nn.Module):
    """What an exported file computes, with the attributes of a segmentor that prediction reads.

    Args:
        path: the file.
        runtime: one of `segue.export.targets.RUNTIMES`; by default as the suffix says.
        trust: open a .pt2 file, whose reader runs what the file says.

    Attributes:
        certificate: of the file.
        image_channels: of the images it takes.
        gives_labels: not logits, see ``coarse``.

    Raises:
        InputError: it has no certificate, or one that says that it is not its model, or that was changed.
    """

    def __init__(self, path: str | Path, runtime: str | None = None, *, trust: bool = False) -> None:
        super().__init__()
        self._session = open_session(path, runtime, trust=trust)
        self.certificate = certificate_of(Path(path), self._session.notes)
        if not is_sealed(self.certificate):
            raise InputError(f"{path}: its certificate was changed after it was written; see segue verify {path}")
        if self.certificate["verdict"] != "certified":
            raise InputError(f"{path}: this export is not its model ({'; '.join(self.certificate['reasons'])[:300]})")
        self._session.compute(self.certificate["precision"])
        decides = self.certificate["decides"]
        self.num_classes = len(self.certificate["classes"])
        self.predicts_depth = bool(decides["depth"])
        self.raw = bool(self.certificate["input"]["uint8"])
        self.gives_labels = self.certificate["output"] == "labels"
        self.image_channels = 3 if self.raw else self._session.shape[1] or 3
        self.data_preprocessor = SegDataPreProcessor() if self.raw else preprocessor_of(self._preparation)
        self.head = SimpleNamespace(
            align_corners=decides["align_corners"],
            multilabel=decides["multilabel"],
            threshold=decides["threshold"],
            num_classes=self.num_classes,
        )
        self.test = test_options(self.certificate["test"])

    @property
    def engine(self) -> str:
        """What runs the file, ``onnxruntime`` or another."""
        return self._session.version.partition(" ")[0]

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """(H, W) of the only images that the file takes; None where height or width is free."""
        height, width = self._session.shape[1:3] if self.raw else self._session.shape[2:4]
        return None if height is None or width is None else (height, width)

    @property
    def _preparation(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.certificate["preprocessing"]
        return found

    def encode_decode(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to logits (B, classes, H, W)."""
        return resize(self.coarse(inputs), size=inputs.shape[-2:], align_corners=self.head.align_corners)

    def coarse(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to logits (B, classes, H', W') whose resize ``encode_decode`` returns; of a
        file that gives labels, 1 where a pixel has the class and 0 elsewhere.

        Raises:
            InputError: a size that the file does not take.
        """
        images = inputs.cpu()
        if self.raw:
            images = images.round().to(torch.uint8)[:, [2, 1, 0]].permute(0, 2, 3, 1)
        shape = self._session.shape
        if any(size not in (None, own) for size, own in zip(shape[1:], images.shape[1:], strict=True)):
            taken = " x ".join("any" if size is None else str(size) for size in shape[1:])
            given = " x ".join(map(str, images.shape[1:]))
            raise InputError(
                f"{self._session.path.name} takes {'images' if self.raw else 'network inputs'} of {taken}, this one is "
                f"{given}; {'; '.join(self.certificate['input']['lost']) or 'the model was exported with --static'}: "
                "resize images to what it takes, or export it again with another --size"
            )
        parts = torch.split(images, len(images) if shape[0] is None else shape[0])
        found = torch.cat([torch.from_numpy(self._session.run(part.contiguous().numpy())) for part in parts])
        if self.gives_labels:
            found = F.one_hot(found.long(), self.num_classes).permute(0, 3, 1, 2).float()
        return found

    forward = encode_decode


def is_exported(path: object) -> bool:
    """Whether a path names a file that a runtime runs."""
    return suffix_of(path) in SUFFIXES


def test_options(facts: Mapping[str, Any]) -> TestOptions:
    """How a model looks at an image, from a certificate."""
    windows = {key: facts[key] for key in ("crop_size", "stride")}
    return TestOptions(mode=facts["mode"], even=facts.get("even", False), **windows)
