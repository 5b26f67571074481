from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmseg.registry import HOOKS


def unwrapped(runner):
    model = runner.model
    return model.module if is_model_wrapper(model) else model


@HOOKS.register_module()
class FreezeStemHook(Hook):
    """The stem is trained from an iteration on."""

    priority = 'ABOVE_NORMAL'

    def __init__(self, until=1):
        self.until = until

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        trained = runner.iter >= self.until
        for param in unwrapped(runner).backbone.stem.parameters():
            param.requires_grad = trained


@HOOKS.register_module()
class TemperatureHook(Hook):
    """The weight of the loss falls; what it was is told."""

    def __init__(self, start=1.0, factor=0.5):
        self.start, self.factor = start, factor

    def before_train(self, runner):
        assert runner.max_iters == 2
        self.loss = unwrapped(runner).decode_head.loss_decode
        self.loss.loss_weight = self.start

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        assert len(data_batch['inputs']) == 2 and outputs['loss'] > 0
        runner.message_hub.update_scalar('train/loss_weight', self.loss.loss_weight)
        if self.every_n_train_iters(runner, 1):
            self.loss.loss_weight *= self.factor
            runner.logger.info(f'loss weight {self.loss.loss_weight}')
