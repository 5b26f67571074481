import torch
import torch.nn as nn
import torch.nn.functional as F
from mmseg.models.builder import LOSSES
from mmseg.models.losses import CrossEntropyLoss, DiceLoss, LovaszLoss, accuracy
from mmseg.models.losses.cross_entropy_loss import binary_cross_entropy, cross_entropy
from mmseg.models.losses.utils import get_class_weight, weight_reduce_loss, weighted_loss
from mmseg.registry import MODELS


@weighted_loss
def soft_jaccard(pred, target, smooth=1.0):
    inter = (pred * target).flatten(1).sum(1)
    union = (pred + target).flatten(1).sum(1) - inter
    return 1 - (inter + smooth) / (union + smooth)


@LOSSES.register_module()
class OldFormLoss(nn.Module):
    """The toolbox's losses, called as in its first versions."""

    def __init__(self, loss_weight=1.0, loss_name='loss_old', reduction='mean'):
        super().__init__()
        self.loss_weight, self._loss_name, self.reduction = loss_weight, loss_name, reduction
        self.ce = CrossEntropyLoss(use_sigmoid=False, loss_weight=1.0)
        self.dice = DiceLoss(loss_weight=0.5)
        self.lovasz = LovaszLoss(reduction='none', loss_weight=0.25)

    def forward(self, cls_score, label, weight=None, avg_factor=None, reduction_override=None, **kwargs):
        assert reduction_override in (None, 'none', 'mean', 'sum')
        valid = (label != 255)
        each = self.ce(cls_score, label, weight=valid.float(), reduction_override='none', ignore_index=255)
        loss = (each * valid).sum() / valid.sum()
        loss = loss + self.ce(
            cls_score, label, weight=None, avg_factor=float(valid.sum()), reduction_override='mean', **kwargs)
        loss = loss + self.dice(cls_score, label.clamp(max=2), ignore_index=255)
        return self.loss_weight * (loss + self.lovasz(cls_score, label, ignore_index=255).mean())

    @property
    def loss_name(self):
        return self._loss_name


@MODELS.register_module()
class PolyLoss(CrossEntropyLoss):
    """Cross-entropy and a term of the first order."""

    def __init__(self, epsilon=1.0, **kwargs):
        super().__init__(loss_name='loss_poly', **kwargs)
        self.epsilon = epsilon

    def forward(self, cls_score, label, weight=None, avg_factor=None, reduction_override=None, ignore_index=-100,
                **kwargs):
        ce = super().forward(cls_score, label, weight, avg_factor, reduction_override, ignore_index, **kwargs)
        valid = label != ignore_index
        prob = cls_score.softmax(1).gather(1, label.clamp(max=cls_score.shape[1] - 1).unsqueeze(1)).squeeze(1)
        return ce + self.loss_weight * self.epsilon * ((1 - prob) * valid).sum() / valid.sum()


@MODELS.register_module()
class EdgeDice(nn.Module):
    """How soft masks overlap, and binary cross-entropy of the classes' pixels."""

    def __init__(self, loss_weight=1.0, class_weight=None, loss_name='loss_edge'):
        super().__init__()
        self.class_weight = get_class_weight(class_weight)
        self.loss_weight, self._loss_name = loss_weight, loss_name

    def forward(self, pred, target, weight=None, ignore_index=255, **kwargs):
        one_hot = F.one_hot(target.clamp(max=pred.shape[1] - 1), pred.shape[1]).permute(0, 3, 1, 2).float()
        loss = soft_jaccard(pred.softmax(1), one_hot, reduction='mean')
        loss = loss + soft_jaccard(pred.softmax(1), one_hot, pred.new_tensor([0.5, 1.5]), avg_factor=2.0)
        weights = pred.new_tensor(self.class_weight)
        each = cross_entropy(pred, target, class_weight=weights, reduction='none', ignore_index=ignore_index)
        loss = loss + weight_reduce_loss(each, (target != ignore_index).float(), 'mean', float(each.numel()))
        return self.loss_weight * (loss + binary_cross_entropy(pred, target, reduction='mean', ignore_index=255))

    @property
    def loss_name(self):
        return self._loss_name


@LOSSES.register_module(name='BalancedCE')
class BalancedCE(nn.Module):
    """Weights by how often a class is seen in the batch."""

    def __init__(self, loss_weight=1.0):
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = 'loss_balanced'

    def forward(self, cls_score, label, weight=None, ignore_index=255, **kwargs):
        count = torch.bincount(label[label != ignore_index], minlength=cls_score.shape[1]).float()
        share = accuracy(cls_score, label, ignore_index=ignore_index).detach() / 100
        loss = F.cross_entropy(cls_score, label, count.sum() / (count + 1), ignore_index=ignore_index)
        return self.loss_weight * loss * (1 + share.squeeze())
