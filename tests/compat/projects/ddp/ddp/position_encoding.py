import torch
from mmcv.cnn.bricks.transformer import POSITIONAL_ENCODING
from mmcv.runner import BaseModule


@POSITIONAL_ENCODING.register_module()
class ShapesPositionalEncoding(BaseModule):
    """Sine and cosine of rows and columns."""

    def __init__(self, num_feats, temperature=10000, init_cfg=None):
        super().__init__(init_cfg)
        self.num_feats, self.temperature = num_feats, temperature

    def forward(self, x):
        bs, _, h, w = x.shape
        freq = self.temperature**(torch.arange(self.num_feats // 2) * 2 / self.num_feats)
        ys = (torch.arange(h, dtype=torch.float32) + 1)[:, None] / freq
        xs = (torch.arange(w, dtype=torch.float32) + 1)[:, None] / freq
        ys = torch.cat([ys.sin(), ys.cos()], -1)[:, None].expand(h, w, -1)
        xs = torch.cat([xs.sin(), xs.cos()], -1)[None].expand(h, w, -1)
        return torch.cat([ys, xs], -1).permute(2, 0, 1)[None].expand(bs, -1, -1, -1)
