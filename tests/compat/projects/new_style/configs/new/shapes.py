from mmcv.transforms.loading import LoadImageFromFile
from mmengine.dataset.sampler import DefaultSampler, InfiniteSampler

from mmseg.datasets.basesegdataset import BaseSegDataset
from mmseg.datasets.transforms.formatting import PackSegInputs
from mmseg.datasets.transforms.loading import LoadAnnotations
from mmseg.datasets.transforms.transforms import PhotoMetricDistortion
from mmseg.evaluation import IoUMetric

data_root = 'data/shapes'
crop_size = (64, 64)
metainfo = dict(classes=('sky', 'road', 'tree'), palette=[[0, 0, 200], [90, 90, 90], [0, 150, 0]])
train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=LoadAnnotations),
    dict(type=PhotoMetricDistortion, brightness_delta=0, contrast_range=(1.0, 1.0), saturation_range=(1.0, 1.0),
         hue_delta=0),
    dict(type=PackSegInputs),
]
test_pipeline = [dict(type=LoadImageFromFile), dict(type=LoadAnnotations), dict(type=PackSegInputs)]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type=InfiniteSampler, shuffle=False),
    dataset=dict(
        type=BaseSegDataset,
        data_root=data_root,
        metainfo=metainfo,
        img_suffix='.png',
        seg_map_suffix='.png',
        data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(
        type=BaseSegDataset,
        data_root=data_root,
        metainfo=metainfo,
        img_suffix='.png',
        seg_map_suffix='.png',
        data_prefix=dict(img_path='images/validation', seg_map_path='annotations/validation'),
        pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type=IoUMetric, iou_metrics=['mIoU'])
test_evaluator = val_evaluator
