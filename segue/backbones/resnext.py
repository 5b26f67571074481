"""ResNeXt (Xie et al. 2016, arXiv:1611.05431): a ResNet whose 3 x 3 convolutions are split into groups.

``ResNeXt(101, groups=32, base_width=8)`` is ResNeXt-101 32x8d; the arguments are those of ``ResNet``, but blocks
do not start as their shortcuts.
"""

from __future__ import annotations

from functools import partial

from segue.backbones.resnet import ResNet

ResNeXt = partial(ResNet, groups=1, base_width=4, zero_init_residual=False)
