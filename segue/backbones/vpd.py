"""VPD (Zhao et al. 2023, arXiv:2303.02153) reads features of Stable Diffusion. That network is not part of Segue.

Its head (``VPDDepthHead``), its segmentor (``DepthEstimator``) and its data are, and take features of any backbone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from segue.errors import MissingExtraError


class VPD(nn.Module):
    """The arguments of the reference's backbone, checked by name, and a message that says what to do instead.

    Args:
        diffusion, unet: configs of Stable Diffusion and of what is read from it.
        class_embed_path, class_embed_select: embeddings of the classes, and whether each image has its own.
        gamma: how much the embeddings are adapted at first.
        pad_shape, pad_val: (H, W) that images are padded to, and with what.

    Raises:
        MissingExtraError: always.
    """

    def __init__(
        self,
        *,
        diffusion: Mapping[str, Any],
        class_embed_path: str,
        unet: Mapping[str, Any] | None = None,
        gamma: float = 1e-4,
        class_embed_select: bool = False,
        pad_shape: int | Sequence[int] | None = None,
        pad_val: float | Sequence[float] = 0,
    ) -> None:
        super().__init__()
        raise MissingExtraError(
            "ldm",
            purpose="The backbone VPD, which reads features of Stable Diffusion,",
            remedy="it is not on the package index, and Segue does not run it. Wrap Stable Diffusion in a backbone of "
            "your own (@segue.register(name='VPD')) that returns four feature maps, or name another backbone; "
            "DepthEstimator and VPDDepthHead work with either",
        )
