from .segmentor import DoubledEncoderDecoder

__all__ = ['DoubledEncoderDecoder']
