"""Scripts in the words of tutorials, made small; each runs by ``segue run``."""

from __future__ import annotations

ISIC = """
import torch, mmcv, mmengine, mmseg
import isic
from mmengine import Config
from mmengine.runner import Runner

cfg = Config.fromfile('small.py')
cfg.norm_cfg = dict(type='BN', requires_grad=True)
cfg.model.backbone.norm_cfg = cfg.norm_cfg
for head in (cfg.model.decode_head, cfg.model.auxiliary_head):
    head.norm_cfg = cfg.norm_cfg
    head.num_classes = 2
cfg.dataset_type = 'ISICDATASET'
cfg.data_root = 'data/isic'
for name in ('train', 'val', 'test'):
    loader = cfg[name + '_dataloader']
    loader.dataset.type = cfg.dataset_type
    loader.dataset.data_root = cfg.data_root
    loader.dataset.data_prefix = dict(img_path='images', seg_map_path='labels')
cfg.val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
cfg.test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'], output_dir='work_dirs/format_results')
cfg.load_from = 'nineteen.pth'
cfg.work_dir = './work_dirs/isic'
cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2, val_begin=1, val_interval=1)
cfg.param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=1, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=1e-5, begin=1, end=6, by_epoch=False)]
cfg.log_processor = dict(by_epoch=True)
cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=3, by_epoch=False)
cfg['randomness'] = dict(seed=0)
cfg.dump('isic_config.py')
cfg = Config.fromfile('isic_config.py')
runner = Runner.from_cfg(cfg)
runner.train()
"""

ISIC_TEST = """
import isic
from mmengine import Config
from mmengine.runner import Runner
from mmseg.apis import init_model, inference_model, show_result_pyplot
import mmcv

checkpoint_path = './work_dirs/isic/iter_6.pth'
cfg = Config.fromfile('isic_config.py')
cfg.load_from = checkpoint_path
runner = Runner.from_cfg(cfg)
runner.test()
model = init_model('isic_config.py', checkpoint_path, 'cuda:0')
img = mmcv.imread('data/isic/images/i0.png')
result = inference_model(model, img)
drawn = show_result_pyplot(model, img, result, out_file='isic_seen.png')
print('seen', drawn.shape)
"""

NINETEEN = """
import torch
from mmseg.registry import MODELS
from mmengine import Config
model = MODELS.build(Config.fromfile('small.py').model)
torch.save(dict(state_dict=model.state_dict(), meta=dict()), 'nineteen.pth')
"""

OPTIMIZERS = """
from mmengine.optim import build_optim_wrapper
from mmengine import Config
from mmseg.registry import MODELS
model = MODELS.build(Config.fromfile('small.py').model)
for kind in ('SGD', 'Adam', 'AdamW', 'RMSprop'):
    wrapper = dict(type='OptimWrapper', optimizer=dict(type=kind, lr=0.01, weight_decay=0.0005),
                   paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=10., decay_mult=0.)}))
    made = build_optim_wrapper(model, wrapper)
    rates = {group['lr'] for group in made.optimizer.param_groups}
    print(kind, sorted(round(rate, 4) for rate in rates))
"""

#: The two rules of a reader's script over the losses of two logs.
LOSSES = r"""
import re, sys
def losses(file):
    return [float(found) for found in re.findall(r'loss: (\d+\.\d+)', open(file).read())]
first, second = losses(sys.argv[1]), losses(sys.argv[2])
relative = sum(abs(a - b) / abs(a) for a, b in zip(first, second)) / len(first)
absolute = sum(abs(a - b) for a, b in zip(first, second)) / len(first)
print(len(first), 'MeanRelativeError', relative, 'MeanAbsoluteError', absolute, relative <= 0.05 or absolute <= 0.0002)
"""

INFERENCER = """
from mmseg.apis import MMSegInferencer
from mmseg.structures import SegDataSample
inferencer = MMSegInferencer(model='small.py', weights='work_dirs/small/iter_4.pth', device='cpu')
images = ['data/release_test/testing/t0.png', 'data/release_test/testing/t1.png']
inferencer(images[0])
inferencer(images, out_dir='outputs', img_out_dir='vis', pred_out_dir='pred', opacity=0.8)
one = inferencer(images[0], return_datasamples=True)
several = inferencer(images, return_datasamples=True)
print('datasamples', type(one).__name__, [type(each).__name__ for each in several])
print(one.pred_sem_seg.data.shape)
"""

