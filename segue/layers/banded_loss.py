"""Losses of upsampled logits by bands of rows, so that the logits of full size never exist.

A head's logits z (B, C, h, w) are upsampled to the size of the labels, and that map, U z (B, C, H, W), its softmax and
their gradients are by far the largest that a training step holds. A loss that adds up over pixels does not need them at
once. It is

    L = f(S),    S = sum over the pixels p of s((U z)_p),

with K sums S per image: cross-entropy has one, Dice three, whose quotient it is. A band of rows of U z depends on a few
rows of z, so S is added up over bands; and so is the gradient, which is as small as z:

    dL/dz = sum over the bands of U_band^T [f'(S) ds/d(U z)].

Both are made in the forward pass, with each band still in the processor's cache; the backward pass only multiplies by
the gradient that it is given. Where K is 1, f'(S) is a factor that is applied at the end, and one pass over the bands
does it; else f'(S) is needed before, and a first pass makes S. Which pixels are hard (OHEM) is decided for the whole
batch, from one number per pixel, that a pass before makes.

What is computed so: losses whose own class has ``sums``, and says that it ``adds_up`` (`Additive`), all of a head's;
the pixels may be chosen by a sampler that has ``hardness``, or by such a loss itself. That is cross-entropy of both
kinds, OHEM of both kinds, Focal, Dice and Tversky losses, and mixtures of them. Lovász losses sort all pixels, boundary
losses look at neighbors: a head that has one of these, or one of a user's own, is given logits of full size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.accuracy import right_pixels, share_right
from segue.layers.resize import row_matrix
from segue.layers.watched import is_watched

#: Logits at full size from which bands are used; of fewer, the work for each band is not worth it. `DecodeHead` has it.
BANDS_FROM = 1 << 22
#: Logits of a band for each thread of the processor: 2 MiB of float32, which its cache holds.
PER_THREAD = 1 << 19
#: Logits of a band on other devices: enough to keep them busy.
PER_DEVICE = 1 << 25


class Additive(Protocol):
    """A loss that is a function of sums over pixels."""

    loss_name: str
    #: whether K is 1
    one_sum: ClassVar[bool]

    def adds_up(self) -> bool:
        """Whether it is, with the arguments it was made with; with ``reduction='none'`` it is not."""

    def sums(self, pred: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        """(B, K) in float32 at least, from logits (B, C, H, W), labels (B, H, W) and weights of pixels (B, H, W)."""

    def of_sums(self, sums: Tensor, classes: int, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        """The loss (), from (B, K) of all pixels of ``target``; ``classes`` is C."""


class Band(NamedTuple):
    """Rows of one image: ``rows`` of the labels are ``matrix`` (rows, source) times the ``source`` rows of logits."""

    image: slice
    rows: slice
    source: slice
    matrix: Tensor


def losses_by_bands(
    losses: Sequence[nn.Module],
    logits: Tensor,
    labels: Tensor,
    align_corners: bool,
    ignore_index: int,
    sampler: Any = None,
    bands_from: int = BANDS_FROM,
) -> dict[str, Tensor] | None:
    """Losses by name and ``acc_seg`` of logits (B, C, h, w) for labels (B, H, W) or (B, C, H, W), or None where logits
    of full size have to be made: they are fewer than ``bands_from``, not more than ``logits``, or wanted (above); the
    step is compiled; or a transform of ``torch.func`` or a derivative in forward mode is made.

    Differs from the losses of resized logits by rounding only; float16 and bfloat16 are computed in float32, as mixed
    precision computes losses.
    """
    height, width = labels.shape[-2:]
    full = logits.shape[0] * logits.shape[1] * height * width
    if full < bands_from or full <= logits.numel() or not _by_bands(losses, sampler):
        return None
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return None
    if forward_ad.unpack_dual(logits).tangent is not None:  # type: ignore[no-untyped-call]
        return None
    with torch.autocast(logits.device.type, enabled=False):
        exact = logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits
        learns = torch.is_grad_enabled() and exact.requires_grad
        with torch.no_grad():
            work = _Work(losses, sampler, exact.detach(), labels, align_corners, ignore_index)
            values, gradients, right = work.done(learns)
        if learns:
            # the logits themselves would be kept, of which nothing but a way to their second derivative is needed
            way = exact[:1, :1, 0, 0].clone()
            values = _Known.apply(exact, way, values, gradients)  # type: ignore[no-untyped-call]
    named: dict[str, Tensor] = {}
    for loss, value in zip(losses, values.unbind(), strict=True):
        name = str(loss.loss_name)
        named[name] = named[name] + value if name in named else value
    return {**named, "acc_seg": share_right(right, labels, ignore_index)}


def _by_bands(losses: Sequence[nn.Module], sampler: Any) -> bool:
    """Whether everything that wants logits of full size can take bands of them instead.

    A subclass may compute anything, as may a ``forward`` that was set from outside; a hook wants what it always got.
    """
    if sampler is not None and (
        "hardness" not in type(sampler).__dict__
        or "sample" in vars(sampler)
        or any(hasattr(loss, "hardness") for loss in losses)
    ):
        return False
    return bool(losses) and all(
        "sums" in type(loss).__dict__
        and "forward" not in vars(loss)
        and type(loss).forward.__module__ == type(loss).__module__
        and not is_watched(loss)
        and loss.adds_up()  # type: ignore[operator]
        for loss in losses
    )


class _Work:
    """The passes over the bands of one batch; without gradients but where they say so."""

    def __init__(
        self,
        losses: Sequence[Any],
        sampler: Any,
        logits: Tensor,
        labels: Tensor,
        align_corners: bool,
        ignore_index: int,
    ) -> None:
        self.losses, self.logits, self.labels = losses, logits, labels
        self.align_corners, self.ignore_index = align_corners, ignore_index
        self.bands = list(self._bands())
        chosen = self._chosen(sampler, losses) if sampler is not None else None
        self.weights = [self._chosen(loss) if hasattr(loss, "hardness") else chosen for loss in losses]

    def done(self, learns: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Values (L,) of the L losses; where the model ``learns`` their gradients (L, B, C, h, w); and how many pixels
        are right.
        """
        count = range(len(self.losses))
        slopes = [None if self.losses[at].one_sum or not learns else self._slope(at, self._all(at)) for at in count]
        gradients = self.logits.new_zeros(len(count) if learns else 0, *self.logits.shape)
        sums: dict[int, Tensor] = {}
        right = torch.zeros((), dtype=torch.long, device=self.logits.device)
        for band in self.bands:
            source = self.logits[band.image, :, band.source].detach().requires_grad_(learns)
            with torch.set_grad_enabled(learns):
                full = self._upsampled(source, band)
                of_band = [self._sums(at, full, band) for at in count]
            right += right_pixels(full.detach(), self._rows(self.labels, band), self.ignore_index)
            for at, (total, slope) in enumerate(zip(of_band, slopes, strict=True)):
                self._add(total.detach(), band, sums, at)
                if learns:
                    given = torch.ones_like(total) if slope is None else slope[band.image]
                    (found,) = torch.autograd.grad(total, source, given, retain_graph=at < len(count) - 1)
                    gradients[at, band.image, :, band.source] += found
        values = []
        for at in count:
            values.append(self._value(at, sums[at]))
            if learns and slopes[at] is None:
                gradients[at] *= self._slope(at, sums[at]).view(-1, 1, 1, 1)
        return torch.stack(values), gradients, right

    def _all(self, at: int) -> Tensor:
        """S (B, K) of a loss, by a pass of its own."""
        sums: dict[int, Tensor] = {}
        for band in self.bands:
            self._add(self._sums(at, self._full(band), band), band, sums, at)
        return sums[at]

    def _value(self, at: int, sums: Tensor) -> Tensor:
        """f(S) ()."""
        classes = self.logits.shape[1]
        value: Tensor = self.losses[at].of_sums(sums, classes, self.labels, self.weights[at], self.ignore_index)
        return value

    def _slope(self, at: int, sums: Tensor) -> Tensor:
        """f'(S) (B, K)."""
        with torch.enable_grad():
            sums = sums.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self._value(at, sums), sums)
        return slope

    def _add(self, total: Tensor, band: Band, sums: dict[int, Tensor], at: int) -> None:
        """Add what a band gave (1, K) to ``sums[at]`` (B, K). What was kept for each band would lie scattered among
        the freed bands, whose memory could then not be used again.
        """
        sums.setdefault(at, total.new_zeros(len(self.logits), total.shape[1]))[band.image] += total

    def _sums(self, at: int, full: Tensor, band: Band) -> Tensor:
        """(1, K) of a loss in a band."""
        weight = self.weights[at]
        part = None if weight is None else self._rows(weight, band)
        found: Tensor = self.losses[at].sums(full, self._rows(self.labels, band), part, self.ignore_index)
        return found

    def _chosen(self, chooser: Any, *losses: Any) -> Tensor:
        """Weights (B, H, W), 1 where a pixel is hard, by what ``chooser`` measures at each."""
        hardness = self.logits.new_empty(len(self.logits), *self.labels.shape[-2:])
        for band in self.bands:
            labels = self._rows(self.labels, band)
            self._rows(hardness, band).copy_(chooser.hardness(self._full(band), labels, *losses, self.ignore_index))
        weights: Tensor = chooser.choose(hardness, self.labels, self.ignore_index)
        return weights

    def _bands(self) -> Iterator[Band]:
        """All of the batch, image by image and from top to bottom."""
        images, classes, source, _ = self.logits.shape
        height, width = self.labels.shape[-2:]
        on_cpu = self.logits.device.type == "cpu"
        logits = PER_THREAD * torch.get_num_threads() if on_cpu else PER_DEVICE
        step = max(1, logits // (classes * width))
        matrix = row_matrix(source, height, self.align_corners)
        parts = []
        for start in range(0, height, step):
            part = matrix[start : start + step]
            used = part.ne(0).any(dim=0).nonzero()
            low, high = int(used[0]), int(used[-1]) + 1
            parts.append((slice(start, start + step), slice(low, high), part[:, low:high].to(self.logits)))
        for image in range(images):
            for rows, where, part in parts:
                yield Band(slice(image, image + 1), rows, where, part)

    def _full(self, band: Band) -> Tensor:
        return self._upsampled(self.logits[band.image, :, band.source], band)

    def _upsampled(self, source: Tensor, band: Band) -> Tensor:
        """``source`` rows (1, C, r, w) of the logits to the band's (1, C, rows, W): along x, then along y."""
        width = self.labels.shape[-1]
        if source.shape[-1] != width:
            size = (source.shape[-2], width)
            source = F.interpolate(source, size=size, mode="bilinear", align_corners=self.align_corners)
        return torch.matmul(band.matrix, source.contiguous())

    @staticmethod
    def _rows(full: Tensor, band: Band) -> Tensor:
        return full[band.image, ..., band.rows, :]


class _Known(torch.autograd.Function):
    """Losses whose gradients are known already."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, way: Tensor, values: Tensor, gradients: Tensor) -> Tensor:
        """``values`` (L,), which depend on ``logits`` (B, C, h, w) by ``gradients`` (L, B, C, h, w).

        ``way`` (1, 1) is made of the logits.
        """
        ctx.save_for_backward(way, gradients)
        return values.clone()

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> Any:
        """Their sum, each times what is ``given`` (L,) for its loss."""
        return _Weighted.apply(*ctx.saved_tensors, *given), None, None, None  # type: ignore[no-untyped-call]


class _Weighted(torch.autograd.Function):
    """The backward pass of `_Known`, whose own gradient would need what was not kept."""

    @staticmethod
    def forward(ctx: Any, way: Tensor, gradients: Tensor, given: Tensor) -> Tensor:
        """(L, B, C, h, w) times (L,), added up over L; ``way`` is there because the logits have a second derivative."""
        whole: Tensor = torch.tensordot(given.to(gradients), gradients, dims=1)
        return whole

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> Any:
        """There is none."""
        raise InputError(
            "a second derivative of the loss was asked for, but logits as large as these are not held at full size, "
            "and only the first was made; set bands_from = sys.maxsize on the decode head, and they are held"
        )
