from copy import deepcopy

import torch
from mmengine.model import BaseModel
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix

from .class_mix import class_masks, jitter, mix


@MODELS.register_module()
class DACS(BaseModel):
    """A student on source images and on mixes of both domains, whose target labels are its teacher's."""

    def __init__(self, model, alpha=0.9, pseudo_threshold=0.4, data_preprocessor=None, init_cfg=None):
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.model = MODELS.build(model)
        self.teacher = MODELS.build(deepcopy(model))
        for param in self.teacher.parameters():
            param.requires_grad_(False)
        self.alpha, self.pseudo_threshold = alpha, pseudo_threshold
        self.local_iter = 0

    def update_teacher(self):
        alpha = min(1 - 1 / (self.local_iter + 1), self.alpha)
        for mine, theirs in zip(self.teacher.parameters(), self.model.parameters()):
            mine.data.mul_(alpha).add_(theirs.data, alpha=1 - alpha)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.model(inputs, data_samples, mode=mode)

    def loss(self, source, target):
        self.update_teacher()
        losses = add_prefix(self.model.loss(**source), 'src')
        with torch.no_grad():
            self.teacher.eval()
            logits = self.teacher.encode_decode(target['inputs'], [s.metainfo for s in target['data_samples']])
            prob, pseudo = logits.softmax(1).max(1, keepdim=True)
        share = (prob > self.pseudo_threshold).float().mean()
        labels = torch.stack([s.gt_sem_seg.data for s in source['data_samples']])
        mask = class_masks(labels)
        images = jitter(mix(mask, source['inputs'], target['inputs']))
        mixed = mix(mask, labels, pseudo)
        samples = []
        for sample, label in zip(source['data_samples'], mixed):
            one = SegDataSample(metainfo=sample.metainfo)
            one.gt_sem_seg = PixelData(data=label)
            samples.append(one)
        found = self.model.loss(images, samples)
        losses.update(add_prefix({k: v * share if 'loss' in k else v for k, v in found.items()}, 'mix'))
        self.local_iter += 1
        return losses

    def train_step(self, data, optim_wrapper):
        with optim_wrapper.optim_context(self):
            source = self.data_preprocessor(data['source'], True)
            target = self.data_preprocessor(data['target'], True)
            parsed_losses, log_vars = self.parse_losses(self.loss(source, target))
        optim_wrapper.update_params(parsed_losses)
        return log_vars
