from collections import OrderedDict

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS


@METRICS.register_module()
class IoUWithCounts(IoUMetric):
    """The usual ones, and how many images had any of a class."""

    def process(self, data_batch, data_samples):
        super().process(data_batch, data_samples)
        for data_sample in data_samples:
            label = data_sample['gt_sem_seg']['data'].squeeze()
            self.seen = getattr(self, 'seen', 0) + int((label == 1).any())

    def compute_metrics(self, results):
        metrics = super().compute_metrics(results)
        metrics['with_maize'] = self.seen
        self.seen = 0
        return metrics


@METRICS.register_module()
class BoundaryErrors(BaseMetric):
    """Wrong pixels in percent, by class."""

    default_prefix = 'fields'

    def __init__(self, ignore_index=255, collect_device='cpu', prefix=None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ignore_index = ignore_index

    def process(self, data_batch, data_samples):
        num_classes = len(self.dataset_meta['classes'])
        for data_sample in data_samples:
            pred = data_sample['pred_sem_seg']['data'].squeeze()
            label = data_sample['gt_sem_seg']['data'].squeeze().to(pred)
            kept = label != self.ignore_index
            wrong = torch.bincount(label[kept & (pred != label)], minlength=num_classes)
            self.results.append((data_sample['age'], wrong.numpy(), torch.bincount(label[kept], minlength=num_classes)))

    def compute_metrics(self, results):
        logger: MMLogger = MMLogger.get_current_instance()
        age, wrong, total = zip(*results)
        wrong, total = np.sum(wrong, axis=0), torch.stack(total).sum(0).numpy()
        for name, pixels in zip(self.dataset_meta['classes'], wrong.tolist()):
            print_log(f'{name}: {pixels} pixels are wrong', logger=logger)
        return OrderedDict(error=float(100.0 * wrong.sum() / total.sum()), age=float(np.mean(age)))
