from mmcv.parallel import MMDataParallel
from mmcv.runner import build_optimizer, build_runner
from mmseg.core import DistEvalHook, EvalHook
from mmseg.datasets import build_dataloader, build_dataset
from mmseg.utils import get_root_logger


def train_segmentor(model, dataset, cfg, distributed=False, validate=False, timestamp=None, meta=None):
    logger = get_root_logger(cfg.log_level)
    dataset = dataset if isinstance(dataset, (list, tuple)) else [dataset]
    data_loaders = [
        build_dataloader(ds, cfg.data.samples_per_gpu, cfg.data.workers_per_gpu, 1, dist=distributed, seed=cfg.seed)
        for ds in dataset
    ]
    optimizer = build_optimizer(model, cfg.optimizer)
    model = MMDataParallel(model, device_ids=[])
    runner = build_runner(
        cfg.runner,
        default_args=dict(
            model=model, batch_processor=None, optimizer=optimizer, work_dir=cfg.work_dir, logger=logger, meta=meta))
    runner.register_training_hooks(cfg.lr_config, cfg.optimizer_config, cfg.checkpoint_config, cfg.log_config)
    if validate:
        val_dataset = build_dataset(cfg.data.val, dict(test_mode=True))
        val_dataloader = build_dataloader(val_dataset, 1, cfg.data.workers_per_gpu, dist=distributed, shuffle=False)
        runner.register_hook((DistEvalHook if distributed else EvalHook)(val_dataloader, interval=2))
    runner.run(data_loaders, cfg.workflow)
