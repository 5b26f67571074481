import os.path as osp

import mmengine
import mmengine.fileio as fileio
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class FieldsDataset(BaseSegDataset):
    """Fields, listed in a table; every other one is left out on request."""

    METAINFO = dict(
        classes=('meadow', 'maize', 'wheat'), palette=[[0, 0, 200], [90, 90, 90], [0, 150, 0]])

    def __init__(self, every=1, year=2021, **kwargs):
        self.every, self.year = every, year
        super().__init__(img_suffix='.png', seg_map_suffix='.png', reduce_zero_label=False, **kwargs)
        assert fileio.exists(self.data_prefix['img_path'], backend_args=self.backend_args)

    def load_data_list(self):
        found = []
        for line in mmengine.list_from_file(self.ann_file):
            name, year = line.split(',')
            if int(year) < self.year:
                continue
            data_info = dict(img_path=osp.join(self.data_prefix['img_path'], name + self.img_suffix))
            data_info['seg_map_path'] = osp.join(self.data_prefix['seg_map_path'], name + self.seg_map_suffix)
            data_info['year'] = int(year)
            data_info['label_map'] = self.label_map
            data_info['reduce_zero_label'] = self.reduce_zero_label
            data_info['seg_fields'] = []
            found.append(data_info)
        return found

    def filter_data(self):
        return self.data_list[::self.every]

    def prepare_data(self, idx):
        data_info = self.get_data_info(idx)
        data_info['months'] = data_info['year'] * 12
        return self.pipeline(data_info)
