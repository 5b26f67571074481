"""The module that is traced for an export: the model, perhaps with what comes before and after it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from segue.errors import InputError
from segue.export.quiet import quiet
from segue.layers.portable import adaptive_average, antialiased, grid_sample
from segue.models.clip_text_encoder import CLIPTextEncoder
from segue.models.seg_data_preprocessor import is_house


class Graph(nn.Module):
    """A segmentor as a file computes it.

    Args:
        model: the segmentor.
        uint8_input: take images as decoders give them, (B, H, W, 3) uint8 RGB, and normalize inside.
        labels_out: give the largest logit's class, (B, H, W) int64, not logits (B, classes, H, W).
        coarse_out: give logits at the head's resolution, (B, classes, H', W'), where nothing but a bilinear resize
            follows them; so does prediction by bands. What differs there differs no more after the resize.
    """

    def __init__(
        self, model: Any, uint8_input: bool = False, labels_out: bool = False, coarse_out: bool = False
    ) -> None:
        super().__init__()
        self.model = model
        self.uint8_input, self.labels_out = uint8_input, labels_out
        self.coarse_out = coarse_out and hasattr(model, "coarse")
        self.mean: Tensor
        self.std: Tensor
        if uint8_input:
            check_normalizes(model)
            self.swap = not model.data_preprocessor.swap  # files are read as BGR, so a swap makes RGB
            self.register_buffer("mean", model.data_preprocessor.mean.clone(), persistent=False)
            self.register_buffer("std", model.data_preprocessor.std.clone(), persistent=False)
        if labels_out and getattr(model, "predicts_depth", False):
            raise InputError("--labels-out: this model gives depths; export it without")
        if labels_out and threshold_of(model) is not None:
            raise InputError("--labels-out: this model decides by a threshold; export its logits")

    def forward(self, images: Tensor) -> Tensor:
        """Images to logits or labels."""
        if self.uint8_input:
            images = images.permute(0, 3, 1, 2).float()
            images = (images.flip(1) if self.swap else images) - self.mean
            images = images / self.std
        logits = self.logits(images)
        return logits.argmax(dim=1) if self.labels_out else logits

    def logits(self, inputs: Tensor) -> Tensor:
        """The model's own, of preprocessed images (B, C, H, W)."""
        found: Tensor = self.model.coarse(inputs) if self.coarse_out else self.model.encode_decode(inputs)
        return found

    @property
    def gives(self) -> str:
        """``labels``, ``logits``, or ``coarse`` logits."""
        return "labels" if self.labels_out else "coarse" if self.coarse_out else "logits"


def threshold_of(model: Any) -> float | None:
    """Of the sigmoid, where that decides: one logit for two classes, or several classes a pixel."""
    if getattr(model.head, "out_channels", model.num_classes) > 1 and not getattr(model.head, "multilabel", False):
        return None
    own = getattr(model.head, "threshold", None)
    return 0.5 if own is None else float(own)


def check_normalizes(model: Any) -> None:
    """Raise InputError where the preparation of images cannot be part of the graph."""
    prepare = model.data_preprocessor
    if not is_house(prepare) or prepare.mean.numel() != 3:
        raise InputError(
            "--uint8-input is for models whose data_preprocessor is a SegDataPreProcessor with mean and std of three "
            "channels; export this one without it"
        )
    if prepare.test_padding is not None:
        raise InputError("--uint8-input: this model pads images after normalizing them (test_cfg of its preprocessor)")


class StandardOperators(TorchFunctionMode):
    """Within, operations that are exported badly are computed by others that equal them."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Replace some functions."""
        given = kwargs or {}
        if func is F.adaptive_avg_pool2d:
            return adaptive_average(*args, **given)
        if func is F.grid_sample:
            return grid_sample(*args, **given)
        cubic = func is F.interpolate and given.get("mode") == "bicubic" and given.get("antialias")
        if cubic and len(args) == 1 and given.get("size") is not None:
            return antialiased(args[0], given["size"])
        return func(*args, **given)


@dataclass(frozen=True)
class Traced:
    """What tracing gave.

    Attributes:
        program: of torch.export.
        free: names of the axes that may have any size: ``batch``, ``height``, ``width``.
        lost: why others may not, one line each.
    """

    program: Any
    free: tuple[str, ...]
    lost: tuple[str, ...]


def trace(graph: Graph, example: Tensor, static: bool = False) -> Traced:
    """Trace with sizes as free as the model allows: batch, height and width, or the batch, or none.

    Args:
        graph: in evaluation mode.
        example: input of the graph with at least two images.
        static: fix every size.

    Raises:
        InputError: the model cannot be traced at all.
    """
    at = {"batch": 0, "height": 1, "width": 2} if graph.uint8_input else {"batch": 0, "height": 2, "width": 3}
    every = ("batch", "height", "width")
    tries = (
        [((), example)]
        if static
        else [(every, odd(example, at)), (every, example), (("batch",), example), ((), example)]
    )
    for module in graph.modules():
        if isinstance(module, CLIPTextEncoder):
            module.settle()  # its vectors hang on no image
    lost: list[str] = []
    for names, shown in tries:
        free = {at[name]: torch.export.Dim.AUTO for name in names}
        try:
            with tracing(graph), quiet():
                program = torch.export.export(graph, (shown,), dynamic_shapes={"images": free}, strict=False)
        except Exception as error:  # torch raises many kinds, of which none is told from a limit of the model
            line = f"{', '.join(names) or 'no size'} free: {why(error)}"
            lost += [line] if line not in lost else []
            continue
        seen = next(n for n in program.graph.nodes if n.name == "images").meta["val"].shape
        found = tuple(name for name in names if not isinstance(seen[at[name]], int))
        limits = [f"{name} is at most {most}" for name in found if (most := upper(program, seen[at[name]])) is not None]
        if shown is not example and (limits or found != names):
            continue  # what the model fixes must have its own size
        if found != names:
            lost.append(f"the model fixes {', '.join(name for name in names if name not in found)}")
        return Traced(program, found, (*(lost if found != every and not static else ()), *limits))
    raise InputError(
        f"torch.export cannot trace this model: {lost[-1].partition('free: ')[2]}; what is traced may not depend on "
        "the values of an image (if, while, .item(), numpy): write that with torch's operations, torch.where for a "
        "branch, or run the model itself, without an export"
    )


def why(error: Exception) -> str:
    """What tracing says, and the line of the model where it stopped."""
    said = f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')[:200]}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not Path(frame.filename).is_relative_to(Path(torch.__file__).parent) and "<" not in frame.filename:
            place = Path(frame.filename)
            if place != Path(__file__):
                return f"{said} ({place.name}:{frame.lineno})"
    return said


def odd(example: Tensor, at: Mapping[str, int]) -> Tensor:
    """An input whose trace holds for every size: no map of it is a single pixel, and the sides divide by nothing.

    What is traced is not computed, so that its size costs no time.
    """
    shape = list(example.shape)
    for name in ("height", "width"):
        shape[at[name]] = shape[at[name]] * -(-512 // shape[at[name]]) + 37
    return torch.zeros(shape, dtype=example.dtype)


def upper(program: Any, size: Any) -> int | None:
    """The largest that a size may be according to a trace, if there is a limit."""
    bounds = program.range_constraints.get(getattr(size.node, "expr", None))
    most = None if bounds is None else bounds.upper
    return int(most) if most is not None and most.is_Integer and most < 1 << 30 else None


@contextmanager
def tracing(graph: nn.Module) -> Iterator[None]:
    """Evaluation without gradients and with standard operators."""
    graph.eval()
    with torch.no_grad(), StandardOperators():
        yield
