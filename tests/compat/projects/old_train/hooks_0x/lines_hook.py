import os.path as osp

import mmcv
from mmcv.runner import HOOKS, Hook


@HOOKS.register_module()
class LinesHook(Hook):
    """The losses of each iteration, in a file."""

    def __init__(self, name='log.json'):
        self.name, self.lines = name, []

    def after_train_iter(self, runner):
        if self.every_n_iters(runner, 1):
            self.lines.append({k: float(v) for k, v in runner.outputs['log_vars'].items()})

    def after_run(self, runner):
        mmcv.dump(dict(lines=self.lines), osp.join(runner.work_dir, self.name))
