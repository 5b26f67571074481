import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.datasets.transforms import LoadAnnotations, PackSegInputs, RandomCrop
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadFieldAnnotations(LoadAnnotations):
    """Borders of fields are not labelled."""

    def __init__(self, border=1, **kwargs):
        super().__init__(**kwargs)
        self.border = border

    def transform(self, results: dict) -> dict:
        results = super().transform(results)
        seg = results['gt_seg_map']
        edge = np.zeros_like(seg, dtype=bool)
        edge[:, 1:] |= seg[:, 1:] != seg[:, :-1]
        edge[1:] |= seg[1:] != seg[:-1]
        seg[edge] = 255
        return results


@TRANSFORMS.register_module()
class CropLeft(RandomCrop):
    """Crops that begin at the left, where the camera is sharp."""

    @cache_randomness
    def crop_bbox(self, results: dict) -> tuple:
        height, width = self.crop_size
        top = (results['img'].shape[0] - height) // 2
        return top, top + height, 0, width

    def transform(self, results: dict) -> dict:
        results = super().transform(results)
        results['img'] = np.ascontiguousarray(results['img'])
        results['img'][:, :2] = 128
        return results


@TRANSFORMS.register_module()
class AddIndexChannel(BaseTransform):
    """Green over red in place of blue; drawn once per image."""

    def __init__(self, prob=0.5, gain=40.0):
        self.prob, self.gain = prob, gain

    @cache_randomness
    def _chosen(self):
        return np.random.rand() < self.prob

    def transform(self, results):
        if self._chosen():
            b, g, r = np.split(results['img'].astype(np.float32), 3, axis=-1)
            index = self.gain * g / (r + 1)
            results['img'] = np.concatenate([np.clip(index, 0, 255).round(), g, r], -1).astype(np.uint8)
            results['img'] = mmcv.imresize(results['img'], results['img'].shape[1::-1])
        return results


@TRANSFORMS.register_module()
class PackFieldInputs(PackSegInputs):
    """The months since the year 0 are metadata, too."""

    def __init__(self, meta_keys=('img_path', 'seg_map_path', 'ori_shape', 'img_shape', 'months')):
        super().__init__(meta_keys=meta_keys)

    def transform(self, results: dict) -> dict:
        packed = super().transform(results)
        packed['data_samples'].set_metainfo(dict(age=2030 * 12 - packed['data_samples'].months))
        return packed