APIS = """
import mmcv
from mmengine import Config
from mmseg.apis import inference_model, init_model, show_result_pyplot
config, checkpoint, image = 'small.py', 'work_dirs/small/iter_4.pth', 'data/release_test/testing/t0.png'
model = init_model(config, checkpoint)
model = init_model(Config.fromfile(config), checkpoint, device='cuda:0')
model = init_model(config, checkpoint, device='cpu', cfg_options={'model.decode_head.dropout_ratio': 0.2})
result = inference_model(model, image)
results = inference_model(model, [image, mmcv.imread(image)])
picture = show_result_pyplot(model, image, result, opacity=0.5, title='a', draw_gt=False, draw_pred=True, wait_time=0,
                             show=False, out_file='out/result.png', save_dir='out')
print('shown', picture.shape, len(results), result.pred_sem_seg.data.shape, result.seg_logits.data.shape)
"""

SAMPLES = """
import mmcv, torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer
image = mmcv.imread('data/release_test/testing/t0.png', 'color')
sample = SegDataSample(metainfo=dict(img_shape=image.shape[:2]))
sample.gt_sem_seg = PixelData(data=torch.randint(0, 19, (1, *image.shape[:2])))
print(sample.cpu().detach().gt_sem_seg.shape, 'img_shape' in sample.metainfo_keys())
visualizer = SegLocalVisualizer(vis_backends=[dict(type='LocalVisBackend')], save_dir='drawn', alpha=0.5)
visualizer.dataset_meta = dict(classes=[str(i) for i in range(19)], palette=[[i, i, i] for i in range(19)])
visualizer.add_datasample('out_file', image, data_sample=sample, show=False)
"""

DELETE = """
from mmengine.config import Config
open('deleted.py', 'w').write('''
_base_ = 'pspnet_r50-d8_4xb2-40k_cityscapes-512x1024'
model = dict(pretrained='open-mmlab://msra/hrnetv2_w32', backbone=dict(_delete_=True, type='HRNet', extra=dict()))
''')
cfg = Config.fromfile('deleted.py')
print(cfg.model)
assert 'depth' not in cfg.model.backbone and cfg.model.backbone.type == 'HRNet'
"""

CONFIGS = {
    "ohem.py": """
_base_ = './pspnet_r50-d8_512x1024_40k_cityscapes.py'
model = dict(decode_head=dict(sampler=dict(type='OHEMPixelSampler', thresh=0.7, min_kept=100000)))
""",
    "class_weight.py": """
_base_ = './small.py'
model = dict(decode_head=dict(loss_decode=dict(
    type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0, class_weight=[1.0] * 18 + [2.0])))
""",
    "rates.py": """
_base_ = './small.py'
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=10.)}))
""",
    "dice.py": """
_base_ = './small.py'
model = dict(decode_head=dict(loss_decode=[
    dict(type='CrossEntropyLoss', loss_name='loss_ce', loss_weight=1.0),
    dict(type='DiceLoss', loss_name='loss_dice', loss_weight=3.0)]))
""",
    "format.py": """
_base_ = './small.py'
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'], format_only=True, output_dir='work_dirs/format_only')
test_dataloader = dict(dataset=dict(
    type='BaseSegDataset', metainfo=dict(classes=[str(i) for i in range(19)]), img_suffix='.png',
    data_root='data/release_test', data_prefix=dict(img_path='testing'), pipeline=[
        dict(type='LoadImageFromFile'), dict(type='Resize', scale=(128, 64), keep_ratio=True),
        dict(type='PackSegInputs')]))
""",
    "pictures.py": """
_base_ = './small.py'
default_hooks = dict(visualization=dict(type='SegVisualizationHook', draw=True, interval=1))
vis_backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
visualizer = dict(type='SegLocalVisualizer', vis_backends=vis_backends, name='visualizer')
custom_hooks = [dict(type='EMAHook'), dict(type='EmptyCacheHook'), dict(type='SyncBuffersHook')]
""",
}
