"""The values that pass between rooms, and what a component must offer to be one.

Shapes use axis names: B batch, C channels, H rows, W columns. Sizes are ``(H, W)`` everywhere inside Segue; the
few config keys that mmseg writes as ``(W, H)`` (``Resize.scale``) say so where they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from torch import Tensor, nn

from segue.errors import InputError

#: One image on its way through a pipeline, with mmseg's documented keys: ``img`` (H, W, C) uint8 or float32, BGR when
#: read by ``LoadImageFromFile``; ``gt_seg_map`` (H, W) uint8 or int64, or a stack (H, W, K) uint8; ``img_path``,
#: ``img_shape``, ``ori_shape``, ``scale_factor``, ``flip`` ...
Sample: TypeAlias = dict[str, Any]

Size: TypeAlias = tuple[int, int]  # (H, W)
Activation: TypeAlias = Callable[[], nn.Module]


@dataclass
class SegSample:
    """The annotation and metadata of one packed image.

    Attributes:
        meta: what the pipeline recorded (``img_path``, ``ori_shape`` (H, W), ``img_shape`` (H, W), ``flip`` ...).
        gt_sem_seg: (H, W) int64, class ids, the dataset's ignore value where there is no label; or, where a pixel may
            have several classes, (K, H, W) uint8: 1, 0, and 255 for unknown.
        gt_edge_map: (H, W) int64, 1 on class borders; only where a pipeline generates it.
        gt_depth_map: (H, W) float32, metres; only for depth data.
    """

    meta: dict[str, Any] = field(default_factory=dict)
    gt_sem_seg: Tensor | None = None
    gt_edge_map: Tensor | None = None
    gt_depth_map: Tensor | None = None


@dataclass
class Targets:
    """What a batch is compared with: ``labels`` and ``edges`` (B, H, W) int64; ``depth`` (B, H, W) float32. Multilabel
    annotations are ``labels`` (B, K, H, W) uint8.

    ``metas`` is what the pipeline recorded about each image, where it is known; heads of Segue do not read it.
    """

    labels: Tensor
    edges: Tensor | None = None
    depth: Tensor | None = None
    metas: Sequence[dict[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class TestOptions:
    """How a model looks at an image in evaluation (the config's ``test_cfg``).

    Attributes:
        mode: ``whole`` passes the image at once; ``slide`` averages overlapping crops.
        crop_size: (H, W) pixels of a crop; an integer means a square. Needed by ``slide``.
        stride: (H, W) pixels between crops. Needed by ``slide``.
        even: as many crops, but at equal distances (EoMT's protocol, with the crop as stride); by default the last of
            a row is moved back to the border.
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name

    mode: Literal["whole", "slide"] = "whole"
    crop_size: int | Sequence[int] | None = None
    stride: int | Sequence[int] | None = None
    even: bool = False

    def __post_init__(self) -> None:
        if self.mode == "whole":
            return
        for name, value in (("crop_size", self.crop_size), ("stride", self.stride)):
            if value is None:
                raise InputError(f"test_cfg: mode='slide' needs {name}, in pixels: an integer, or (height, width)")
            if not isinstance(value, int) and (len(value) != 2 or not all(isinstance(v, int) for v in value)):
                raise InputError(f"test_cfg: {name}={value!r} must be an integer, or (height, width)")
        crop, stride = self.pair("crop_size"), self.pair("stride")
        if min(crop) < 1:
            raise InputError(f"test_cfg: crop_size={crop} must be at least 1")
        if stride[0] > crop[0] or stride[1] > crop[1] or min(stride) < 1:
            raise InputError(f"test_cfg: stride={stride} leaves gaps between windows of crop_size={crop}")

    def pair(self, name: str) -> Size:
        """``crop_size`` or ``stride`` as (H, W)."""
        value = getattr(self, name)
        return (value, value) if isinstance(value, int) else (value[0], value[1])


@runtime_checkable
class Backbone(Protocol):
    """Image (B, C, H, W) to a list of feature maps, finest first."""

    def __call__(self, x: Tensor) -> Sequence[Tensor]:
        """As the class says."""
        ...


@runtime_checkable
class Neck(Protocol):
    """Feature maps to feature maps."""

    def __call__(self, features: Sequence[Tensor]) -> Sequence[Tensor]:
        """As the class says."""
        ...


@runtime_checkable
class Head(Protocol):
    """Feature maps to logits or masks; owns its losses."""

    num_classes: int
    align_corners: bool

    def __call__(self, features: Sequence[Tensor]) -> Tensor:
        """Logits or masks at the head's own resolution."""
        ...

    def loss(self, features: Sequence[Tensor], targets: Targets) -> dict[str, Tensor]:
        """Losses by name."""
        ...

    def predict(self, features: Sequence[Tensor], size: Size) -> Tensor:
        """Logits (B, C, *size)."""
        ...


@runtime_checkable
class Loss(Protocol):
    """(logits (B, C, H, W), labels (B, H, W)) to a scalar; ``loss_name`` is its key in the log."""

    loss_name: str

    def __call__(self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = 255) -> Tensor:
        """The loss; ``weight`` (B, H, W) scales pixels."""
        ...


@runtime_checkable
class PixelSampler(Protocol):
    """Chooses the pixels that a loss counts: logits (B, C, H, W) and labels (B, H, W) to weights (B, H, W), 0 or 1."""

    def sample(self, logits: Tensor, labels: Tensor, losses: Sequence[Any], ignore_index: int) -> Tensor:
        """Weights (B, H, W)."""
        ...


#: the room of a component by the annotation of the parameter that takes it
COMPONENTS: dict[Any, str] = {
    Backbone: "backbones",
    Neck: "necks",
    Head: "heads",
    Loss: "losses",
    PixelSampler: "losses",
}
