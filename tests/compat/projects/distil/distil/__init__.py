from .segmentor import DistilledEncoderDecoder

__all__ = ['DistilledEncoderDecoder']
