from .head import HRDAHead
from .segmentor import HRDAEncoderDecoder

__all__ = ['HRDAHead', 'HRDAEncoderDecoder']
