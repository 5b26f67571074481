from .segmentor import AdversarialEncoderDecoder, BoundedFCNHead

__all__ = ['AdversarialEncoderDecoder', 'BoundedFCNHead']
