from mmcv.cnn import ConvModule
from mmengine.model import BaseModule, ModuleList
from mmseg.registry import MODELS


@MODELS.register_module()
class TinyEncoder(BaseModule):

    def __init__(self, widths=(8, 12, 16), norm_cfg=None, act_cfg=None, init_cfg=None):
        super().__init__(init_cfg)
        self.stages, last = ModuleList(), 3
        for width in widths:
            self.stages.append(ConvModule(last, width, 3, 2, 1, norm_cfg=norm_cfg, act_cfg=act_cfg))
            last = width

    def forward(self, x):
        outs = []
        for stage in self.stages:
            x = stage(x)
            outs.append(x)
        return tuple(outs)
