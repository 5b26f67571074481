from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS


@MODELS.register_module()
class DoubledEncoderDecoder(EncoderDecoder):
    """Losses count twice, by the one function that sums them up."""

    def parse_losses(self, losses):
        loss, log_vars = super().parse_losses({k: v * 2 if 'loss' in k else v for k, v in losses.items()})
        log_vars['doubled'] = loss.detach()
        return loss, log_vars
