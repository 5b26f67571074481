"""The kernel update of K-Net (Zhang et al. 2021, arXiv:2106.14855, section 3.3): features of a group change its kernel,
through gates that both decide on.
"""

from __future__ import annotations

from torch import Tensor, nn

from segue.layers.activation import RELU
from segue.layers.norm import Norm
from segue.types import Activation

LN = Norm("LN")


class KernelUpdator(nn.Module):
    """The adaptive kernel update (equations 3 to 5).

    Args:
        in_channels: of group features and kernels, which are cut into pieces of this width.
        feat_channels: of the gates.
        out_channels: of the new kernels; default ``in_channels``.
        gate_sigmoid: whether the gates pass a sigmoid.
        gate_norm_act: normalize and activate what the gates are made from.
        activate_out: activate what the gates weigh.
        norm, act: of the layers.
    """

    def __init__(
        self,
        *,
        in_channels: int = 256,
        feat_channels: int = 64,
        out_channels: int | None = None,
        gate_sigmoid: bool = True,
        gate_norm_act: bool = False,
        activate_out: bool = False,
        norm: Norm = LN,
        act: Activation = RELU,
    ) -> None:
        super().__init__()
        out_channels = out_channels or in_channels
        self.in_channels = in_channels
        self.feat_channels = feat_channels
        self.gate_sigmoid = gate_sigmoid
        self.activate_out = activate_out
        self.activation = act()
        self.dynamic_layer = nn.Linear(in_channels, 2 * feat_channels)
        self.input_layer = nn.Linear(in_channels, 2 * feat_channels)
        self.input_gate = nn.Linear(in_channels, feat_channels)
        self.update_gate = nn.Linear(in_channels, feat_channels)
        self.gate_norm = norm(feat_channels) if gate_norm_act else None
        self.norm_in = norm(feat_channels)
        self.norm_out = norm(feat_channels)
        self.input_norm_in = norm(feat_channels)
        self.input_norm_out = norm(feat_channels)
        self.fc_layer = nn.Linear(feat_channels, out_channels)
        self.fc_norm = norm(out_channels)

    def forward(self, group: Tensor, kernel: Tensor) -> Tensor:
        """Group features (B, N, C) and kernels (B, N, K, C), both of M pieces of ``in_channels`` per group, to new
        kernels (M, K', out_channels).
        """
        group = group.reshape(-1, self.in_channels)
        of_group_in, of_group_out = self.dynamic_layer(group).unsqueeze(1).chunk(2, dim=-1)  # (M, 1, feat_channels)
        pieces = kernel.reshape(group.shape[0], -1, self.in_channels)
        of_kernel_in, of_kernel_out = self.input_layer(pieces).chunk(2, dim=-1)  # (M, K', feat_channels)
        gate = of_kernel_in * of_group_in  # equation 3
        if self.gate_norm is not None:
            gate = self.activation(self.gate_norm(gate))
        kernel_gate = self.input_norm_in(self.input_gate(gate))
        group_gate = self.norm_in(self.update_gate(gate))
        if self.gate_sigmoid:
            kernel_gate, group_gate = kernel_gate.sigmoid(), group_gate.sigmoid()
        of_group_out, of_kernel_out = self.norm_out(of_group_out), self.input_norm_out(of_kernel_out)
        if self.activate_out:
            of_group_out, of_kernel_out = self.activation(of_group_out), self.activation(of_kernel_out)
        mixed = group_gate * of_group_out + kernel_gate * of_kernel_out  # equation 5
        updated: Tensor = self.activation(self.fc_norm(self.fc_layer(mixed)))
        return updated
