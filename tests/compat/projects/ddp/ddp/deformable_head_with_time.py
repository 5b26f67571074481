import torch
import torch.nn as nn
from mmcv.cnn.bricks.transformer import build_positional_encoding, build_transformer_layer_sequence
from mmcv.cnn.bricks.registry import TRANSFORMER_LAYER, TRANSFORMER_LAYER_SEQUENCE
from mmcv.cnn.bricks.transformer import BaseTransformerLayer, TransformerLayerSequence

from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead


@TRANSFORMER_LAYER.register_module()
class TimedEncoderLayer(BaseTransformerLayer):
    """An encoder layer whose output is scaled and shifted by the time."""

    def __init__(self, use_time_mlp=True, **kwargs):
        super(TimedEncoderLayer, self).__init__(**kwargs)
        self.use_time_mlp = use_time_mlp
        if use_time_mlp:
            self.time_mlp = nn.Sequential(nn.SiLU(), nn.Linear(self.embed_dims * 4, self.embed_dims * 2))

    def forward(self, query, *args, time=None, **kwargs):
        query = super(TimedEncoderLayer, self).forward(query, *args, **kwargs)
        if self.use_time_mlp and time is not None:
            scale, shift = self.time_mlp(time).unsqueeze(1).chunk(2, dim=2)
            query = query * (scale + 1) + shift
        return query


@TRANSFORMER_LAYER_SEQUENCE.register_module()
class TimedEncoder(TransformerLayerSequence):

    def forward(self, query, **kwargs):
        for layer in self.layers:
            query = layer(query, None, None, **kwargs)
        return query


@HEADS.register_module()
class DeformableHeadWithTime(BaseDecodeHead):

    def __init__(self, num_feature_levels, encoder, positional_encoding, **kwargs):
        super().__init__(input_transform='multiple_select', **kwargs)
        self.num_feature_levels = num_feature_levels
        self.encoder = build_transformer_layer_sequence(encoder)
        self.encoder.init_weights()
        self.positional_encoding = build_positional_encoding(positional_encoding)
        self.level_embeds = nn.Parameter(torch.zeros(num_feature_levels, self.encoder.embed_dims))

    def init_weights(self):
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def forward(self, inputs, times):
        feat = inputs[0]
        bs, c, h, w = feat.shape
        pos = self.positional_encoding(feat).flatten(2).transpose(1, 2) + self.level_embeds[0].view(1, 1, -1)
        points = torch.stack(
            torch.meshgrid(
                (torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w, indexing='ij')[::-1], -1).view(1, -1, 1, 2)
        memory = self.encoder(
            query=feat.flatten(2).transpose(1, 2),
            query_pos=pos,
            spatial_shapes=torch.as_tensor([[h, w]]),
            level_start_index=torch.zeros(1, dtype=torch.long),
            reference_points=points.expand(bs, -1, -1, -1),
            time=times)
        out = memory.transpose(1, 2).reshape(bs, c, h, w)
        return self.cls_seg(out)

    def forward_train(self, inputs, times, img_metas, gt_semantic_seg, train_cfg):
        seg_logits = self(inputs, times)
        return self.losses(seg_logits, gt_semantic_seg)

    def forward_test(self, inputs, times, img_metas, test_cfg):
        return self(inputs, times)
