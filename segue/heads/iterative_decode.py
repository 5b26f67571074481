"""K-Net for semantic segmentation (Zhang et al. 2021, arXiv:2106.14855): one kernel per class, updated in stages.

Any head's last convolution is a set of kernels that make one mask per class. Here these are only the start: each stage
lets a kernel see the features below its mask (section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from segue.errors import InputError
from segue.heads.kernel_update import KernelUpdateHead
from segue.layers.decode_head import DecodeHead
from segue.layers.resize import resize
from segue.types import Head, Size, Targets


class IterativeDecodeHead(nn.Module):
    """A head whose classifying kernels are refined.

    Args:
        num_stages: number of ``kernel_update_head``.
        kernel_generate_head: gives features, first masks and first kernels, and the loss of all stages.
        kernel_update_head: the stages.

    Raises:
        InputError: ``num_stages`` is not their number, or the first head does not tell its features from its logits.
    """

    def __init__(
        self,
        *,
        num_stages: int,
        kernel_generate_head: Head,
        kernel_update_head: Sequence[KernelUpdateHead],
    ) -> None:
        super().__init__()
        if num_stages != len(kernel_update_head):
            raise InputError(
                f"IterativeDecodeHead: num_stages={num_stages}, but kernel_update_head lists "
                f"{len(kernel_update_head)} stages; they must be equal"
            )
        name = type(kernel_generate_head).__name__
        if not isinstance(kernel_generate_head, DecodeHead) or type(kernel_generate_head).embed is DecodeHead.embed:
            raise InputError(
                f"IterativeDecodeHead: kernel_generate_head={name} has no features before its last convolution; use a "
                "head that defines embed(features), such as FCNHead, PSPHead, ASPPHead or UPerHead"
            )
        self.kernel_generate_head = kernel_generate_head
        self.kernel_update_head = nn.ModuleList(kernel_update_head)
        self.num_classes = kernel_generate_head.num_classes
        self.out_channels = kernel_generate_head.out_channels
        self.align_corners = kernel_generate_head.align_corners
        self.threshold = kernel_generate_head.threshold

    @property
    def generator(self) -> DecodeHead:
        """The head that starts."""
        return self.kernel_generate_head

    def stages(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Feature maps to the logits (B, num_classes, H', W') of the first head and of every stage."""
        x = self.generator.embed(features)
        logits = [self.generator.classify(x)]
        kernels = self.generator.conv_seg.weight.expand(x.shape[0], -1, -1, -1, -1)
        for stage in self.kernel_update_head:
            masks, kernels = stage(x, kernels, logits[-1])
            logits.append(masks)
        return logits

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to the logits (B, num_classes, H', W') of the last stage."""
        return self.stages(features)[-1]

    def predict(self, features: Sequence[Tensor], size: Size, previous: Tensor | None = None) -> Tensor:
        """Logits (B, num_classes, *size)."""
        return resize(self.coarse(features, size, previous), size, self.align_corners)

    def coarse(self, features: Sequence[Tensor], size: Size, previous: Tensor | None = None) -> Tensor:
        """Logits (B, num_classes, H', W') of the last stage, which ``predict`` resizes."""
        last: Tensor = self(features)
        return last

    def loss(self, features: Sequence[Tensor], targets: Targets, previous: Tensor | None = None) -> dict[str, Tensor]:
        """Losses of all stages by name: ``loss_ce.s0``, ``loss_ce.s1`` ..."""
        losses: dict[str, Tensor] = {}
        for i, logits in enumerate(self.stages(features)):
            of_stage = self.generator.loss_of_logits(logits, targets)
            losses |= {f"{name}.s{i}": value for name, value in of_stage.items()}
        return losses
