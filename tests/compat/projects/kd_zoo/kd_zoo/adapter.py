from mmcv.cnn import ConvModule, build_norm_layer
from mmcv.runner import BaseModule, auto_fp16
from mmseg.models.builder import NECKS


@NECKS.register_module()
class Adapter(BaseModule):

    def __init__(self, channels, init_cfg=None):
        super(Adapter, self).__init__(init_cfg)
        self.fp16_enabled = False
        self.conv = ConvModule(channels, channels, 1, norm_cfg=None, act_cfg=dict(type='ReLU'))
        self.norm_name, norm = build_norm_layer(dict(type='BN'), channels, postfix=1)
        self.add_module(self.norm_name, norm)

    @property
    def norm1(self):
        return getattr(self, self.norm_name)

    @auto_fp16()
    def forward(self, x):
        return self.norm1(self.conv(x))
