"""ResNet's blocks with the arguments of mmseg, and rows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from segue.compat.mmcv.layers import build_conv_layer, build_norm_layer
from segue.compat.mmcv.plugins import build_plugin_layer
from segue.compat.mmengine.modules import BaseModule, Sequential
from segue.layers.recompute import recompute

BN: Mapping[str, Any] = {"type": "BN"}


class _Block(BaseModule):
    """Convolutions with normalizations ``bn1``, ``bn2`` ..., added to the input."""

    expansion: int
    relu: nn.ReLU
    norm1_name: str
    norm2_name: str
    norm3_name: str
    with_cp: bool
    downsample: nn.Module | None

    def _layer(self, number: int, conv: nn.Module, norm_cfg: Mapping[str, Any], channels: int) -> None:
        name, norm = build_norm_layer(norm_cfg, channels, postfix=number)
        setattr(self, f"norm{number}_name", name)
        self.add_module(f"conv{number}", conv)
        self.add_module(name, norm)

    @property
    def norm1(self) -> Any:
        """The first normalization."""
        return getattr(self, self.norm1_name)

    @property
    def norm2(self) -> Any:
        """The second normalization."""
        return getattr(self, self.norm2_name)

    def _branch(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(B, inplanes, H, W) to (B, planes * expansion, H', W')."""
        branch = recompute(self._branch, x) if self.with_cp and x.requires_grad else self._branch(x)
        return self.relu(branch + (x if self.downsample is None else self.downsample(x)))


class BasicBlock(_Block):
    """ResNet's block of two 3 x 3 convolutions."""

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: str = "pytorch",
        with_cp: bool = False,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] = BN,
        dcn: None = None,
        plugins: None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        if dcn is not None or plugins is not None:
            raise AssertionError("Not implemented yet: dcn and plugins are Bottleneck's")
        first = build_conv_layer(
            conv_cfg, inplanes, planes, 3, stride=stride, padding=dilation, dilation=dilation, bias=False
        )
        self._layer(1, first, norm_cfg, planes)
        self._layer(2, build_conv_layer(conv_cfg, planes, planes, 3, padding=1, bias=False), norm_cfg, planes)
        self.relu, self.downsample = nn.ReLU(inplace=True), downsample
        self.stride, self.dilation, self.with_cp = stride, dilation, with_cp

    def _branch(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm1(self.conv1(x)))  # type: ignore[operator]
        return self.norm2(self.conv2(x))  # type: ignore[operator]


class Bottleneck(_Block):
    """ResNet's block of 1 x 1, 3 x 3 and 1 x 1; ``plugins`` as mmseg has them."""

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: str = "pytorch",
        with_cp: bool = False,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] = BN,
        dcn: Mapping[str, Any] | None = None,
        plugins: Sequence[Mapping[str, Any]] | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        if style not in ("pytorch", "caffe"):
            raise AssertionError(f"style={style!r}: 'pytorch' or 'caffe'")
        self.inplanes, self.planes, self.stride, self.dilation = inplanes, planes, stride, dilation
        self.style, self.with_cp, self.conv_cfg, self.norm_cfg = style, with_cp, conv_cfg, norm_cfg
        self.dcn, self.plugins, self.with_dcn, self.with_plugins = dcn, plugins, dcn is not None, plugins is not None
        self.conv1_stride, self.conv2_stride = (1, stride) if style == "pytorch" else (stride, 1)
        inner = {k: v for k, v in (dcn or {}).items() if k != "fallback_on_stride"} if dcn else conv_cfg
        if dcn and dcn.get("fallback_on_stride"):
            inner = conv_cfg
        wide = planes * self.expansion
        first = build_conv_layer(conv_cfg, inplanes, planes, kernel_size=1, stride=self.conv1_stride, bias=False)
        second = build_conv_layer(
            inner, planes, planes, kernel_size=3, stride=self.conv2_stride, padding=dilation, dilation=dilation,
            bias=False,
        )  # fmt: skip
        self._layer(1, first, norm_cfg, planes)
        self._layer(2, second, norm_cfg, planes)
        self._layer(3, build_conv_layer(conv_cfg, planes, wide, kernel_size=1, bias=False), norm_cfg, wide)
        self.relu, self.downsample = nn.ReLU(inplace=True), downsample
        for place, channels in ((1, planes), (2, planes), (3, wide)):
            setattr(self, f"after_conv{place}_plugin_names", self._add_plugins(place, channels))

    def _add_plugins(self, place: int, channels: int) -> list[str]:
        names = []
        for plugin in self.plugins or ():
            if plugin["position"] != f"after_conv{place}":
                continue
            cfg = dict(plugin["cfg"])
            postfix = cfg.pop("postfix", "")
            name, layer = build_plugin_layer(cfg, in_channels=channels, postfix=postfix)
            self.add_module(name, layer)
            names.append(name)
        return names

    def forward_plugin(self, x: Tensor, plugin_names: Sequence[str]) -> Tensor:
        """A map through plugins, one after the other."""
        for name in plugin_names:
            x = getattr(self, name)(x)
        return x

    @property
    def norm3(self) -> Any:
        """The third normalization."""
        return getattr(self, self.norm3_name)

    def _branch(self, x: Tensor) -> Tensor:
        for number in (1, 2, 3):
            x = getattr(self, f"norm{number}")(getattr(self, f"conv{number}")(x))
            x = self.relu(x) if number < 3 else x
            x = self.forward_plugin(x, getattr(self, f"after_conv{number}_plugin_names"))
        return x


class ResLayer(Sequential):
    """A stage: ``num_blocks`` blocks, of which the first strides; ``kwargs`` go to every block."""

    def __init__(
        self,
        block: Any,
        inplanes: int,
        planes: int,
        num_blocks: int,
        stride: int = 1,
        dilation: int = 1,
        avg_down: bool = False,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] = BN,
        multi_grid: Sequence[int] | None = None,
        contract_dilation: bool = False,
        **kwargs: Any,
    ) -> None:
        self.block = block
        wide = planes * block.expansion
        downsample: nn.Module | None = None
        if stride != 1 or inplanes != wide:
            pool = [nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)] if avg_down else []
            step = 1 if avg_down else stride
            conv = build_conv_layer(conv_cfg, inplanes, wide, kernel_size=1, stride=step, bias=False)
            downsample = nn.Sequential(*pool, conv, build_norm_layer(norm_cfg, wide)[1])
        first = dilation // 2 if multi_grid is None and dilation > 1 and contract_dilation else dilation
        rates = list(multi_grid) if multi_grid is not None else [first, *[dilation] * (num_blocks - 1)]
        layers = []
        for number in range(num_blocks):
            layers.append(
                block(
                    inplanes=inplanes if number == 0 else wide,
                    planes=planes,
                    stride=stride if number == 0 else 1,
                    dilation=rates[number],
                    downsample=downsample if number == 0 else None,
                    conv_cfg=conv_cfg,
                    norm_cfg=norm_cfg,
                    **kwargs,
                )
            )
        super().__init__(*layers)
