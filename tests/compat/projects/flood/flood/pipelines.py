import os.path as osp

import mmcv
import numpy as np
from mmseg.datasets import PIPELINES


@PIPELINES.register_module()
class LoadRaster(object):
    """Load a scene and fill the fields of mmseg's loader."""

    def __init__(self, to_float32=False, file_client_args=dict(backend='disk')):
        self.to_float32 = to_float32
        self.file_client_args = file_client_args.copy()
        self.file_client = None

    def __call__(self, results):
        if self.file_client is None:
            self.file_client = mmcv.FileClient(**self.file_client_args)
        if results.get('img_prefix') is not None:
            filename = osp.join(results['img_prefix'], results['img_info']['filename'])
        else:
            filename = results['img_info']['filename']
        img = mmcv.imfrombytes(self.file_client.get(filename), flag='color')
        if self.to_float32:
            img = img.astype(np.float32)
        results['filename'] = filename
        results['ori_filename'] = results['img_info']['filename']
        results['img'] = img
        results['img_shape'] = img.shape
        results['ori_shape'] = img.shape
        results['pad_shape'] = img.shape
        results['scale_factor'] = 1.0
        num_channels = 1 if len(img.shape) < 3 else img.shape[2]
        results['img_norm_cfg'] = dict(
            mean=np.zeros(num_channels, dtype=np.float32), std=np.ones(num_channels, dtype=np.float32), to_rgb=False)
        return results

    def __repr__(self):
        return f'{self.__class__.__name__}(to_float32={self.to_float32})'


@PIPELINES.register_module()
class GammaShift(object):
    """Brighter scenes of later years; borders of labels are void."""

    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, results):
        gamma = self.gamma + 0.01 * (results['year'] - 2020)
        results['img'] = 255 * (results['img'] / 255)**gamma
        for key in results.get('seg_fields', []):
            seg = results[key].copy()
            seg[:2], seg[:, :2] = 255, 255
            results[key] = seg
        assert results['scene'] == 'train' and 'gt_semantic_seg' in results['seg_fields']
        return results
