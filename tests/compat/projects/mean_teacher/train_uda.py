import argparse
import os.path as osp

import mmengine
import uda  # noqa: F401
from mmengine.config import Config, DictAction
from mmengine.dist import get_dist_info
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner, load_checkpoint, set_random_seed
from mmseg.registry import MODELS
from mmseg.utils import register_all_modules


def parse_args():
    parser = argparse.ArgumentParser(description='Train a student and its teacher')
    parser.add_argument('config')
    parser.add_argument('--work-dir', default='work_dirs')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def endless(loader):
    while True:
        yield from loader


def main():
    args = parse_args()
    register_all_modules(init_default_scope=True)
    cfg = Config.fromfile(args.config)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    mmengine.mkdir_or_exist(osp.abspath(args.work_dir))
    logger = MMLogger.get_instance('uda', log_file=osp.join(args.work_dir, 'train.log'))
    rank, _ = get_dist_info()
    set_random_seed(cfg.seed)

    model = MODELS.build(cfg.model)
    load_checkpoint(model, cfg.load_from, map_location='cpu')
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    source = endless(Runner.build_dataloader(cfg.train_dataloader, seed=cfg.seed))
    target = endless(Runner.build_dataloader(cfg.target_dataloader, seed=cfg.seed))
    set_random_seed(cfg.seed)
    lines = []
    model.train()
    for it in range(cfg.max_iters):
        log_vars = model.train_step(dict(source=next(source), target=next(target)), optim_wrapper)
        lines.append({k: v.item() for k, v in log_vars.items()})
        for group in optim_wrapper.optimizer.param_groups:
            group['lr'] *= 0.9
        logger.info(f'{it}: {lines[-1]["loss"]:.4f}')
    if rank == 0:
        mmengine.dump(dict(lines=lines), osp.join(args.work_dir, 'log.json'))


if __name__ == '__main__':
    main()
