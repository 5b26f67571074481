import torch
import torch.nn as nn
import torch.nn.functional as F
from mmseg.models.builder import LOSSES
from mmseg.models.losses.utils import weight_reduce_loss, weighted_loss


@weighted_loss
def squared(pred, target):
    return (pred - target)**2


@LOSSES.register_module()
class ChannelWiseDivergence(nn.Module):

    def __init__(self, tau=1.0, loss_weight=1.0, loss_name='loss_cwd'):
        super(ChannelWiseDivergence, self).__init__()
        self.tau, self.loss_weight, self._loss_name = tau, loss_weight, loss_name

    def forward(self, preds_S, preds_T):
        assert preds_S.shape[-2:] == preds_T.shape[-2:]
        N, C, H, W = preds_S.shape
        softmax_pred_T = F.softmax(preds_T.reshape(-1, W * H) / self.tau, dim=1)
        logsoftmax = torch.nn.LogSoftmax(dim=1)
        loss = softmax_pred_T * logsoftmax(preds_T.reshape(-1, W * H) / self.tau)
        loss = torch.sum(loss - softmax_pred_T * logsoftmax(preds_S.reshape(-1, W * H) / self.tau), dim=1)
        loss = weight_reduce_loss(loss, reduction='sum') * (self.tau**2) / (C * N)
        return self.loss_weight * loss + 0.01 * squared(preds_S, preds_T, avg_factor=None)

    @property
    def loss_name(self):
        return self._loss_name
