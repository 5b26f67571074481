from .segformer_head import SegFormerHead

__all__ = ['SegFormerHead']
