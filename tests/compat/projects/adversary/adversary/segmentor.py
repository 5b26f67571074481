from collections import OrderedDict
from typing import Dict, Tuple, Union

import torch
from mmengine.model import BaseModule, ModuleDict
from mmengine.model.weight_init import trunc_normal_
from mmengine.optim import OptimWrapper
from mmseg.models.decode_heads import FCNHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class BoundedFCNHead(FCNHead):

    def __init__(self, **kwargs):
        super().__init__(
            init_cfg=[
                dict(type='TruncNormal', layer='Conv2d', std=0.02, bias=0.),
                dict(type='Constant', layer=['BatchNorm2d', 'SyncBatchNorm'], val=1., bias=0.)
            ],
            **kwargs)

    def forward(self, inputs):
        return 5 * torch.tanh(super().forward(inputs) / 5)


@MODELS.register_module()
class AdversarialEncoderDecoder(EncoderDecoder):
    """A step on the images, and a step on what became of them."""

    def __init__(self, epsilon=1.0, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def train_step(self, data: Union[dict, tuple, list], optim_wrapper: OptimWrapper) -> Dict[str, torch.Tensor]:
        with optim_wrapper.optim_context(self):
            data = self.data_preprocessor(data, True)
            data['inputs'].requires_grad_(True)
            clean, _ = self.parse_losses(self._run_forward(data, mode='loss'))
        grad, = torch.autograd.grad(clean, data['inputs'])
        inputs = (data['inputs'] + self.epsilon / 60 * grad.sign()).detach()
        with optim_wrapper.optim_context(self):
            losses = self._run_forward(dict(inputs=inputs, data_samples=data['data_samples']), mode='loss')
        parsed_losses, log_vars = self.parse_losses(losses)
        optim_wrapper.update_params(parsed_losses)
        log_vars['clean'] = clean.detach()
        return log_vars

    def parse_losses(self, losses: Dict[str, Tensor]) -> Tuple[Tensor, Dict[str, Tensor]]:
        loss, log_vars = super().parse_losses(losses)
        loss = loss * 2
        log_vars['loss'] = loss
        return loss, log_vars
