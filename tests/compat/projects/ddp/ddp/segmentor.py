import math

import torch
import torch.nn as nn

from mmcv.cnn import ConvModule
from mmseg.core import add_prefix
from mmseg.models.builder import SEGMENTORS, build_neck
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.ops import resize


class PositionEmbedding(nn.Module):

    def __init__(self, dim):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(dim))

    def forward(self, x):
        freqs = x[:, None] * self.weights[None] * 2 * math.pi
        return torch.cat((x[:, None], freqs.sin(), freqs.cos()), dim=-1)


@SEGMENTORS.register_module()
class DDP(EncoderDecoder):
    """Masks are denoised from features, step by step."""

    def __init__(self, bit_scale=0.1, timesteps=1, learned_dim=16, accumulation=False, **kwargs):
        super(DDP, self).__init__(**kwargs)
        self.bit_scale, self.timesteps, self.accumulation = bit_scale, timesteps, accumulation
        channels = self.decode_head.in_channels[0]
        self.embedding_table = nn.Embedding(self.num_classes + 1, channels)
        self.transform = ConvModule(channels * 2, channels, 1, padding=0, conv_cfg=None, norm_cfg=None, act_cfg=None)
        self.time_mlp = nn.Sequential(
            PositionEmbedding(learned_dim // 2), nn.Linear(learned_dim + 1, channels * 4), nn.GELU(),
            nn.Linear(channels * 4, channels * 4))

    def _init_neck(self, neck):
        self.neck = build_neck(neck)

    def extract_feat(self, img):
        x = self.backbone(img)
        if self.with_neck:
            x = self.neck(x)
        return x

    def encode_decode(self, img, img_metas):
        x = self.extract_feat(img)[0]
        mask_t = torch.zeros_like(x)
        outs = []
        for step in range(self.timesteps):
            feat = self.transform(torch.cat([x, mask_t], dim=1))
            times = self.time_mlp(torch.full((x.shape[0], ), 1 - step / self.timesteps))
            mask_logit = self._decode_head_forward_test([feat], times, img_metas)
            outs.append(mask_logit)
            mask_t = self.encode_mask(mask_logit.argmax(dim=1))
        out = torch.stack(outs).mean(0) if self.accumulation else outs[-1]
        return resize(out, size=img.shape[2:], mode='bilinear', align_corners=self.align_corners)

    def encode_mask(self, mask):
        mask = self.embedding_table(mask).permute(0, 3, 1, 2)
        return (torch.sigmoid(mask) * 2 - 1) * self.bit_scale

    def forward_train(self, img, img_metas, gt_semantic_seg):
        x = self.extract_feat(img)[0]
        batch, c, h, w = x.shape
        gt_down = resize(gt_semantic_seg.float(), size=(h, w), mode='nearest').to(gt_semantic_seg.dtype)
        gt_down[gt_down == 255] = self.num_classes
        gt_down = self.encode_mask(gt_down.squeeze(1))
        times = torch.full((batch, ), 0.6)
        noise = torch.cos(torch.arange(gt_down[0].numel(), dtype=torch.float32)).view_as(gt_down[:1])
        level = times.view(-1, 1, 1, 1)
        noised_gt = (1 - level).sqrt() * gt_down + level.sqrt() * noise
        feat = self.transform(torch.cat([x, noised_gt], dim=1))

        losses = dict()
        losses.update(self._decode_head_forward_train([feat], self.time_mlp(times), img_metas, gt_semantic_seg))
        if self.with_auxiliary_head:
            losses.update(self._auxiliary_head_forward_train([x], img_metas, gt_semantic_seg))
        return losses

    def _decode_head_forward_train(self, x, t, img_metas, gt_semantic_seg):
        losses = dict()
        loss_decode = self.decode_head.forward_train(x, t, img_metas, gt_semantic_seg, self.train_cfg)
        losses.update(add_prefix(loss_decode, 'decode'))
        return losses

    def _decode_head_forward_test(self, x, t, img_metas):
        return self.decode_head.forward_test(x, t, img_metas, self.test_cfg)
