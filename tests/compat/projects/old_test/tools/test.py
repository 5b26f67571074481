import argparse
import os.path as osp

import mmcv
import numpy as np
import torch
from mmcv.cnn.utils import revert_sync_batchnorm
from mmcv.parallel import MMDataParallel
from mmcv.runner import get_dist_info, load_checkpoint, wrap_fp16_model
from mmcv.utils import DictAction

from mmseg.apis import single_gpu_test
from mmseg.datasets import build_dataloader, build_dataset
from mmseg.models import build_segmentor


def parse_args():
    parser = argparse.ArgumentParser(description='mmseg test (and eval) a model')
    parser.add_argument('config', help='test config file path')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', default='work_dirs')
    parser.add_argument('--aug-test', action='store_true', help='Use Flip and Multi scale aug')
    parser.add_argument('--out', action='store_true', help='output result file')
    parser.add_argument('--eval', type=str, nargs='+')
    parser.add_argument('--show', action='store_true')
    parser.add_argument('--show-dir')
    parser.add_argument('--options', nargs='+', action=DictAction)
    return parser.parse_args()


def main():
    args = parse_args()
    cfg = mmcv.Config.fromfile(args.config)
    if args.options is not None:
        cfg.merge_from_dict(args.options)
    if args.aug_test:
        cfg.data.test.pipeline[1].img_ratios = [1.0, 1.5]
        cfg.data.test.pipeline[1].flip = True
    cfg.model.pretrained = None
    cfg.data.test.test_mode = True
    rank, _ = get_dist_info()

    dataset = build_dataset(cfg.data.test)
    data_loader = build_dataloader(
        dataset,
        samples_per_gpu=1,
        workers_per_gpu=cfg.data.workers_per_gpu,
        dist=False,
        shuffle=False,
        persistent_workers=False)
    cfg.model.train_cfg = None
    model = build_segmentor(cfg.model, test_cfg=cfg.get('test_cfg'))
    if cfg.get('fp16', None) is not None:
        wrap_fp16_model(model)
    checkpoint = load_checkpoint(model, args.checkpoint, map_location='cpu')
    if 'CLASSES' in checkpoint.get('meta', {}):
        model.CLASSES = checkpoint['meta']['CLASSES']
    else:
        model.CLASSES = dataset.CLASSES
    model.PALETTE = dataset.PALETTE
    torch.cuda.empty_cache()
    model = revert_sync_batchnorm(model)
    model = MMDataParallel(model, device_ids=[])
    results = single_gpu_test(
        model, data_loader, args.show, args.show_dir, False, 0.5, pre_eval=False, format_only=False)
    if rank == 0:
        mmcv.mkdir_or_exist(args.work_dir)
        shares = [np.bincount(r.ravel(), minlength=3).tolist() for r in results]
        if args.out:
            mmcv.dump(dict(lines=[dict(sky=s[0], road=s[1], tree=s[2]) for s in shares]),
                      osp.join(args.work_dir, 'shares.json'))
        metric = dataset.evaluate(results, args.eval)
        lines = [dict(sky=s[0], road=s[1], tree=s[2]) for s in shares]
        lines.append({k: float(v) for k, v in metric.items()})
        mmcv.dump(dict(lines=lines), osp.join(args.work_dir, 'log.json'))


if __name__ == '__main__':
    main()
