import os.path as osp

import numpy as np
from mmcv.utils import print_log
from mmseg.datasets import DATASETS, CustomDataset
from mmseg.utils import get_root_logger


@DATASETS.register_module()
class FloodDataset(CustomDataset):
    """Scenes of a list with the year of each."""

    CLASSES = ('land', 'water', 'cloud')
    PALETTE = [[0, 0, 200], [90, 90, 90], [0, 150, 0]]

    def __init__(self, scene_list, since=0, **kwargs):
        self.scene_list, self.since = scene_list, since
        super(FloodDataset, self).__init__(**kwargs)
        assert osp.exists(self.img_dir)

    def load_annotations(self, img_dir, img_suffix, ann_dir, seg_map_suffix, split):
        img_infos = []
        with open(self.scene_list) as f:
            for line in f:
                name, year = line.strip().split(',')
                if int(year) < self.since:
                    continue
                img_info = dict(filename=name + img_suffix, year=int(year))
                if ann_dir is not None:
                    img_info['ann'] = dict(seg_map=name + seg_map_suffix)
                img_infos.append(img_info)
        print_log(f'Loaded {len(img_infos)} images', logger=get_root_logger())
        return img_infos[:2] if not self.test_mode and len(img_infos) > 2 else img_infos

    def pre_pipeline(self, results):
        super().pre_pipeline(results)
        if 'img_info' in results:
            results['year'] = results['img_info']['year']

    def prepare_train_img(self, idx):
        img_info = self.img_infos[idx]
        ann_info = self.get_ann_info(idx)
        results = dict(img_info=img_info, ann_info=ann_info, scene='train')
        self.pre_pipeline(results)
        return self.pipeline(results)
