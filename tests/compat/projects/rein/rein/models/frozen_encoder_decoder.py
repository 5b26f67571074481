from mmseg.models.builder import SEGMENTORS
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder

from .utils import set_requires_grad, set_train


@SEGMENTORS.register_module()
class FrozenBackboneEncoderDecoder(EncoderDecoder):
    """The backbone is trained only where its tokens are."""

    def train(self, mode: bool = True):
        super().train(mode)
        if mode:
            set_requires_grad(self.backbone, ['reins'])
            set_train(self.backbone, ['reins'])
        return self
