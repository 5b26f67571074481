from mmcv.runner import IterBasedRunner
from mmcv.runner.builder import RUNNERS


@RUNNERS.register_module()
class IterBasedRunnerAmp(IterBasedRunner):
    """Iteration-based Runner with AMP support; here it only notes what it does."""

    def train(self, data_loader, **kwargs):
        self.logger.info('iteration %d', self.iter)
        super().train(data_loader, **kwargs)
