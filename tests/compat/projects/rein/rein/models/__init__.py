from .frozen_encoder_decoder import FrozenBackboneEncoderDecoder
from .rein_mask2former import ReinMask2FormerHead
from .reins import Reins
from .reins_vit import ReinsVisionTransformer

__all__ = ['FrozenBackboneEncoderDecoder', 'ReinMask2FormerHead', 'Reins', 'ReinsVisionTransformer']
